/** Without the guard the rewrite alone does not close the race: `guard: none` fails exactly where the guard is what helps. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { decisions, FindingReader, repeated } from './findings.ts';
import { createTables, runSplitDelete, sentLike } from './runner.ts';
import { splitDeleteSchedules } from './schedules.ts';

const config = (server: Postgres): string => `
listeners:
  - name: shop
    protocol: postgres
    listen: 127.0.0.1:0
    server: postgres://${server.host}:${server.port}
rules:
  custom:
    - id: unguarded
      pattern: split-delete
      mode: rewrite
      match: { tables: ["shop_*"] }
      settings: { guard: none }
`;

describe.each(availableVersions([15, 18]))('PostgreSQL %i, guard: none', (version) => {
  let server: Postgres;
  let direct: string;
  let proxy: Proxy;
  let app: string;

  beforeAll(async () => {
    server = await startPostgres({ version });
    const database = await server.newDatabase();
    direct = pointed(server.url, { database });
    await createTables(direct);
    proxy = await startInterlock({ server, config: config(server) });
    app = proxy.urlFor(database);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  test.each(splitDeleteSchedules)('split delete $id: $story', async (schedule) => {
    const findings = new FindingReader(proxy);
    const bench = { direct, app, protocol: 'simple', isolation: 'READ COMMITTED' } as const;
    const { verdict, rows, waited, sent } = await runSplitDelete(bench, schedule);
    expect({ verdict, rows, waited }).toEqual({ ...schedule.unguarded, waited: schedule.waits });
    const deletes = sentLike(sent, /^DELETE/);
    expect(decisions(await findings.next(deletes))).toEqual(repeated('rewritten', deletes));
  });
});
