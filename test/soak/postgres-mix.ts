/** What happens on PostgreSQL: an application's work, large rows, both races, and what clients and administrators break off. */
import { connect } from 'node:net';
import { once } from 'node:events';
import pg from 'pg';
import { splitDeleteRows } from '../../src/demo/split-delete.ts';
import { pageRows } from '../../src/demo/update-or-create.ts';
import { ask, createTables } from '../races/runner.ts';
import { splitDeleteLoad, updateOrCreateLoad } from '../races/stress/load.ts';
import { errorCode, type Act, type Mix, type Tally } from './load.ts';

const large = 2_000_000;

interface Internals {
  processID: number;
  secretKey: number;
  connection: { stream: { destroy(): void } };
}

async function withClient<Result>(
  url: string,
  work: (client: pg.Client & Internals) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url }) as pg.Client & Internals;
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function expected(tally: Tally, what: string, code: string, work: Promise<unknown>): Promise<void> {
  const outcome = await work.then(() => 'no error', errorCode);
  tally.expect(what, outcome, code);
}

export async function preparePostgres(url: string): Promise<void> {
  await createTables(url);
  await ask(url, [
    ...splitDeleteRows.full,
    'CREATE TABLE soak (id int PRIMARY KEY, t text)',
    'INSERT INTO soak VALUES (1, NULL)',
  ]);
}

/** @param direct past the proxy, for the administrator */
export function postgresMix(url: string, direct: string): Mix {
  const queries: Act = (n, tally) =>
    withClient(url, async (client) => {
      for (let round = 0; round < 5; round += 1) {
        tally.expect('simple', (await client.query(`SELECT ${n} AS n`)).rows, [{ n }]);
        tally.expect('extended', (await client.query('SELECT $1::int AS n', [n])).rows, [{ n }]);
        const named = await client.query({ name: 'soak', text: 'SELECT $1::text AS t', values: [`t${n}`] });
        tally.expect('named', named.rows, [{ t: `t${n}` }]);
        await expected(tally, 'syntax', '42601', client.query('SELEC'));
        await expected(tally, 'unique', '23505', client.query('INSERT INTO soak VALUES (1)'));
      }
    });
  const transaction: Act = (n, tally) =>
    withClient(url, async (client) => {
      await client.query('BEGIN');
      await client.query('INSERT INTO soak VALUES ($1, $2)', [n + 1000, 'x']);
      await client.query('SAVEPOINT a');
      await expected(tally, 'in a transaction', '23505', client.query('INSERT INTO soak VALUES (1)'));
      await client.query('ROLLBACK TO a');
      tally.expect('rows', (await client.query('DELETE FROM soak WHERE id = $1', [n + 1000])).rowCount, 1);
      await client.query(n % 2 === 0 ? 'COMMIT' : 'ROLLBACK');
    });
  const largeRows: Act = (_, tally) =>
    withClient(url, async (client) => {
      const there = await client.query<{ t: string }>(
        `SELECT repeat('x', ${large}) AS t FROM generate_series(1, 2)`,
      );
      tally.expect(
        'large rows',
        there.rows.map(({ t }) => t.length),
        [large, large],
      );
      const back = await client.query('SELECT length($1::text) AS n', ['y'.repeat(large)]);
      tally.expect('large parameter', back.rows, [{ n: large }]);
      await client.query('COPY (SELECT generate_series(1, 5000)) TO STDOUT');
    });
  const splitDelete: Act = async (n, tally) => {
    const protocol = (['simple', 'extended', 'named'] as const)[n % 3] ?? 'simple';
    const { errors } = await splitDeleteLoad({ urls: [url], sessions: 2, protocol }, 4);
    for (const code of Object.keys(errors)) tally.failed('split delete', code);
  };
  const updateOrCreate: Act = async (n, tally) => {
    if (n % 10 === 0) await ask(direct, pageRows);
    const { errors } = await updateOrCreateLoad({ urls: [url], sessions: 2, protocol: 'simple' }, 2);
    for (const code of Object.keys(errors)) tally.failed('update or create', code);
  };
  const cancel: Act = (_, tally) =>
    withClient(url, async (client) => {
      const { hostname, port } = new URL(url);
      const sleeping = client.query('SELECT pg_sleep(1)').then(() => 'slept', errorCode);
      const socket = connect(Number(port), hostname);
      const request = Buffer.alloc(16);
      [16, 80877102, client.processID, client.secretKey].forEach((value, at) =>
        request.writeInt32BE(value, 4 * at),
      );
      socket.end(request);
      socket.resume();
      await once(socket, 'close');
      // A cancel that overtakes its query cancels nothing.
      if (!['57014', 'slept'].includes(await sleeping)) tally.expect('cancel', await sleeping, '57014');
      tally.expect('after a cancel', (await client.query('SELECT 1 AS n')).rows, [{ n: 1 }]);
    });
  const clientDies: Act = () =>
    withClient(url, async (client) => {
      const dying = client.query(`SELECT repeat('x', 1000) FROM generate_series(1, 20000)`);
      client.connection.stream.destroy();
      await dying;
    });
  const terminated: Act = () =>
    withClient(url, async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM soak WHERE id = 1 FOR UPDATE');
      const sleeping = client.query('SELECT pg_sleep(5)');
      await Promise.all([sleeping, ask(direct, [`SELECT pg_terminate_backend(${client.processID})`])]);
    });
  const noSuchDatabase: Act = async (_, tally) => {
    const nowhere = new URL(url);
    nowhere.pathname = '/nowhere';
    await expected(
      tally,
      'no such database',
      '3D000',
      withClient(nowhere.href, () => Promise.resolve()),
    );
  };
  const probed: Act = async () => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.end();
    socket.resume();
    await once(socket, 'close');
  };
  return {
    acts: {
      queries,
      transaction,
      largeRows,
      splitDelete,
      updateOrCreate,
      cancel,
      clientDies,
      terminated,
      noSuchDatabase,
      probed,
    },
    gone: new Set([
      '57P01',
      // Interlock has lost the server.
      '08006',
      'ECONNRESET',
      'EPIPE',
      'Connection terminated unexpectedly',
      'Connection terminated',
    ]),
  };
}
