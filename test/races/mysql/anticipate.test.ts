/**
 * The guard in front of the first SELECT on InnoDB (pattern `anticipate`), where it also comes in front of the snapshot:
 * closed in READ COMMITTED and REPEATABLE READ, with innodb_snapshot_isolation (MariaDB 11.8) as well.
 */
import { createConnection, format, type Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { decisions, FindingReader, repeated } from '../findings.ts';
import { guardWaiting } from '../runner.ts';
import { createTables, runSplitDelete, type Bench } from './runner.ts';
import { splitDeletes } from './schedules.ts';
import { protocols, type Isolation } from '../../../src/verify/mysql/session.ts';
import { cartRows, filterOf } from '../../../src/verify/mysql/split-delete.ts';
import { emptyRounds } from './stress/load.ts';

const rounds = process.env.INTERLOCK_TEST_LONG === '1' ? 40 : 5;
const levels: readonly Isolation[] = ['READ COMMITTED', 'REPEATABLE READ'];
const filter = filterOf('shop_cart');

/** Declared, and refused by the server before it has read anything. */
const broken = 'SELECT shop_cart.nothing FROM shop_cart';

const config = (server: string): string => `
listeners: [{ name: main, listen: '127.0.0.1:0', server: '${server}' }]
rules:
  packs: []
  custom:
    - id: carts
      pattern: anticipate
      mode: rewrite
      match: { tables: [shop_cart] }
      settings: { select: [${JSON.stringify(filter)}, '${broken}'] }
      examples:
        - dialect: mariadb
          session: [BEGIN, ${JSON.stringify(`${filter.replace('?', "'two'")} -> none`)}]
          guards: shop_cart
`;

const participants = splitDeletes.filter(({ outsider }) => outsider === undefined);
const bothEmpty = participants.find(({ id }) => id === 'iii') as (typeof participants)[number];
const closed = { verdict: 'ok', rows: '1,1 1,2 2,1' };

describe.each(await availableEngines())('%s', (engine) => {
  let server: Mysql;
  let direct: string;
  let proxies: Proxy[];
  beforeAll(async () => {
    server = await startMysql({ engine });
    direct = server.url(undefined, undefined, await server.newDatabase());
    await createTables(direct);
    const start = (): Promise<Proxy> => startInterlock({ server: direct, config: config(direct) });
    proxies = await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    await Promise.all((proxies ?? []).map((proxy) => proxy.stop()));
    await server?.stop();
  });

  const through = (isolation: Isolation, protocol: Bench['protocol'] = 'text'): Bench => ({
    direct,
    app: proxies[0]?.url ?? '',
    protocol,
    isolation,
    guardWaiting: () => guardWaiting(proxies),
  });
  const reader = (): FindingReader => new FindingReader(proxies[0] as Proxy);
  const reads = (order: string): string[] => [...order.matchAll(/R\d\.S/g)].map(([step]) => step);

  const cases = [
    ...participants.map((schedule) => ({ ...schedule, isolation: 'REPEATABLE READ' as const })),
    { ...bothEmpty, isolation: 'READ COMMITTED' as const },
  ];
  test.each(cases)('$isolation, $id: $story', async ({ isolation, ...schedule }) => {
    const findings = reader();
    const { verdict, rows, waited } = await runSplitDelete(through(isolation), schedule);
    expect({ verdict, rows, waited }).toEqual({ ...closed, waited: reads(schedule.order).slice(1) });
    expect(decisions(await findings.next(2))).toEqual(repeated('guarded', reads(schedule.order).length));
  });

  test.each(protocols)('both sets empty, autocommit off, %s', async (protocol) => {
    const schedule = { ...bothEmpty, order: bothEmpty.order.replaceAll('.B', '.A') };
    const { verdict, rows, waited } = await runSplitDelete(through('REPEATABLE READ', protocol), schedule);
    expect({ verdict, rows, waited }).toEqual({ ...closed, waited: ['R2.S'] });
  });

  test.each([
    { reason: 'not-in-transaction', order: bothEmpty.order.replaceAll(/(R\d)\.B R\d\.S/g, '$1.S $1.B') },
    { reason: 'snapshot-taken', order: bothEmpty.order.replaceAll('.B', '.V') },
  ])('left alone, and lost as without Interlock: $reason', async ({ reason, order }) => {
    const findings = reader();
    const { verdict } = await runSplitDelete(through('REPEATABLE READ'), { ...bothEmpty, order });
    expect(verdict).toBe('1062@R2.I');
    expect(decisions(await findings.next(2))).toEqual(repeated(`refused ${reason}`, 2));
  });

  const open: Connection[] = [];
  afterEach(() => Promise.all(open.splice(0).map((connection) => connection.end())));

  /** On a connection of its own, which stays open; an error of the server does not end it. @returns what was found */
  async function play(...statements: string[]): Promise<string[]> {
    const findings = reader();
    const connection = await createConnection(proxies[0]?.url ?? '');
    open.push(connection);
    for (const text of statements) await connection.query(text).catch(() => undefined);
    return decisions(await findings.next(1));
  }
  const anticipated = format(filter, ['two']);

  test('a transaction that reads only makes nobody wait', async () => {
    expect(await play('START TRANSACTION READ ONLY', anticipated)).toEqual(['refused read-only']);
  });

  test('autocommit off for everybody: what was read first has taken the snapshot', async () => {
    await ask(direct, 'SET GLOBAL autocommit = 0');
    try {
      const said = await play('SELECT COUNT(*) FROM shop_product', anticipated);
      expect(said).toEqual(['refused snapshot-taken']);
    } finally {
      await ask(direct, 'SET GLOBAL autocommit = 1');
    }
  });

  test.each(['SET autocommit = 1', 'CREATE TABLE IF NOT EXISTS made (id INT)', 'COMMIT'])(
    'autocommit off, and the SELECT failed, so that nothing began: the guard is free behind %s',
    async (text) => {
      expect(await play('SET autocommit = 0', broken, text)).toEqual(['guarded']);
      expect(await play('BEGIN', anticipated, 'ROLLBACK')).toEqual(['guarded']);
    },
  );

  test.each(levels)(
    `${rounds} times 4 sessions from no rows, over two processes: all commit, %s`,
    async (isolation) => {
      const empty = (): Promise<unknown> => ask(direct, ...cartRows('empty'));
      const load = { sessions: 4, protocol: 'text', isolation } as const;
      const lost = await emptyRounds({ ...load, urls: [direct] }, rounds, empty);
      expect(Object.keys(lost.errors)).not.toEqual([]);
      const urls = proxies.map((proxy) => proxy.url);
      const { committed, errors } = await emptyRounds({ ...load, urls }, rounds, empty);
      expect({ committed, errors }).toEqual({ committed: 4 * rounds, errors: {} });
    },
  );
});
