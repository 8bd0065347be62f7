/**
 * The guard in front of the first SELECT (pattern `anticipate`): nothing is rewritten, and every interleaving of
 * transactions that go through Interlock is closed, also those in which both SELECTs find nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filter, splitDeleteRows } from '../../src/demo/split-delete.ts';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { decisions, FindingReader, repeated } from './findings.ts';
import { ask, createTables, guardWaiting, runSplitDelete, sentLike, type Bench, type Run } from './runner.ts';
import { splitDeleteSchedules, type SplitDeleteSchedule } from '../../src/verify/schedules.ts';
import { emptyRounds } from './stress/load.ts';

const select = /^SELECT/;
/** Transactions of 4 sessions that start together, each time from no rows. */
const rounds = process.env.INTERLOCK_TEST_LONG === '1' ? 40 : 5;

const config = (server: Postgres, settings = '', mode = 'rewrite'): string => `
listeners: [{ name: shop, listen: 127.0.0.1:0, server: 'postgres://${server.host}:${server.port}' }]
rules:
  packs: []
  custom:
    - id: carts
      pattern: anticipate
      mode: ${mode}
      match: { tables: [shop_cart] }
      settings:
        select: [${JSON.stringify(filter)}]
        ${settings}
      examples:
        - dialect: postgres
          session: [BEGIN, ${JSON.stringify(`${filter.replace('$1', "'two'")} -> none`)}]
          guards: shop_cart
`;

const participants = splitDeleteSchedules.filter(({ outsider }) => outsider === undefined);
const bothEmpty = participants.find(({ id }) => id === 'iii') as SplitDeleteSchedule;
/** All but the first to read wait, and not where they waited before. */
const waitsOf = ({ order }: SplitDeleteSchedule): string[] =>
  [...order.matchAll(/(R[23])\.S/g)].map(([step]) => step).toSorted();

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let database: string;
  let direct: string;
  let proxies: Proxy[];

  beforeAll(async () => {
    server = await startPostgres({ version });
    database = await server.newDatabase();
    direct = pointed(server.url, { database });
    await createTables(direct);
    const start = (): Promise<Proxy> => startInterlock({ server, config: config(server) });
    proxies = await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    await Promise.all((proxies ?? []).map((proxy) => proxy.stop()));
    await server?.stop();
  });

  const through = (protocol: Bench['protocol'], used: readonly Proxy[] = proxies): Bench => ({
    direct,
    app: (name) => used[Number(name.slice(1)) % used.length]?.urlFor(database) ?? '',
    protocol,
    isolation: 'READ COMMITTED',
    guardWaiting: () => guardWaiting(used),
  });
  const readersOf = (): FindingReader[] => proxies.map((proxy) => new FindingReader(proxy));
  /** A finding for each SELECT, in the log of the process that the session uses. */
  const seen = async (readers: FindingReader[], sent: Run['sent']): Promise<string[]> => {
    const lines = [];
    for (const [index, reader] of readers.entries()) {
      const mine = Object.entries(sent).filter(([name]) => Number(name.slice(1)) % readers.length === index);
      lines.push(...(await reader.next(sentLike(Object.fromEntries(mine), select))));
    }
    return decisions(lines);
  };

  test.each(participants)('over two processes, $id: $story', async (schedule) => {
    const readers = readersOf();
    const { verdict, rows, waited, sent } = await runSplitDelete(through('simple'), schedule);
    expect({ verdict, rows }).toEqual({ verdict: 'ok', rows: '1,1 1,2 2,1' });
    expect(waited).toEqual(waitsOf(schedule));
    expect(await seen(readers, sent)).toEqual(repeated('guarded', sentLike(sent, select)));
  });

  test.each(['extended', 'named'] as const)('both sets empty, %s', async (protocol) => {
    const { verdict, rows, waited } = await runSplitDelete(through(protocol), bothEmpty);
    expect({ verdict, rows, waited }).toEqual({ verdict: 'ok', rows: '1,1 1,2 2,1', waited: ['R2.S'] });
  });

  test.each([
    {
      what: 'the SELECT ran before BEGIN',
      order: bothEmpty.order.replaceAll(/(R\d)\.B R\d\.S/g, '$1.S $1.B'),
      isolation: 'READ COMMITTED',
      reason: 'not-in-transaction',
    },
    { what: 'REPEATABLE READ', order: bothEmpty.order, isolation: 'REPEATABLE READ', reason: 'isolation' },
  ] as const)('left alone, and lost as without Interlock: $what', async ({ order, isolation, reason }) => {
    const readers = readersOf();
    const bench = { ...through('simple'), isolation };
    const { verdict, sent } = await runSplitDelete(bench, { ...bothEmpty, order });
    expect(verdict).toBe('23505@R2.I');
    expect(await seen(readers, sent)).toEqual(repeated(`refused ${reason}`, 2));
  });

  test.each([
    { settings: 'guard_wait: 0', mode: 'rewrite', found: ['guarded', 'refused guard-not-had'] },
    { settings: '', mode: 'observe', found: ['observed', 'observed'] },
  ])('the race goes on: $mode, $settings', async ({ settings, mode, found }) => {
    const proxy = await startInterlock({ server, config: config(server, settings, mode) });
    try {
      const reader = new FindingReader(proxy);
      const { verdict } = await runSplitDelete(through('simple', [proxy]), bothEmpty);
      expect(verdict).toBe('23505@R2.I');
      expect(decisions(await reader.next(2))).toEqual(found);
    } finally {
      await proxy.stop();
    }
  });

  test(`${rounds} times 4 sessions from no rows, over two processes: all commit`, async () => {
    const urls = proxies.map((proxy) => proxy.urlFor(database));
    const empty = (): Promise<unknown> => ask(direct, splitDeleteRows.empty);
    const lost = await emptyRounds({ urls: [direct], sessions: 4, protocol: 'simple' }, rounds, empty);
    expect(lost.errors['23505']).toBeGreaterThan(0);
    const { committed, errors } = await emptyRounds({ urls, sessions: 4, protocol: 'simple' }, rounds, empty);
    expect({ committed, errors }).toEqual({ committed: 4 * rounds, errors: {} });
  });
});
