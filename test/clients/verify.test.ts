/** `interlock verify` on servers: the matrix says what the race tests say, and nothing is left behind. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { authority, noOpenssl } from '../support/certificates.ts';
import { ask as askMysql, availableEngines, startMysql } from '../support/mysql.ts';
import { availableVersions, pointed, startPostgres } from '../support/postgres.ts';
import { ask } from '../races/runner.ts';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const verify = (server: string, database: string): { status: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [cli, 'verify', '--server', server, '--scratch-database', database],
    { encoding: 'utf8' },
  );
  return { status, out: stdout, err: stderr };
};
/** `iii` -> the three cells of its line, once for each isolation level. */
const cells = (out: string, id: string): string[][] =>
  out
    .split('\n')
    .filter((line) => line.startsWith(`  ${id} `))
    .map((line) =>
      line
        .trim()
        .split(/\s{2,}/)
        .slice(1, 4),
    );

test.each(availableVersions([18]))('PostgreSQL %i', async (version) => {
  const server = await startPostgres({ version });
  try {
    const database = await server.newDatabase();
    const { status, out, err } = verify(server.url, database);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(cells(out, 'ii')).toEqual([
      ['23505@R2.I', 'right', 'right'],
      ['40001@R2.D', '40001@R2.D', '40001@R2.D'],
    ]);
    expect(cells(out, 'iii')[0]).toEqual(['23505@R2.I', '23505@R2.I', 'right']);
    expect(out).toContain('Nothing is worse');
    const url = pointed(server.url, { database });
    await ask(url, ['CREATE TABLE mine (id int)']);
    expect(verify(server.url, database)).toMatchObject({
      status: 1,
      err: expect.stringContaining('not empty: public.mine') as string,
    });
  } finally {
    await server.stop();
  }
});

const why = noOpenssl();
if (why !== undefined) process.stderr.write(`\n*** NOT TESTED: verify with TLS: ${why}\n\n`);

test.skipIf(why !== undefined).each(availableVersions([18]))(
  'PostgreSQL %i, TLS asked for in the URL: the proxied sessions go without it; Ctrl-C leaves nothing behind',
  async (version) => {
    const certificates = authority();
    const server = await startPostgres({ version, tls: certificates.issue('server', ['127.0.0.1']) });
    try {
      const database = await server.newDatabase();
      const url = `${server.url}?sslmode=no-verify`;
      const args = [cli, 'verify', '--server', url, '--scratch-database', database];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      const said = { out: '', err: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said.out += text;
        if (text.includes('READ COMMITTED')) child.kill('SIGINT');
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
      const [code] = (await once(child, 'close')) as [number | null];
      expect({ code, err: said.err }).toEqual({ code: 1, err: 'interlock: ended by SIGINT\n' });
      expect(cells(said.out, 'ii')).toEqual([['23505@R2.I', 'right', 'right']]);
      const tables = "SELECT relname FROM pg_class WHERE relname LIKE 'shop%'";
      expect(await ask(pointed(server.url, { database }), [tables])).toEqual([]);
    } finally {
      await server.stop();
      certificates.remove();
    }
  },
);

test('a URL that leads past the proxies is refused', () => {
  for (const url of [
    'postgres://me@db?host=/var/run/postgresql',
    'postgres:///?host=x',
    'mysql://db?socketPath=/x',
  ])
    expect(verify(url, 'scratch')).toMatchObject({ status: 2 });
});

/** All of them in the long run; they take 20 s each. */
const engines = process.env.INTERLOCK_TEST_LONG === '1' ? await availableEngines() : [];
describe.each(engines)('%s', (engine) => {
  test('the matrix', async () => {
    const server = await startMysql({ engine });
    try {
      const database = await server.newDatabase();
      const { status, out, err } = verify(server.url(), database);
      expect({ status, err }).toEqual({ status: 0, err: '' });
      expect(cells(out, 'iii')[0]).toEqual(['1062@R2.I', '1062@R2.I', 'right']);
      expect(await askMysql(server.url(undefined, undefined, database), 'SHOW TABLES')).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});
