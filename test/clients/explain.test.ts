/**
 * `interlock record` in front of real servers, and `interlock explain` of what it wrote and of what the servers logged
 * themselves: PostgreSQL's stderr log, csvlog and jsonlog, the general log of MariaDB and MySQL.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { explainCommand } from '../../src/commands/explain.ts';
import { availableEngines, startMysql } from '../support/mysql.ts';
import { availableVersions, startPostgres } from '../support/postgres.ts';
import { startInterlock } from '../support/proxy.ts';
import { openShop as openMysqlShop } from './mysql/shop.ts';
import { openShop } from './shop.ts';

// The server's own system user writes its logs here.
const folder = mkdtempSync(join(tmpdir(), 'interlock-record-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const find = 'SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ';
const again = 'SELECT id, name, value FROM setting WHERE name = ';

/** Of the tables of the shop; queries of drivers and of the test itself stand in the same log. */
async function findings(file: string, ...args: string[]): Promise<string[]> {
  const out = await explainCommand([file, '--json', '--findings', '--mode', 'rewrite', ...args]);
  const { statements } = JSON.parse(out) as {
    statements: { finding: { table: string; decision: string; reason?: string; after?: string[] } }[];
  };
  return statements.map(
    ({ finding }) => `${finding.table} ${finding.decision} ${finding.reason ?? finding.after?.at(-1) ?? ''}`,
  );
}

test.each(availableVersions([18]))('PostgreSQL %i', async (version) => {
  const server = await startPostgres({
    version,
    own: true,
    settings: {
      log_line_prefix: '%m [%p] ',
      logging_collector: 'on',
      log_destination: 'stderr,csvlog,jsonlog',
      log_directory: 'pg_log',
      log_filename: 'all.log',
    },
  });
  const recording = join(folder, 'postgres.jsonl');
  const proxy = await startInterlock({ server, args: ['record', '--output', recording] });
  try {
    const database = await openShop(server);
    const client = new pg.Client({ connectionString: proxy.urlFor(database) });
    await client.connect();
    await client.query('BEGIN');
    const { rows } = await client.query<{ id: string }>(`${find}$1`, ['author 2']);
    await client.query('DELETE FROM book WHERE id = ANY($1)', [rows.map(({ id }) => id)]);
    await client.query('COMMIT');
    await client.query('BEGIN');
    await client.query('SAVEPOINT s');
    const failed = client.query("INSERT INTO setting (name, value) VALUES ('setting 1', 7)");
    await expect(failed).rejects.toMatchObject({ code: '23505' });
    await client.query('ROLLBACK TO s');
    await client.query(`${again}'setting 1'`);
    await client.query('COMMIT');
    const [{ data_directory: data }] = (await client.query('SHOW data_directory')).rows as [
      { data_directory: string },
    ];
    await client.end();
    await proxy.stop();

    const marked = (rule: string): string => `/* interlock:generic/${rule} */`;
    const rewritten = [
      `book rewritten ${marked('split-delete')} DELETE FROM book WHERE id IN (${find}$1 FOR UPDATE OF b)`,
      `setting rewritten ${marked('unlocked-read')} ${again}'setting 1' FOR UPDATE`,
    ];
    expect(statSync(recording).mode & 0o777).toBe(0o600);
    const text = readFileSync(recording, 'utf8');
    expect(text).not.toMatch(/author 2|setting 1|“ü”/);
    expect(await findings(recording)).toEqual([
      rewritten[0],
      expect.stringMatching(/^setting rewritten .* WHERE name = 's[0-9a-f]{12}' FOR UPDATE$/),
    ]);
    const written = readdirSync(join(data, 'pg_log')).toSorted();
    expect(written).toEqual(['all.csv', 'all.json', 'all.log']);
    for (const name of written) expect(await findings(join(data, 'pg_log', name)), name).toEqual(rewritten);
  } finally {
    await proxy.stop();
    await server.stop();
  }
});

const long = process.env.INTERLOCK_TEST_LONG === '1';
test.each(await availableEngines(long ? ['mariadb-10.11', 'mysql-9.7'] : ['mariadb-10.11']))(
  '%s',
  async (engine) => {
    const server = await startMysql({ engine, isolation: 'READ COMMITTED' });
    const recording = join(folder, `${engine}.jsonl`);
    const database = await openMysqlShop(server);
    const proxy = await startInterlock({
      server: server.url(undefined, undefined, database),
      args: ['record', '--output', recording],
    });
    try {
      const client = await mysql.createConnection({ uri: proxy.url });
      await client.beginTransaction();
      const [rows] = await client.execute<mysql.RowDataPacket[]>(`${find}?`, ['author 2']);
      await client.query('DELETE FROM book WHERE id IN (?)', [rows.map(({ id }) => id as number)]);
      await client.commit();
      await client.beginTransaction();
      await client.query('SAVEPOINT s');
      const failed = client.query("INSERT INTO setting (name, value) VALUES ('setting 1', 7)");
      await expect(failed).rejects.toMatchObject({ errno: 1062 });
      await client.query('ROLLBACK TO s');
      await client.query(`${again}'setting 1'`);
      await client.commit();
      await client.end();
      await proxy.stop();

      const level = ['--isolation', 'read committed'];
      const deleted = 'DELETE b FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ';
      const marked = (rule: string): string => `/* interlock:generic/${rule} */`;
      const text = readFileSync(recording, 'utf8');
      expect(text).not.toMatch(/author 2|setting 1|“ü”/);
      expect(await findings(recording, ...level)).toEqual([
        `book rewritten ${marked('split-delete')} ${deleted}?`,
        expect.stringMatching(/^setting rewritten .* WHERE name = 's[0-9a-f]{12}' FOR UPDATE$/),
      ]);
      if (server.generalLogFile === undefined) return;
      expect(await findings(server.generalLogFile, ...level)).toEqual([
        `book rewritten ${marked('split-delete')} ${deleted}'author 2'`,
        `setting rewritten ${marked('unlocked-read')} ${again}'setting 1' FOR UPDATE`,
      ]);
    } finally {
      await proxy.stop();
      await server.stop();
    }
  },
);
