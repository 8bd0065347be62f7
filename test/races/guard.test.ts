/**
 * What the guard is for. Without it the rewrite alone does not close the race: `guard: none` fails exactly where the
 * guard is what helps. `guard: wait` closes it as the default does. And it holds between processes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { decisions, FindingReader, repeated } from './findings.ts';
import { createTables, guardWaiting, runSplitDelete, sentLike, type Bench } from './runner.ts';
import { splitDeleteSchedules } from '../../src/verify/schedules.ts';

const config = (server: Postgres, settings: string): string => `
listeners:
  - name: shop
    listen: 127.0.0.1:0
    server: postgres://${server.host}:${server.port}
rules:
  custom:
    - id: carts
      pattern: split-delete
      mode: rewrite
      match: { tables: ["shop_*"] }
      settings: { ${settings} }
`;

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let database: string;
  let direct: string;

  beforeAll(async () => {
    server = await startPostgres({ version });
    database = await server.newDatabase();
    direct = pointed(server.url, { database });
    await createTables(direct);
  });
  afterAll(() => server.stop());

  describe.each([
    { guard: 'none', outcome: 'unguarded' },
    { guard: 'wait', outcome: 'proxied' },
  ] as const)('guard: $guard', ({ guard, outcome }) => {
    let proxy: Proxy;
    beforeAll(async () => {
      proxy = await startInterlock({ server, config: config(server, `guard: ${guard}`) });
    });
    afterAll(() => proxy.stop());

    test.each(splitDeleteSchedules)('split delete $id: $story', async (schedule) => {
      const findings = new FindingReader(proxy);
      const bench: Bench = {
        direct,
        app: proxy.urlFor(database),
        protocol: 'simple',
        isolation: 'READ COMMITTED',
        guardWaiting: () => guardWaiting([proxy]),
      };
      const { verdict, rows, waited, sent } = await runSplitDelete(bench, schedule);
      expect({ verdict, rows, waited }).toEqual({ ...schedule[outcome], waited: schedule.waits });
      const deletes = sentLike(sent, /^DELETE/);
      const lines = await findings.next(deletes);
      expect(decisions(lines)).toEqual(repeated('rewritten', deletes));
      expect(lines.map((line) => line.guard)).toEqual(repeated(guard === 'none' ? 'none' : 'had', deletes));
    });
  });

  test('a guard that cannot be had in time is no error: the plan goes on without it, and says so', async () => {
    const proxy = await startInterlock({ server, config: config(server, 'guard: try, guard_wait: 0') });
    const schedule = splitDeleteSchedules.find(({ id }) => id === 'ii');
    if (schedule === undefined) throw new Error('no schedule ii');
    const findings = new FindingReader(proxy);
    const app = proxy.urlFor(database);
    const run = await runSplitDelete(
      { direct, app, protocol: 'simple', isolation: 'READ COMMITTED' },
      schedule,
    );
    expect({ verdict: run.verdict, rows: run.rows }).toEqual(schedule.unguarded);
    const lines = await findings.next(2);
    expect(lines.map((line) => `${String(line.decision)} ${String(line.guard)}`).toSorted()).toEqual([
      'rewritten had',
      'rewritten not-had',
    ]);
    expect((await proxy.metrics())['interlock_guard_total{outcome="not-had"}']).toBe(1);
    await proxy.stop();
  });

  describe('each session on an Interlock process of its own', () => {
    const proxies: Record<string, Proxy> = {};
    beforeAll(async () => {
      for (const name of ['R1', 'R2', 'R3'])
        proxies[name] = await startInterlock({ server, rules: ['django'], tables: ['shop_*'] });
    });
    afterAll(() => Promise.all(Object.values(proxies).map((proxy) => proxy.stop())));

    const bench: Bench = {
      get direct() {
        return direct;
      },
      app: (name) => proxies[name]?.urlFor(database) ?? '',
      protocol: 'simple',
      isolation: 'READ COMMITTED',
      guardWaiting: () => guardWaiting(Object.values(proxies)),
    };

    test.each(splitDeleteSchedules.filter((schedule) => schedule.outsider === undefined))(
      'split delete $id: $story',
      async (schedule) => {
        const { verdict, rows, waited } = await runSplitDelete(bench, schedule);
        expect({ verdict, rows, waited }).toEqual({ ...schedule.proxied, waited: schedule.waits });
      },
    );
  });
});
