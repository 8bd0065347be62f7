/**
 * postgres.js, which sends all it can in one pipeline, on connections of its own: each part prints what came of it. Run in a
 * folder that has the package: node postgres_js.mjs postgres://…
 */
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const [url, folder] = process.argv.slice(2);
const { default: postgres } = await import(createRequire(`${folder}/`).resolve('postgres'));
const sql = postgres(url, { max: 4, onnotice: () => undefined });
const failure = (promise) =>
  promise.then(
    () => 'no error',
    ({ code, message }) => code ?? message,
  );

const parts = {
  'types both ways': async () => {
    const [row] =
      await sql`SELECT ${1}::int AS i, ${'ü'}::text AS t, ${new Date(0)}::timestamptz AS d, ${Buffer.from([0, 255])}::bytea AS b,
      ${sql.json({ a: [1, null] })}::jsonb AS j, ${[1, 2]}::int[] AS a, ${null}::int AS n`;
    return row;
  },
  'two hundred queries in one pipeline': async () => {
    const rows = await Promise.all(Array.from({ length: 200 }, (_, n) => sql`SELECT ${n}::int AS n`));
    return rows.reduce((sum, [{ n }]) => sum + n, 0);
  },
  'errors in a pipeline cost their own query only': () =>
    Promise.all([sql`SELECT 1 AS a`, failure(sql`SELECT 1 / 0`), failure(sql`SELEC`), sql`SELECT 2 AS a`]),
  'rows in and out': async () => {
    await sql`CREATE TABLE js (id int PRIMARY KEY, t text)`;
    const rows = Array.from({ length: 500 }, (_, id) => ({ id, t: `t${id}` }));
    await sql`INSERT INTO js ${sql(rows)}`;
    await sql`UPDATE js SET ${sql({ t: 'new' }, 't')} WHERE id IN ${sql([1, 2, 3])}`;
    return sql`SELECT count(*)::int AS n, count(*) FILTER (WHERE t = 'new')::int AS changed FROM js`;
  },
  'a split delete': () =>
    sql.begin(async (tx) => {
      const ids = await tx`SELECT id FROM js WHERE t = 'new'`;
      const { count } = await tx`DELETE FROM js WHERE id IN ${sql(ids.map(({ id }) => id))}`;
      return [ids.length, count];
    }),
  'a transaction with savepoints': () =>
    sql.begin(async (tx) => {
      await tx`INSERT INTO js VALUES (1000, 'kept')`;
      const inner = await failure(tx.savepoint((point) => point`INSERT INTO js VALUES (1000, 'twice')`));
      return [inner, await tx`SELECT t FROM js WHERE id = 1000`];
    }),
  'a transaction that rolls back': async () => [
    await failure(sql.begin((tx) => [tx`DELETE FROM js`, tx`SELECT 1 / 0`])),
    await sql`SELECT count(*)::int AS n FROM js`,
  ],
  'a cursor': async () => {
    const sizes = [];
    await sql`SELECT * FROM generate_series(1, 1000)`.cursor(300, (rows) => void sizes.push(rows.length));
    return sizes;
  },
  'a cursor that is left': async () => {
    let seen = 0;
    for await (const rows of sql`SELECT * FROM generate_series(1, 1000)`.cursor(100)) {
      seen += rows.length;
      if (seen === 300) break;
    }
    return [seen, await sql`SELECT 1 AS a`];
  },
  'each row': async () => {
    let seen = 0;
    await sql`SELECT * FROM generate_series(1, 5000)`.forEach(() => void (seen += 1));
    return seen;
  },
  // On connections that nobody else uses: in 3.4 other queries wait behind them for ever, directly as well.
  'COPY both ways': async () => {
    const into = postgres(url, { max: 1 });
    const to = await into`COPY js FROM STDIN`.writable();
    await pipeline(Readable.from(Array.from({ length: 3000 }, (_, n) => `${n + 2000}\tcopied\n`)), to);
    await into.end({ timeout: 1 });
    const from = postgres(url, { max: 1 });
    let bytes = 0;
    for await (const chunk of await from`COPY js TO STDOUT`.readable()) bytes += chunk.length;
    await from.end({ timeout: 1 });
    return bytes;
  },
  'statements without a name, and many at once': async () => [
    await sql.unsafe('SELECT $1::int AS a', [7]),
    await sql.unsafe('SELECT 1 AS a; SELECT 2 AS b, 3 AS c; CREATE TEMP TABLE x (n int)'),
    await sql`SELECT 1 AS a; SELECT 2 AS b`.simple(),
  ],
  'listen and notify': async () => {
    const heard = [];
    let all;
    const three = new Promise((resolve) => (all = resolve));
    const { unlisten } = await sql.listen('news', (text) => {
      if (heard.push(text) === 3) all();
    });
    for (const text of ['a', 'b', 'c']) await sql.notify('news', text);
    await three;
    await unlisten();
    return heard;
  },
  'a cancelled query': async () => {
    const sleeping = sql`SELECT pg_sleep(600)`;
    const ended = failure(sleeping);
    const asleep = () =>
      sql`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`;
    while ((await asleep()).length === 0);
    sleeping.cancel();
    return ended;
  },
  'eight megabytes each way': async () => {
    const [{ n, t }] = await sql`SELECT length(${'x'.repeat(8_000_000)}) AS n, repeat('y', 8000000) AS t`;
    return [n, t.length];
  },
  'raw and values': async () => [
    await sql`SELECT 1 AS a, 'b' AS b`.values(),
    (await sql`SELECT 1 AS a, 'b' AS b`.raw()).map((row) => row.map(String)),
  ],
};

for (const [name, part] of Object.entries(parts))
  console.log(`${name}: ${await part().then(JSON.stringify, (error) => `FAILED ${error.stack}`)}`);
await sql.end();
