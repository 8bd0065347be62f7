/**
 * A user's cancel while the DELETE waits: for a row lock inside the server (original), for the guard in the line of the
 * process, or polling it against another process. It is one and the same to the application.
 */
import { connect as tcp } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { guardWaiting } from './runner.ts';

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxies: [Proxy, Proxy];
  let database: string;
  let direct: string;
  beforeAll(async () => {
    server = await startPostgres({ version });
    database = await server.newDatabase();
    direct = pointed(server.url, { database });
    const start = (): Promise<Proxy> => startInterlock({ server, mode: 'rewrite' });
    proxies = [await start(), await start()];
  });
  beforeEach(() =>
    run(
      direct,
      'DROP TABLE IF EXISTS book',
      'CREATE TABLE book (id serial PRIMARY KEY, isbn text)',
      `INSERT INTO book (isbn) VALUES ('a')`,
    ),
  );
  afterAll(async () => {
    await Promise.all((proxies ?? []).map((proxy) => proxy.stop()));
    await server?.stop();
  });

  async function begun(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('BEGIN');
    await client.query(`SELECT id FROM book WHERE isbn = 'a'`);
    return client;
  }

  /** The driver's own way takes a query object; these are the bytes. */
  async function cancel(client: pg.Client, port: number): Promise<void> {
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const request = Buffer.alloc(16);
    [16, 80877102, processID, secretKey].forEach((value, at) => request.writeInt32BE(value, at * 4));
    const socket = tcp(port, '127.0.0.1');
    socket.end(request);
    await once(socket, 'close');
  }

  const blocked = async (client: pg.Client): Promise<boolean> => {
    const { processID } = client as unknown as { processID: number };
    const rows = await run(direct, `SELECT cardinality(pg_blocking_pids(${processID})) > 0 AS blocked`);
    return rows[0]?.rows[0]?.blocked === true;
  };
  async function until(condition: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 5_000; !(await condition()); await delay(5))
      if (Date.now() > deadline) throw new Error('nobody waits');
  }

  const ways = {
    direct: () => ({ first: direct, second: direct, port: server.port, waits: blocked }),
    'in the line of one process': () => {
      const [proxy] = proxies;
      const url = proxy.urlFor(database);
      return {
        first: url,
        second: url,
        port: proxy.port,
        waits: async () => (await guardWaiting([proxy])) > 0,
      };
    },
    'against another process': () => {
      const [one, other] = proxies;
      const waits = async (): Promise<boolean> => (await guardWaiting([other])) > 0;
      return { first: one.urlFor(database), second: other.urlFor(database), port: other.port, waits };
    },
  };

  test.each(Object.entries(ways))('%s: 57014, the transaction failed, nothing deleted', async (_, way) => {
    const { first: at, second: to, port, waits } = way();
    const [first, second] = [await begun(at), await begun(to)];
    await first.query('DELETE FROM book WHERE id IN (1)');
    const waiting = second.query('DELETE FROM book WHERE id IN (1)').then(
      () => 'done',
      (error: pg.DatabaseError) => error.code,
    );
    await until(() => waits(second));
    await cancel(second, port);
    expect(await waiting).toBe('57014');
    await expect(second.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    await second.query('ROLLBACK');
    expect((await second.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await first.query('ROLLBACK');
    expect((await run(direct, 'SELECT id FROM book'))[0]?.rows).toEqual([{ id: 1 }]);
    await Promise.all([first.end(), second.end()]);
    expect(await guardWaiting(proxies)).toBe(0);
  });
});
