/**
 * A canary: R2 rewrites, R1 is outside of it and deletes by list. R2's rewritten DELETE waits for R1's rows and then has not
 * seen the row that R1 inserted: a canary by itself shows no cure. With `guard: all` R1 takes the guard as well, and R2 is cured.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { FindingReader } from './findings.ts';
import { createTables, guardWaiting, runSplitDelete } from './runner.ts';
import { splitDeleteSchedules } from '../../src/verify/schedules.ts';

/** R1 is never drawn: one connection of a hundred thousand would be. */
const config = (server: string, guard: string): string => `
listeners: [{name: main, listen: '127.0.0.1:0', server: '${server}'}]
rules:
  packs: []
  custom:
    - {id: inside, pattern: split-delete, mode: rewrite, match: {applications: [R2], tables: ['shop_*']}}
    - id: outside
      pattern: split-delete
      mode: rewrite
      canary: 0.001%
      match: {tables: ['shop_*']}
      settings: {guard: ${guard}}
`;

// Those in which R1 has deleted, or deleted and inserted, when R2 deletes.
const schedules = splitDeleteSchedules.filter(({ id }) => ['ii', "ii'", 'ii-low'].includes(id));

describe.each(availableVersions([18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let database: string;
  let proxies: Record<'all' | 'try', Proxy>;

  beforeAll(async () => {
    server = await startPostgres({ version });
    database = await server.newDatabase();
    await createTables(pointed(server.url, { database }));
    proxies = {
      all: await startInterlock({ server, config: config(server.url, 'all') }),
      try: await startInterlock({ server, config: config(server.url, 'try') }),
    };
  });
  afterAll(async () => {
    await Promise.all(Object.values(proxies ?? {}).map((proxy) => proxy.stop()));
    await server?.stop();
  });

  const outcomes = schedules.flatMap((schedule) => [
    { schedule, guard: 'all' as const, outcome: schedule.proxied },
    { schedule, guard: 'try' as const, outcome: schedule.unguarded },
  ]);
  test.each(outcomes)('$schedule.id, guard: $guard', async ({ schedule, guard, outcome }) => {
    const proxy = proxies[guard];
    const findings = new FindingReader(proxy);
    const { verdict, rows, waited } = await runSplitDelete(
      {
        direct: pointed(server.url, { database }),
        app: pointed(proxy.url, { database }),
        protocol: 'extended',
        isolation: 'READ COMMITTED',
        guardWaiting: () => guardWaiting([proxy]),
      },
      schedule,
    );
    expect({ verdict, rows, waited }).toEqual({ ...outcome, waited: schedule.waits });
    const lines = await findings.next(2);
    const told = lines.map((line) => `${String(line.rule)} ${String(line.decision)} ${String(line.guard)}`);
    const outside = guard === 'all' ? 'outside observed had' : 'outside observed undefined';
    expect(told.toSorted()).toEqual(['inside rewritten had', outside]);
  });
});
