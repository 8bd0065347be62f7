/** mysql2 (text and prepared) and the MariaDB connector, which pipelines, as applications use them. */
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mariadb from 'mariadb';
import mysql, { type Connection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { expectWatchful } from '../shop.ts';
import { openShop } from './shop.ts';

const folder = mkdtempSync(join(tmpdir(), 'interlock-load-'));
const rows = join(folder, 'rows.txt');
writeFileSync(
  rows,
  Array.from({ length: 30_000 }, (_, n) => `${n}\tline ${n} ${'ü'.repeat(n % 60)}\n`).join(''),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Way = 'query' | 'execute';

async function withMysql2(url: string, way: Way): Promise<Record<string, unknown>> {
  const connection: Connection = await mysql.createConnection({
    uri: url,
    multipleStatements: true,
    supportBigNumbers: true,
    dateStrings: true,
  });
  const result: Record<string, unknown> = {};
  try {
    const read = async (sql: string, values: (string | number)[] = []): Promise<RowDataPacket[]> => {
      const [found] = await (way === 'query'
        ? connection.query<RowDataPacket[]>(sql, values)
        : connection.execute<RowDataPacket[]>(sql, values));
      return found;
    };
    const write = async (sql: string, values: (string | number)[] = []): Promise<ResultSetHeader> => {
      const [header] = await (way === 'query'
        ? connection.query<ResultSetHeader>(sql, values)
        : connection.execute<ResultSetHeader>(sql, values));
      return header;
    };
    result.types = await read('SELECT * FROM every_type');
    await connection.beginTransaction();
    const found = await read('SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ?', [
      'author 2',
    ]);
    result.found = found.length;
    const marks = found.map(() => '?').join(', ');
    result.deleted = await write(
      `DELETE FROM book WHERE id IN (${marks})`,
      found.map(({ id }) => id as number),
    );
    await connection.commit();
    await connection.beginTransaction();
    result.violated = await write('INSERT INTO setting (name, value) VALUES (?, ?)', ['setting 1', 7]).catch(
      ({ code, errno, sqlState, message }) => ({ code, errno, sqlState, message }),
    );
    result.existing = await read('SELECT id, name, value FROM setting WHERE name = ?', ['setting 1']);
    await connection.rollback();
    for (let n = 0; n < 20; n += 1) await read('SELECT id, title FROM book WHERE id = ?', [n]);
    result.many = await Promise.all(
      Array.from({ length: 40 }, (_, n) => read('SELECT ? + 1 AS next', [String(n)])),
    );
    result.long = (await read('SELECT LENGTH(?) AS bytes', ['x'.repeat(17_000_000)]))[0];
    [result.several] = await connection.query('SELECT 1 AS a; SELECT id FROM author WHERE id < 3; DO 0');
    [result.called] = await connection.query('CALL two_results()');
    await connection.changeUser({ database: new URL(url).pathname.slice(1) });
    result.loaded = (
      await connection.query<ResultSetHeader>({
        sql: 'LOAD DATA LOCAL INFILE ? INTO TABLE loaded CHARACTER SET utf8mb4 (n, t)',
        values: [rows],
        infileStreamFactory: (path: string) => createReadStream(path),
      })
    )[0];
    result.streamed = await new Promise((resolve, reject) => {
      let seen = 0;
      const stream = (
        connection as unknown as { connection: { query(sql: string): { stream(): NodeJS.ReadableStream } } }
      ).connection
        .query('SELECT * FROM book a, book b')
        .stream();
      stream
        .on('data', () => (seen += 1))
        .on('end', () => resolve(seen))
        .on('error', reject);
    });
    result.left = await read('SELECT COUNT(*) AS books FROM book');
  } finally {
    await connection.end();
  }
  return result;
}

/** Its pipelining and LOCAL INFILE exclude each other. */
async function withMariadb(url: string, pipelining: boolean): Promise<Record<string, unknown>> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const connection = await mariadb.createConnection({
    host: hostname,
    port: Number(port),
    user: username,
    password,
    database: pathname.slice(1),
    multipleStatements: true,
    permitLocalInfile: !pipelining,
    dateStrings: true,
    allowPublicKeyRetrieval: true,
    pipelining,
  });
  const result: Record<string, unknown> = {};
  try {
    result.types = await connection.query('SELECT * FROM every_type');
    result.binary = await connection.execute('SELECT * FROM every_type WHERE ?', [1]);
    await connection.beginTransaction();
    const found: { id: bigint }[] = await connection.execute(
      'SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ?',
      ['author 2'],
    );
    const marks = found.map(() => '?').join(', ');
    result.deleted = await connection.execute(
      `DELETE FROM book WHERE id IN (${marks})`,
      found.map(({ id }) => id),
    );
    await connection.commit();
    result.batch = await connection.batch(
      'INSERT INTO loaded (n, t) VALUES (?, ?)',
      Array.from({ length: 500 }, (_, n) => [n, `row ${n}`]),
    );
    // In one write each, and all at once.
    result.many = await Promise.all(
      Array.from({ length: 60 }, (_, n) => connection.execute(`SELECT ${n % 30} + ? AS next`, [n])),
    );
    result.texts = await Promise.all(
      Array.from({ length: 60 }, (_, n) => connection.query('SELECT ? AS n', [n])),
    );
    result.failed = await Promise.allSettled([
      connection.execute('SELECT nothing FROM book WHERE id = ?', [1]),
      connection.query('SELECT 1'),
    ]).then((settled) => settled.map(({ status }) => status));
    result.several = await connection.query('SELECT 1 AS a; SELECT id FROM author WHERE id < 3');
    result.called = await connection.query('CALL two_results()');
    if (!pipelining)
      result.loaded = await connection.query(
        'LOAD DATA LOCAL INFILE ? INTO TABLE loaded CHARACTER SET utf8mb4 (n, t)',
        [rows],
      );
    await connection.reset().catch(() => undefined);
    result.left = await connection.query(
      'SELECT COUNT(*) AS books, (SELECT COUNT(*) FROM loaded) AS loaded FROM book',
    );
  } finally {
    await connection.end();
  }
  return result;
}

/** SERVER_QUERY_NO_GOOD_INDEX_USED, _NO_INDEX_USED: of the query plan, which the engine and a rewrite are free to choose. */
const planFlags = 0x30;

function comparable(result: Record<string, unknown>): Record<string, unknown> {
  const deleted = result.deleted as { serverStatus?: number };
  if (deleted.serverStatus === undefined) return result;
  return { ...result, deleted: { ...deleted, serverStatus: deleted.serverStatus & ~planFlags } };
}

const drivers = {
  'mysql2, query': (url: string) => withMysql2(url, 'query'),
  'mysql2, execute': (url: string) => withMysql2(url, 'execute'),
  'mariadb connector, pipelining': (url: string) => withMariadb(url, true),
  'mariadb connector, one by one': (url: string) => withMariadb(url, false),
};

describe.each(await availableEngines(undefined, { ownSettings: true }))('%s', (engine) => {
  let server: Mysql;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startMysql({ engine, settings: { local_infile: 'ON', max_allowed_packet: '64M' } });
    proxy = await startInterlock({ server: server.url(), mode: 'rewrite', tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  for (const [driver, run] of Object.entries(drivers)) {
    test(`${driver}: results of a direct run`, async () => {
      const direct = await run(server.url(undefined, undefined, await openShop(server)));
      const proxied = await run(proxy.urlFor(await openShop(server)));
      expect(comparable(proxied)).toEqual(comparable(direct));
      expect(direct.deleted).toMatchObject({ affectedRows: 10 });
      await expectWatchful(proxy);
    });
  }
});
