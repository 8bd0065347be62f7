/** The client programs that come with PostgreSQL (Debian's version 15): psql, pgbench, pg_dump and pg_restore. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { have } from './debian.ts';
import { expectWatchful, openShop } from './shop.ts';
import { runTool, runWell } from './tool.ts';

const session = String.raw`
\set VERBOSITY verbose
\conninfo
\encoding
\dt
\d book
\df
SELECT count(*) FROM book;
SELECT b.title, a.name FROM book b JOIN author a ON a.id = b.author_id ORDER BY b.id LIMIT 3 \gx
SELECT * FROM every_type \gdesc
SELECT 1 AS a, 2 AS b \gset got_
\echo :got_a :got_b
\set AUTOCOMMIT off
SELECT 1 / 0;
SELECT 1;
ROLLBACK;
\set AUTOCOMMIT on
\set ON_ERROR_ROLLBACK on
BEGIN;
INSERT INTO setting (name, value) VALUES ('setting 1', 1);
SELECT value FROM setting WHERE name = 'setting 1';
COMMIT;
\set FETCH_COUNT 30
SELECT id FROM book ORDER BY id;
\unset FETCH_COUNT
\copy (SELECT * FROM author ORDER BY id) TO STDOUT WITH CSV
CREATE TEMP TABLE imported (n int, t text);
\copy imported FROM STDIN
1	one
2	two
\.
COPY imported FROM STDIN;
3	three
x	four
\.
SELECT * FROM imported;
LISTEN news;
NOTIFY news, 'payload';
SELECT 'a' \; SELECT 'b' \; SELECT 1 / 0 \; SELECT 'c';
DO $$ BEGIN RAISE WARNING 'psql shows this'; END $$;
SELECT 'DROP TABLE imported' \gexec
\c
SELECT current_user;
`;

/** What names the connection instead of the data. */
const anonymous = (text: string, port: number): string =>
  text
    .replaceAll(String(port), 'PORT')
    .replace(/process with PID \d+|server process \d+|PID \d+/g, 'PID')
    .replaceAll(/"t_\w+"/g, '"DB"');

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxy: Proxy;
  const folder = mkdtempSync(join(tmpdir(), 'interlock-tools-'));
  const target = (way: 'direct' | 'proxied', database: string): Record<string, string> => ({
    ...server.psqlEnv,
    PGPORT: String(way === 'direct' ? server.port : proxy.port),
    PGDATABASE: database,
  });
  beforeAll(async () => {
    server = await startPostgres({ version, settings: { log_statement: 'none' } });
    proxy = await startInterlock({ server, mode: 'rewrite', tables: ['*'] });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await proxy?.stop();
    await server?.stop();
  });

  test.skipIf(!have('psql'))('psql says the same', async () => {
    const said = async (way: 'direct' | 'proxied', args: string[]): Promise<string> => {
      const env = target(way, await openShop(server));
      const { stdout, stderr, status } = await runTool('psql', ['-X', ...args], { env, input: session });
      return anonymous(`${status}\n${stdout}\n${stderr}`, Number(env.PGPORT));
    };
    for (const args of [[], ['-1'], ['-q', '-A', '-t']]) {
      const direct = await said('direct', args);
      expect(direct).toContain('22012');
      expect(await said('proxied', args)).toBe(direct);
    }
    await expectWatchful(proxy);
  });

  test.skipIf(!have('psql'))("psql's Ctrl-C ends the query, and the script", async () => {
    const interrupted = async (way: 'direct' | 'proxied'): Promise<string> => {
      const env = { ...process.env, ...target(way, 'postgres'), PGAPPNAME: way, LC_ALL: 'C.UTF-8' };
      const child = spawn('psql', ['-X'], { env });
      child.stdin.end(`SELECT 'before';\nSELECT pg_sleep(600);\nSELECT 'after';\n`);
      const said = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].setEncoding('utf8').on('data', (text: string) => (said[stream] += text));
      const ended = once(child, 'close');
      const asleep = `SELECT 1 FROM pg_stat_activity WHERE application_name = '${way}' AND wait_event = 'PgSleep'`;
      await vi.waitUntil(async () => (await run(server.url, asleep))[0]!.rows.length === 1, 20_000);
      child.kill('SIGINT');
      const [status] = await ended;
      return `${status}\n${said.stdout}${said.stderr}`;
    };
    const direct = await interrupted('direct');
    expect(direct).toContain('canceling statement due to user request');
    expect(direct).not.toContain('after');
    expect(await interrupted('proxied')).toBe(direct);
  });

  describe.skipIf(!have('pgbench'))('pgbench', () => {
    let database: string;
    const pgbench = (...args: string[]): Promise<string> =>
      runWell('pgbench', ['-n', ...args], { env: target('proxied', database) });

    beforeAll(async () => {
      database = await server.newDatabase();
      await pgbench('-i', '-q', '-s', '1');
    });

    test.for(
      ['simple', 'extended', 'prepared'].flatMap((protocol) => [
        [protocol, 'select-only', ['-S', '-t', '500']] as const,
        [protocol, 'TPC-B', ['-t', '100']] as const,
        [protocol, 'a connection for each transaction', ['-C', '-S', '-t', '25']] as const,
      ]),
    )('%s, %s, 4 clients', async ([protocol, , args]) => {
      const clients = 4;
      const output = await pgbench('-M', protocol, '-c', String(clients), '-j', '2', ...args);
      const wanted = clients * Number(args[args.indexOf('-t') + 1]);
      expect(output).toContain(`number of transactions actually processed: ${wanted}/${wanted}`);
      expect(output).toContain('number of failed transactions: 0');
    });

    test('the books balance', async () => {
      const [sums] = await run(
        pointed(server.url, { database }),
        `SELECT (SELECT sum(abalance) FROM pgbench_accounts) AS a, (SELECT sum(bbalance) FROM pgbench_branches) AS b,
                (SELECT sum(tbalance) FROM pgbench_tellers) AS t, (SELECT sum(delta) FROM pgbench_history) AS h,
                (SELECT count(*)::int FROM pgbench_history) AS n`,
      );
      const { a, b, t, h, n } = sums!.rows[0];
      expect([b, t, h]).toEqual([a, a, a]);
      expect(n).toBe(3 * 4 * 100);
    });

    test('a pipeline', async () => {
      const file = join(folder, 'pipeline.sql');
      const select = 'SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n';
      writeFileSync(
        file,
        `\\set aid random(1, 100000)\n\\startpipeline\n${select.repeat(20)}\\endpipeline\n`,
      );
      const output = await pgbench('-M', 'extended', '-c', '4', '-t', '50', '-f', file);
      expect(output).toContain('number of transactions actually processed: 200/200');
    });

    test('the proxy saw it all', () => expectWatchful(proxy));
  });

  const dumps = (): void => {
    const dump = (way: 'direct' | 'proxied', database: string, ...args: string[]): Promise<string> =>
      runWell('pg_dump', args, { env: target(way, database) });
    const comparable = (text: string): string => text.replaceAll(/^\\(un)?restrict .*$/gm, '');

    test('into psql: the copy equals the original', async () => {
      const original = await openShop(server);
      const copy = await server.newDatabase();
      const text = await dump('proxied', original);
      await runWell('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1'], {
        env: target('proxied', copy),
        input: text,
      });
      expect(comparable(text)).toContain('COPY public.book');
      expect(comparable(await dump('direct', copy))).toBe(comparable(await dump('direct', original)));
      expect(comparable(text)).toBe(comparable(await dump('direct', original)));
    });

    test('as inserts, and in parallel with a shared snapshot into pg_restore', async () => {
      const original = await openShop(server);
      const [viaInserts, viaFolder] = [await server.newDatabase(), await server.newDatabase()];
      const inserts = await dump('proxied', original, '--rows-per-insert=50', '--column-inserts');
      await runWell('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1'], {
        env: target('proxied', viaInserts),
        input: inserts,
      });
      const files = join(folder, 'dump');
      await dump('proxied', original, '-Fd', '-j', '3', '-f', files);
      await runWell('pg_restore', ['-j', '3', '-d', viaFolder, files], { env: target('proxied', viaFolder) });
      const expected = comparable(await dump('direct', original));
      expect(comparable(await dump('direct', viaInserts))).toBe(expected);
      expect(comparable(await dump('direct', viaFolder))).toBe(expected);
      await expectWatchful(proxy);
    });
  };

  // pg_dump refuses servers newer than itself, so there is nothing to test with them.
  if (version === 15) describe.skipIf(!have('pg_dump') || !have('psql'))('pg_dump', dumps);
});
