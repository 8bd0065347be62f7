/**
 * Programs: Python drivers, MariaDB's command line client and dump (Debian's, which log in to every server here), sysbench
 * with and without prepared statements. What they say must be what they say without the proxy.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { have } from '../debian.ts';
import { expectWatchful } from '../shop.ts';
import { runTool, runWell } from '../tool.ts';
import { openShop } from './shop.ts';

const script = fileURLToPath(new URL('python/pymysql_shop.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'interlock-load-'));
const rows = join(folder, 'rows.txt');
writeFileSync(
  rows,
  Array.from({ length: 30_000 }, (_, n) => `${n}\tline ${n} ${'ü'.repeat(n % 60)}\n`).join(''),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const session = `
SELECT * FROM every_type\\G
SELECT COUNT(*) FROM book;
SHOW CREATE TABLE book;
SELECT nothing FROM book;
INSERT INTO setting (name, value) VALUES ('setting 1', 1);
SHOW WARNINGS;
BEGIN; DELETE FROM book WHERE id IN (1, 2, 3); SELECT ROW_COUNT(); ROLLBACK;
DELIMITER //
CREATE PROCEDURE many() BEGIN DECLARE i INT DEFAULT 0; WHILE i < 3 DO SELECT i; SET i = i + 1; END WHILE; END//
DELIMITER ;
CALL many();
USE nowhere;
LOAD DATA LOCAL INFILE '${rows}' INTO TABLE loaded CHARACTER SET utf8mb4 (n, t);
SELECT COUNT(*), SUM(LENGTH(t)) FROM loaded;
`;

describe.each(await availableEngines(undefined, { ownSettings: true }))('%s', (engine) => {
  let server: Mysql;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startMysql({
      engine,
      settings: { local_infile: 'ON', max_allowed_packet: '64M', general_log: '0' },
    });
    proxy = await startInterlock({ server: server.url(), mode: 'rewrite', tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const directly = (database: string): string => server.url(undefined, undefined, database);
  /** Options of the command line programs. TLS is not offered by the proxy, and turned off on both ways. */
  const options = (url: string): string[] => {
    const { port, username, password } = new URL(url);
    return [
      '-h127.0.0.1',
      `-P${port}`,
      `-u${username}`,
      `-p${password}`,
      '--skip-ssl',
      '--no-defaults',
    ].toSorted((a, b) => Number(b === '--no-defaults') - Number(a === '--no-defaults'));
  };
  /** Debian's MariaDB client has caching_sha2_password only for TLS or a cached password: log in once before. */
  const knownToServer = (): Promise<unknown> => ask(server.url(), 'SELECT 1');

  for (const driver of ['pymysql', 'MySQLdb'] as const) {
    test.skipIf(!have(driver === 'pymysql' ? 'pymysql' : 'mysqldb'))(
      `${driver}: results of a direct run`,
      async () => {
        await knownToServer();
        const run = async (url: string): Promise<Record<string, unknown>> =>
          JSON.parse(await runWell('/usr/bin/python3', [script, driver, url, rows])) as Record<
            string,
            unknown
          >;
        const direct = await run(directly(await openShop(server)));
        const proxied = await run(proxy.urlFor(await openShop(server)));
        expect(proxied).toEqual(direct);
        expect(proxied).toMatchObject({ deleted: 10, loaded: 30_000 });
        await expectWatchful(proxy);
      },
    );
  }

  test.skipIf(!have('mariadb'))('mariadb: a session with errors, procedures and a local file', async () => {
    await knownToServer();
    const run = async (url: string): Promise<unknown> =>
      runTool(
        'mariadb',
        [...options(url), '--local-infile=1', '--force', '--table', '-vv', new URL(url).pathname.slice(1)],
        {
          input: session,
        },
      );
    const names = (said: unknown): unknown =>
      JSON.parse(
        JSON.stringify(said)
          .replaceAll(/t_[0-9a-f]{10}/g, 't')
          .replaceAll(/\\d+\\.\\d+ sec/g, 's')
          .replaceAll(/\(\d+\.\d+ sec\)/g, '(s)'),
      );
    const direct = names(await run(directly(await openShop(server))));
    expect(names(await run(proxy.urlFor(await openShop(server))))).toEqual(direct);
    expect(direct).toMatchObject({ stdout: expect.stringContaining('30000') as string });
    await expectWatchful(proxy);
  });

  test.skipIf(!have('mariadb-dump'))('mariadb-dump | mariadb: the same database again', async () => {
    await knownToServer();
    const database = await openShop(server);
    const copy = await server.newDatabase();
    const dump = (url: string, name: string): Promise<string> =>
      runWell('mariadb-dump', [
        ...options(url),
        '--routines',
        '--single-transaction',
        '--skip-dump-date',
        '--hex-blob',
        '--skip-comments',
        name,
      ]);
    const direct = await dump(server.url(), database);
    const proxied = await dump(proxy.url, database);
    expect(proxied).toBe(direct);
    expect(proxied).toContain('book 200');
    await runWell('mariadb', [...options(proxy.url), copy], { input: proxied });
    expect(await dump(server.url(), copy)).toBe(direct);
    await expectWatchful(proxy);
  });

  test.skipIf(!have('sysbench')).each(['disable', 'auto'])(
    'sysbench, prepared statements: %s',
    async (prepared) => {
      await knownToServer();
      const database = await server.newDatabase();
      const bench = (test: string, url: string, ...more: string[]): Promise<string> => {
        const { port, username, password } = new URL(url);
        return runWell('sysbench', [
          test,
          '--db-driver=mysql',
          '--mysql-host=127.0.0.1',
          `--mysql-port=${port}`,
          `--mysql-user=${username}`,
          `--mysql-password=${password}`,
          `--mysql-db=${database}`,
          '--table-size=500',
          '--threads=4',
          '--mysql-ssl=off',
          `--db-ps-mode=${prepared}`,
          ...more,
        ]);
      };
      await bench('oltp_read_write', proxy.url, 'prepare');
      for (const name of ['oltp_point_select', 'oltp_read_write', 'oltp_delete'])
        expect(await bench(name, proxy.url, '--events=400', '--time=0', 'run')).toMatch(
          /total number of events: +400/,
        );
      await bench('oltp_read_write', proxy.url, 'cleanup');
      await expectWatchful(proxy);
    },
  );
});
