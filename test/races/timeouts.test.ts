/**
 * The app's own time-outs, savepoints and portals in the middle of a plan: what the original would have survived, the
 * plan survives.
 */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inOneWrite, RawClient } from '../same/raw-client.ts';
import { client, server as messages } from '../streams/encode.ts';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { FindingReader } from './findings.ts';
import { guardWaiting } from './runner.ts';

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxy: Proxy;
  let database: string;
  let direct: string;
  const open: pg.Client[] = [];

  beforeAll(async () => {
    server = await startPostgres({ version });
    database = await server.newDatabase();
    direct = pointed(server.url, { database });
    proxy = await startInterlock({ server, mode: 'rewrite', tables: ['*'] });
  });
  beforeEach(() =>
    run(
      direct,
      'DROP TABLE IF EXISTS book',
      'CREATE TABLE book (id serial PRIMARY KEY, isbn text UNIQUE, cover text)',
      `INSERT INTO book (isbn, cover) VALUES ('a', 'x'), ('b', repeat('x', 2000000))`,
    ),
  );
  afterAll(async () => {
    await Promise.all(open.map((one) => one.end()));
    await proxy.stop();
    await server.stop();
  });

  async function connect(url: string): Promise<pg.Client> {
    const connection = new pg.Client({ connectionString: url });
    open.push(connection);
    await connection.connect();
    return connection;
  }

  test('a session in line for the guard does not count as idle in transaction', async () => {
    const findings = new FindingReader(proxy);
    const [first, second] = await Promise.all([
      connect(proxy.urlFor(database)),
      connect(proxy.urlFor(database)),
    ]);
    await first.query('BEGIN');
    await first.query(`SELECT id FROM book WHERE isbn = 'a'`);
    await first.query('DELETE FROM book WHERE id IN (1)');
    await second.query(`SET idle_in_transaction_session_timeout = '800ms'`);
    await second.query('BEGIN');
    await second.query(`SELECT id FROM book WHERE isbn = 'b'`);
    expect((await second.query('DELETE FROM book WHERE id IN (2)')).rowCount).toBe(1);
    await second.query('COMMIT');
    await first.query('COMMIT');
    const lines = await findings.next(2);
    expect(lines.map((line) => `${String(line.decision)} ${String(line.guard)}`)).toEqual([
      'rewritten had',
      'rewritten not-had',
    ]);
  });

  test('who has the guard does not queue behind a session that waits for it, also after ROLLBACK TO', async () => {
    const findings = new FindingReader(proxy);
    const [first, second] = await Promise.all([
      connect(proxy.urlFor(database)),
      connect(proxy.urlFor(database)),
    ]);
    await first.query('BEGIN');
    await first.query(`SELECT id FROM book WHERE isbn = 'a'`);
    await first.query('DELETE FROM book WHERE id IN (1)');
    await first.query('SAVEPOINT s');
    await first.query('ROLLBACK TO s');
    await second.query('BEGIN');
    await second.query(`SELECT id FROM book WHERE isbn = 'b'`);
    const waiting = second.query('DELETE FROM book WHERE id IN (2)');
    await expect.poll(() => guardWaiting([proxy])).toBe(1);
    await first.query(`INSERT INTO book (id, isbn) VALUES (3, 'c')`);
    await first.query(`SELECT id FROM book WHERE isbn = 'c'`);
    expect((await first.query('DELETE FROM book WHERE id IN (3)')).rowCount).toBe(1);
    await first.query('COMMIT');
    expect((await waiting).rowCount).toBe(1);
    await second.query('COMMIT');
    const lines = await findings.next(3);
    expect(lines.map(({ guard }) => guard)).toEqual(['had', 'had', 'had']);
  });

  test('a locking read that runs into statement_timeout becomes the plain read again', async () => {
    const findings = new FindingReader(proxy);
    const [holder, app] = await Promise.all([connect(direct), connect(proxy.urlFor(database))]);
    await holder.query('BEGIN');
    await holder.query(`SELECT FROM book WHERE isbn = 'a' FOR UPDATE`);
    await app.query(`SET statement_timeout = '400ms'`);
    await app.query('BEGIN');
    await app.query('SAVEPOINT s');
    await expect(app.query(`INSERT INTO book (isbn) VALUES ('a')`)).rejects.toMatchObject({ code: '23505' });
    await app.query('ROLLBACK TO s');
    expect((await app.query(`SELECT id FROM book WHERE isbn = 'a'`)).rows).toEqual([{ id: 1 }]);
    expect((await app.query('COMMIT')).command).toBe('COMMIT');
    await holder.query('COMMIT');
    expect(await findings.next(1)).toMatchObject([{ decision: 'fell-back', code: '57014' }]);
  });

  test('a locking read that is too long to be held leaves no portal in the way', async () => {
    const findings = new FindingReader(proxy);
    const app = await RawClient.connect({ port: proxy.port, cut: inOneWrite });
    await app.send(client.startup({ user: 'postgres', database }));
    await app.until('Z');
    for (const sql of ['BEGIN', 'SAVEPOINT s', `INSERT INTO book (isbn) VALUES ('b')`, 'ROLLBACK TO s']) {
      await app.send(client.query(sql));
      await app.until('Z');
    }
    const read = [
      client.parse('', 'SELECT cover FROM book WHERE isbn = $1'),
      client.bind('p', '', ['b']),
      client.execute('p'),
      client.sync(),
    ];
    await app.send(Buffer.concat(read));
    const answer = await app.until('Z');
    app.close();
    expect(answer.map((one) => one.toString('latin1', 0, 1)).join('')).toBe('12DCZ');
    expect(answer.at(-1)).toEqual(messages.ready('T'));
    expect(await findings.next(1)).toMatchObject([{ decision: 'fell-back', reason: 'over-limit' }]);
  });
});
