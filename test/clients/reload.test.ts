/**
 * Rules are exchanged while sessions are open: each of them goes over between two of its transactions, whatever it had been
 * told to look at before.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { availableEngines, startMysql } from '../support/mysql.ts';
import { pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, workerProcesses, type LogLine, type Proxy } from '../support/proxy.ts';

const rules = (mode: string): string => `
pack: own
description: of this test
rules: [{ id: own/split-delete, pattern: split-delete, mode: ${mode}, match: { tables: ['*'] } }]
`;

let folder: string;
let proxy: Proxy;
const pack = (): string => join(folder, 'own.yaml');

async function start(server: string, more = ''): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'interlock-reload-'));
  writeFileSync(pack(), rules('observe'));
  proxy = await startInterlock({
    server,
    config: `
listeners: [{ name: main, listen: "127.0.0.1:0", server: "${server}" }]
rules: { packs: ["${pack()}"] }
${more}`,
  });
}
async function stop(): Promise<void> {
  await proxy?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Of the lines that the log has not had before. */
async function exchange(text: string, accepts: (line: LogLine) => boolean): Promise<LogLine> {
  const { length } = proxy.logs();
  // In one step: a file that is half written is no mistake that anybody wants to hear of.
  writeFileSync(`${pack()}.new`, text);
  renameSync(`${pack()}.new`, pack());
  proxy.signal('SIGHUP');
  return proxy.waitForLog((line) => proxy.logs().indexOf(line) >= length && accepts(line));
}
const mode = (name: string): Promise<LogLine> =>
  exchange(rules(name), ({ msg }) => msg === 'rules read anew');

async function decisions(count: number): Promise<unknown[]> {
  const isFinding = ({ msg }: LogLine): boolean => msg === 'finding';
  await proxy.waitForLog((line) => proxy.logs().filter(isFinding).indexOf(line) >= count - 1);
  return proxy.findings().map(({ decision }) => decision);
}

describe('PostgreSQL', () => {
  let server: Postgres;
  let database: string;
  let client: pg.Client;

  beforeAll(async () => {
    server = await startPostgres({ version: 18 });
    database = await server.newDatabase();
    await run(pointed(server.url, { database }), 'CREATE TABLE book (id serial PRIMARY KEY, isbn text)');
    await run(
      pointed(server.url, { database }),
      `INSERT INTO book (isbn) SELECT 'a' FROM generate_series(1, 9)`,
    );
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    await start(server.url);
    client = new pg.Client({ connectionString: proxy.urlFor(database) });
    await client.connect();
  });
  afterEach(async () => {
    await client?.end();
    await stop();
  });

  async function select(name?: string): Promise<number> {
    const text = `SELECT id FROM book WHERE isbn = 'a' AND id < 5`;
    const { rows } = await client.query<{ id: number }>(name === undefined ? { text } : { text, name });
    return rows.length;
  }
  const remove = (): Promise<unknown> => client.query('DELETE FROM book WHERE id IN (1, 2, 3, 4)');
  async function splitDelete(name?: string): Promise<void> {
    await client.query('BEGIN');
    expect(await select(name)).toBe(4);
    await remove();
    await client.query('ROLLBACK');
  }

  test('an open session follows between two transactions, and not inside of one', async () => {
    await splitDelete();
    await client.query('BEGIN');
    await select();
    await mode('rewrite');
    await remove();
    expect(await decisions(2)).toEqual(['observed', 'observed']);
    await client.query('ROLLBACK');
    await splitDelete();
    expect((await decisions(3)).at(-1)).toBe('rewritten');
    await mode('off');
    await splitDelete();
    await mode('observe');
    await splitDelete();
    expect((await decisions(4)).slice(2)).toEqual(['rewritten', 'observed']);
    expect(await proxy.metrics()).toMatchObject({
      'interlock_rules_reloads_total{outcome="done"}': 3,
      'interlock_rules_reloads_total{outcome="failed"}': 0,
      interlock_rules_last_reload_successful: 1,
      interlock_problems_total: 0,
    });
  });

  test('what cannot be used is told with its place, and the old rules stay', async () => {
    const { problems } = await exchange(rules('rewite'), ({ level }) => level === 'error');
    expect(problems).toEqual([
      { where: `${pack()}:4:62`, message: 'rules[0].mode: expected one of off, observe, rewrite' },
    ]);
    await splitDelete();
    expect(await decisions(1)).toEqual(['observed']);
    expect(await proxy.metrics()).toMatchObject({
      'interlock_rules_reloads_total{outcome="failed"}': 1,
      interlock_rules_last_reload_successful: 0,
    });
  });

  test('a prepared statement that was exchanged while nobody looked is not taken for the one before', async () => {
    await splitDelete('s');
    await mode('off');
    await client.query('SELECT 1');
    await client.query('DEALLOCATE s');
    // The driver believes that it knows its own statements.
    const { connection } = client as unknown as { connection: { parsedStatements: Record<string, string> } };
    delete connection.parsedStatements.s;
    await client.query({ name: 's', text: `SELECT id FROM book WHERE id < 5` });
    await mode('rewrite');
    await client.query('BEGIN');
    connection.parsedStatements.s = `SELECT id FROM book WHERE isbn = 'a' AND id < 5`;
    expect(await select('s')).toBe(4);
    await remove();
    await client.query('ROLLBACK');
    await splitDelete();
    // Of the second transaction only: the read of the first was never seen.
    expect(await decisions(2)).toEqual(['observed', 'rewritten']);
  });
});

