/** The house rules that a machine can check: arrows between folders, what the pure core may import, file sizes. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const src = join(root, 'src');

/** Folder -> folders it may import from. A folder may always import from itself. */
const arrows: Record<string, string[]> = {
  wire: [],
  sql: [],
  memory: ['sql'],
  facts: ['sql', 'memory'],
  patterns: ['memory', 'facts', 'sql'],
  session: ['patterns', 'memory', 'facts', 'sql', 'wire'],
  explain: ['session', 'patterns', 'memory', 'facts', 'sql'],
  config: ['explain', 'patterns', 'session', 'sql'],
  metrics: ['session', 'patterns'],
  log: ['session'],
  admin: ['metrics', 'session', 'config', 'explain', 'patterns', 'sql'],
  proxy: ['session', 'wire', 'config', 'metrics', 'log', 'facts', 'sql', 'memory', 'patterns', 'admin'],
  check: ['proxy', 'config', 'wire'],
  record: ['session', 'memory', 'sql'],
  workers: ['proxy', 'admin', 'config', 'metrics', 'log', 'patterns'],
  commands: ['config', 'explain', 'patterns', 'sql'],
  notify: [],
  signals: [],
  cli: [
    'notify',
    'signals',
    'check',
    'verify',
    'commands',
    'explain',
    'record',
    'workers',
    'proxy',
    'admin',
    'config',
    'log',
    'metrics',
  ],
  demo: [],
  verify: ['demo', 'commands', 'patterns'],
};

/** Only these may touch the outside: sockets, files, clocks, processes, loggers. */
const edges = new Set([
  'proxy',
  'config',
  'admin',
  'check',
  'cli',
  'commands',
  'record',
  'workers',
  'demo',
  'log',
  'metrics',
  'notify',
  'signals',
  'verify',
]);
/** And node:module in the witness: libpg-query has to be loaded anew after its WASM trapped. */
const pureImports = new Set(['zod', 'pg-protocol', 'libpg-query', 'node-sql-parser']);
const clocks =
  /\b(Date\.now|performance\.now|new Date\b|setTimeout|setInterval|setImmediate|process\.|Math\.random|console\.)/;

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(src, name), 'utf8') }));

/** `wire/postgres/framer.ts` -> `wire`; `cli.ts` -> `cli`. */
function folder(name: string): string {
  return (name.split('/')[0] ?? '').replace(/\.ts$/, '');
}

function imports(text: string): string[] {
  return [
    ...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

describe('arrows between folders', () => {
  it('finds the source files', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(imports("import type { A } from './a.ts';\nimport './b.ts';")).toEqual(['./a.ts', './b.ts']);
  });

  it.each(files)('$name imports only what its folder may', ({ name, text }) => {
    const from = folder(name);
    const allowed = arrows[from];
    expect(allowed, `folder ${from} is not in the map of arrows`).toBeDefined();
    for (const path of imports(text).filter((target) => target.startsWith('.'))) {
      const to = folder(relative(src, resolve(src, dirname(name), path)));
      if (to !== from) expect(allowed, `${name} imports ${path}`).toContain(to);
    }
  });

  it.each(files.filter(({ name }) => !edges.has(folder(name))))('$name is pure', ({ name, text }) => {
    for (const path of imports(text).filter((target) => !target.startsWith('.')))
      if (!(path === 'node:module' && name.startsWith('sql/witness/')))
        expect(pureImports, `${name} imports ${path}`).toContain(path);
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    expect(clocks.exec(code)?.[0]).toBeUndefined();
  });

  it.each([
    ['libpg-query', 'sql/witness/'],
    ['node-sql-parser', 'sql/witness/'],
    ['pg-protocol', 'wire/postgres/'],
  ])('%s is imported in %s only', (library, place) => {
    for (const { name, text } of files)
      if (imports(text).includes(library)) expect(name.startsWith(place), name).toBe(true);
  });
});

describe('file size', () => {
  it.each(files)('$name has at most 400 lines and says what it is', ({ text }) => {
    expect(text.split('\n').length).toBeLessThanOrEqual(400);
    expect(
      text
        .replace(/^#!.*\n/, '')
        .trimStart()
        .startsWith('/**'),
    ).toBe(true);
  });
});
