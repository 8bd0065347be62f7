/** The Dockerfile cannot be built by these tests; what it names can be checked. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { describe, expect, test } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string): string => readFileSync(at(path), 'utf8');

/** Instructions with continued lines joined, comments left out. */
const instructions = read('Dockerfile')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '');

const all = (name: string): string[] =>
  instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
const last = (name: string): string => all(name).at(-1)!;

const copies = all('COPY')
  .filter((rest) => !rest.startsWith('--from='))
  .flatMap((rest) => rest.split(/\s+/).slice(0, -1));

/** An exclude-all list with exceptions: the only form that .dockerignore here uses. */
const allowed = read('.dockerignore')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));

describe('Dockerfile', () => {
  test.each(copies)('COPY %s: exists, and .dockerignore lets it through', (source) => {
    expect(existsSync(at(source))).toBe(true);
    expect(allowed).toContain(source);
  });

  test('.dockerignore excludes everything else and allows nothing in vain', () => {
    expect(read('.dockerignore').split('\n')).toContain('*');
    expect(allowed.toSorted()).toEqual([...new Set(copies)].toSorted());
  });

  test('both stages stand on the Node major that the project is tested with, and no other', () => {
    const majors = all('FROM').map((image) => /^node:(\d+)-slim/.exec(image)?.[1]);
    expect(majors).toHaveLength(2);
    expect(new Set(majors)).toEqual(new Set(['20']));
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    expect(engines.node).toMatch(/^>=20\./);
  });

  test('what is copied from the build stage is what the build makes', () => {
    const built = all('COPY').filter((rest) => rest.startsWith('--from=build '));
    expect(built.map((rest) => rest.split(/\s+/)[1])).toEqual(['/build/node_modules', '/build/dist']);
    const { compilerOptions } = JSON.parse(read('tsconfig.build.json')) as {
      compilerOptions: { outDir: string };
    };
    expect(compilerOptions.outDir).toBe('dist');
  });

  test('it does not run as root', () => {
    expect(last('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(instructions.indexOf(`USER ${last('USER')}`)).toBeGreaterThan(
      instructions.lastIndexOf(`FROM ${last('FROM')}`),
    );
  });

  test('the health check is a program of the image that asks for readiness', () => {
    const command = JSON.parse(last('HEALTHCHECK').replace(/^.*?CMD /, '')) as string[];
    expect(command.slice(0, 2)).toEqual(['node', '-e']);
    expect(command[2]).toContain('/readyz');
    expect(() => new Script(command[2]!)).not.toThrow();
    // The port that the example configuration gives to `admin` when nothing is set.
    const [, port] = /INTERLOCK_ADMIN:-127\.0\.0\.1:(\d+)\}/.exec(read('config.example.yaml'))!;
    expect(command[2]).toContain(`'127.0.0.1:${port}'`);
  });

  test('it starts the command line of package.json', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: { interlock: string } };
    expect(JSON.parse(last('ENTRYPOINT'))).toEqual(['node', bin.interlock]);
    expect(JSON.parse(last('CMD'))).toEqual(['-c', '/etc/interlock/config.yaml']);
  });
});