test.each(await availableEngines(['mariadb-11.8']))(
  '%s: with autocommit off a transaction always seems to be open, and a session follows all the same',
  async (engine) => {
    const server = await startMysql({ engine, isolation: 'READ COMMITTED' });
    try {
      const database = await server.newDatabase();
      await start(server.url(undefined, undefined, database));
      const client = await mysql.createConnection(proxy.url);
      await client.query('CREATE TABLE book (id int PRIMARY KEY, isbn int)');
      await client.query('INSERT INTO book VALUES (1, 1), (2, 1)');
      const begin = async (): Promise<void> => {
        await client.query('SELECT id FROM book WHERE isbn = 1');
      };
      const finish = async (): Promise<void> => {
        await client.query('DELETE FROM book WHERE id IN (1, 2)');
        await client.query('ROLLBACK');
      };
      await client.query('SET autocommit = 0');
      await begin();
      await mode('rewrite');
      await finish();
      await begin();
      await finish();
      await mode('off');
      await begin();
      await finish();
      // A level for one transaction that nobody saw: the next one's is not known.
      await client.query('SET autocommit = 1');
      await client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
      await mode('rewrite');
      for (let times = 0; times < 2; times++) {
        await client.query('BEGIN');
        await begin();
        await finish();
      }
      await client.end();
      expect(await decisions(4)).toEqual(['observed', 'rewritten', 'refused', 'rewritten']);
      expect(proxy.findings()[2]?.reason).toBe('isolation');
    } finally {
      await stop();
      await server.stop();
    }
  },
);

test('with several workers every one of them has the new rules, also one that starts later', async () => {
  const server = await startPostgres({ version: 18 });
  const clients: pg.Client[] = [];
  try {
    await start(server.url, 'workers: 2');
    await run(server.url, 'CREATE TABLE book (id int PRIMARY KEY)');
    const connect = async (): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: proxy.url });
      client.on('error', () => undefined);
      clients.push(client);
      await client.connect();
      return client;
    };
    const splitDelete = async (client: pg.Client): Promise<void> => {
      for (const text of ['BEGIN', 'INSERT INTO book VALUES (1)', 'SELECT id FROM book WHERE id > 0'])
        await client.query(text);
      for (const text of ['DELETE FROM book WHERE id IN (1)', 'ROLLBACK']) await client.query(text);
    };
    const both = [await connect(), await connect()];
    await mode('rewrite');
    for (const client of both) await splitDelete(client);
    expect(await decisions(2)).toEqual(['rewritten', 'rewritten']);
    const [first, second] = proxy.findings().map(({ worker }) => worker);
    expect(first).not.toBe(second);
    // What the disk has now is no configuration: a worker that takes another's place has the last good one.
    await exchange('pack: [', ({ level }) => level === 'error');
    process.kill(workerProcesses(proxy.pid)[0] ?? 0, 'SIGKILL');
    await proxy.waitForLog(({ msg }) => msg === 'defect: a worker ended; another takes its place');
    const replaced = async (): Promise<number> => {
      await splitDelete(await connect());
      return new Set(proxy.findings().map(({ worker }) => worker)).size;
    };
    await expect.poll(replaced, { timeout: 20_000 }).toBe(3);
    expect(new Set(proxy.findings().map(({ decision }) => decision))).toEqual(new Set(['rewritten']));
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
    await stop();
    await server.stop();
  }
});
