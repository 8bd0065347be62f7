/** What happens on MySQL and MariaDB. @see postgres-mix.ts */
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { createTables } from '../races/mysql/runner.ts';
import { cartRows } from '../../src/verify/mysql/split-delete.ts';
import { protocols } from '../../src/verify/mysql/session.ts';
import { splitDeleteLoad, updateOrCreateLoad } from '../races/mysql/stress/load.ts';
import { pageRows } from '../races/mysql/update-or-create.ts';
import { ask } from '../support/mysql.ts';
import { errorCode, type Act, type Mix, type Tally } from './load.ts';

const large = 2_000_000;

async function withConnection<Result>(
  url: string,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection = await createConnection(url);
  connection.on('error', () => undefined);
  try {
    return await work(connection);
  } finally {
    await connection.end().catch(() => connection.destroy());
  }
}

const rowsOf = async (result: Promise<[unknown, unknown]>): Promise<RowDataPacket[]> =>
  (await result)[0] as RowDataPacket[];

async function expected(tally: Tally, what: string, code: string, work: Promise<unknown>): Promise<void> {
  const outcome = await work.then(() => 'no error', errorCode);
  tally.expect(what, outcome, code);
}

export async function prepareMysql(url: string): Promise<void> {
  await createTables(url);
  await ask(url, ...cartRows('full'), ...pageRows);
  await ask(
    url,
    'CREATE TABLE soak (id int PRIMARY KEY, t text) ENGINE=InnoDB',
    'INSERT INTO soak VALUES (1, NULL)',
  );
}

/** @param direct past the proxy, for the administrator */
export function mysqlMix(url: string, direct: string): Mix {
  const load = (n: number) =>
    ({
      urls: [url],
      sessions: 2,
      protocol: protocols[n % 2] ?? 'text',
      isolation: 'READ COMMITTED',
    }) as const;
  const queries: Act = (n, tally) =>
    withConnection(url, async (connection) => {
      for (let round = 0; round < 5; round += 1) {
        tally.expect('text', await rowsOf(connection.query(`SELECT ${n} AS n`)), [{ n }]);
        tally.expect(
          'prepared',
          await rowsOf(connection.execute('SELECT CONCAT(?, id) AS t FROM soak', [`t${n}`])),
          [{ t: `t${n}1` }],
        );
        await expected(tally, 'syntax', '1064', connection.query('SELEC'));
        await expected(tally, 'unique', '1062', connection.execute('INSERT INTO soak VALUES (?, NULL)', [1]));
      }
    });
  const transaction: Act = (n, tally) =>
    withConnection(url, async (connection) => {
      await connection.beginTransaction();
      await connection.execute('INSERT INTO soak VALUES (?, ?)', [n + 1000, 'x']);
      await expected(
        tally,
        'in a transaction',
        '1062',
        connection.query('INSERT INTO soak VALUES (1, NULL)'),
      );
      const [{ affectedRows }] = (await connection.query(`DELETE FROM soak WHERE id = ${n + 1000}`)) as [
        { affectedRows: number },
        unknown,
      ];
      tally.expect('rows', affectedRows, 1);
      await (n % 2 === 0 ? connection.commit() : connection.rollback());
    });
  const largeRows: Act = (_, tally) =>
    withConnection(url, async (connection) => {
      const there = await rowsOf(
        connection.query(`SELECT REPEAT('x', ${large}) AS t UNION ALL SELECT REPEAT('y', ${large})`),
      );
      tally.expect(
        'large rows',
        there.map((row) => String(row['t']).length),
        [large, large],
      );
      const back = await rowsOf(connection.execute('SELECT LENGTH(?) AS n', ['y'.repeat(large)]));
      tally.expect('large parameter', back, [{ n: large }]);
    });
  const splitDelete: Act = async (n, tally) => {
    const { errors } = await splitDeleteLoad(load(n), 4, 'auto-increment');
    for (const code of Object.keys(errors)) tally.failed('split delete', code);
  };
  const updateOrCreate: Act = async (n, tally) => {
    if (n % 10 === 0) await ask(direct, ...pageRows);
    const { errors } = await updateOrCreateLoad(load(n), 2);
    for (const code of Object.keys(errors)) tally.failed('update or create', code);
  };
  const cancel: Act = (_, tally) =>
    withConnection(url, async (connection) => {
      const sleeping = connection.query('SELECT SLEEP(1)').then(() => 'slept', errorCode);
      await ask(direct, `KILL QUERY ${connection.threadId}`);
      if (!['1317', 'slept'].includes(await sleeping)) tally.expect('kill query', await sleeping, '1317');
      tally.expect('after a kill', await rowsOf(connection.query('SELECT 1 AS n')), [{ n: 1 }]);
    });
  const clientDies: Act = () =>
    withConnection(url, async (connection) => {
      const dying = connection.query(`SELECT REPEAT('x', 5000000)`);
      connection.destroy();
      // The driver forgets the query of a connection that it destroyed itself.
      void dying.catch(() => undefined);
    });
  const killed: Act = () =>
    withConnection(url, async (connection) => {
      await connection.beginTransaction();
      await connection.query('SELECT 1 FROM soak WHERE id = 1 FOR UPDATE');
      const sleeping = connection.query('SELECT SLEEP(5)');
      await Promise.all([sleeping, ask(direct, `KILL ${connection.threadId}`)]);
    });
  const noSuchDatabase: Act = async (_, tally) => {
    const nowhere = new URL(url);
    nowhere.pathname = '/nowhere';
    await expected(
      tally,
      'no such database',
      '1049',
      withConnection(nowhere.href, () => Promise.resolve()),
    );
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
      killed,
      noSuchDatabase,
    },
    // 1927: MariaDB says before it closes that the connection was killed. 1158: Interlock says that it lost the server.
    gone: new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE', '1927', '1317', '1158']),
  };
}
