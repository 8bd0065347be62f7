/** node-postgres as applications use it: pool, prepared statements, transactions, cursors in SQL, notifications, errors. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { expectWatchful, openShop, rewritten } from './shop.ts';

const find = 'SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = $1';

/** Runs `work` in a transaction of its own. */
async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

const idsOf = (result: pg.QueryResult): string[] => result.rows.map((row: { id: string }) => row.id);

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxy: Proxy;
  let pool: pg.Pool;
  let direct: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres({ version });
    proxy = await startInterlock({ server, mode: 'rewrite', tables: ['*'] });
    const database = await openShop(server);
    pool = new pg.Pool({ connectionString: proxy.urlFor(database), max: 5 });
    // pool.end() does not wait for its sockets: the proxy may stop first and say so.
    pool.on('error', () => undefined);
    direct = new pg.Pool({ connectionString: pointed(server.url, { database }), max: 1 });
  });
  afterAll(async () => {
    await pool?.end();
    await direct?.end();
    await proxy?.stop();
    await server?.stop();
  });

  test('every type comes as it does directly', async () => {
    const sql = 'SELECT * FROM every_type';
    expect((await pool.query(sql)).rows).toEqual((await direct.query(sql)).rows);
    expect((await pool.query(`${sql} WHERE $1`, [true])).fields).toEqual(
      (await direct.query(`${sql} WHERE $1`, [true])).fields,
    );
  });

  test('a hundred queries over five connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => pool.query('SELECT $1::int AS n', [i])),
    );
    expect(answers.map((a) => a.rows[0].n)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test('a named statement, used again', async () => {
    const client = await pool.connect();
    for (const id of [1, 2, 3, 1]) {
      const { rows } = await client.query({
        name: 'one-book',
        text: 'SELECT id FROM book WHERE id = $1',
        values: [id],
      });
      expect(rows).toEqual([{ id: String(id) }]);
    }
    client.release();
  });

  test('rows as arrays, several results, an error in the middle', async () => {
    expect((await pool.query({ text: 'VALUES (1, 2), (3, 4)', rowMode: 'array' })).rows).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const several = (await pool.query('SELECT 1 AS a; SELECT 2 AS b')) as unknown as pg.QueryResult[];
    expect(several.map((r) => r.rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    await expect(pool.query('SELECT 1; SELECT 1/0; SELECT 2')).rejects.toMatchObject({ code: '22012' });
    await expect(pool.query('SELECT $1::int', ['x'])).rejects.toMatchObject({ code: '22P02' });
    expect((await pool.query('SELECT 1 AS still')).rows).toEqual([{ still: 1 }]);
  });

  test('a cursor in SQL', async () => {
    const batches = await inTransaction(pool, async (client) => {
      await client.query('DECLARE c CURSOR FOR SELECT id FROM book ORDER BY id');
      const sizes: (number | null)[] = [];
      for (let size: number | null = 1; size;) {
        size = (await client.query('FETCH 64 FROM c')).rowCount;
        sizes.push(size);
      }
      return sizes;
    });
    expect(batches).toEqual([64, 64, 64, 8, 0]);
  });

  test('notifications and notices', async () => {
    const client = new pg.Client({ connectionString: proxy.url });
    await client.connect();
    const notified = new Promise<pg.Notification>((resolve) => client.once('notification', resolve));
    const noticed = new Promise<string | undefined>((resolve) =>
      client.once('notice', (n) => resolve(n.message)),
    );
    await client.query('LISTEN news');
    await pool.query('SELECT 1');
    const other = new pg.Client({ connectionString: proxy.url });
    await other.connect();
    await other.query('SELECT pg_notify($1, $2)', ['news', 'ünï']);
    expect(await notified).toMatchObject({ channel: 'news', payload: 'ünï' });
    await client.query(`DO $$ BEGIN RAISE NOTICE 'heard'; END $$`);
    expect(await noticed).toBe('heard');
    await Promise.all([client.end(), other.end()]);
  });

  test('a split delete is rewritten: literals, parameters, array, named statements', async () => {
    const before = await rewritten(proxy);
    const numbers = await inTransaction(pool, async (client) => {
      const ids = idsOf(await client.query(find.replace('$1', "'author 2'")));
      return [ids.length, (await client.query(`DELETE FROM book WHERE id IN (${ids.join(', ')})`)).rowCount];
    });
    expect(numbers).toEqual([10, 10]);
    const byParameters = await inTransaction(pool, async (client) => {
      const ids = idsOf(await client.query(find, ['author 3']));
      const marks = ids.map((_, i) => `$${i + 1}`).join(', ');
      return (await client.query(`DELETE FROM book WHERE id IN (${marks})`, ids)).rowCount;
    });
    expect(byParameters).toBe(10);
    for (const name of ['author 4', 'author 5']) {
      const byArray = await inTransaction(pool, async (client) => {
        const ids = idsOf(await client.query({ name: 'find', text: find, values: [name] }));
        const drop = { name: 'drop', text: 'DELETE FROM book WHERE id = ANY($1)', values: [ids] };
        return (await client.query(drop)).rowCount;
      });
      expect(byArray).toBe(10);
    }
    expect((await rewritten(proxy)) - before).toBe(4);
    expect((await direct.query('SELECT count(*)::int AS left FROM book')).rows).toEqual([{ left: 160 }]);
  });

  test('a read after a unique violation is rewritten', async () => {
    const before = await rewritten(proxy);
    const read = await inTransaction(pool, async (client) => {
      await client.query('SAVEPOINT s');
      const insert = client.query('INSERT INTO setting (name, value) VALUES ($1, $2)', ['setting 1', 5]);
      await expect(insert).rejects.toMatchObject({ code: '23505', constraint: 'setting_name_key' });
      await client.query('ROLLBACK TO SAVEPOINT s');
      return (await client.query('SELECT id, value FROM setting WHERE name = $1', ['setting 1'])).rows;
    });
    expect(read).toEqual([{ id: 1, value: 0 }]);
    expect((await rewritten(proxy)) - before).toBe(1);
  });

  test('the proxy saw it all', () => expectWatchful(proxy));
});
