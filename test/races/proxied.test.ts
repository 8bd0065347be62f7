/**
 * The same interleavings through Interlock, the application sending only its original statements: closed in READ
 * COMMITTED, unchanged in REPEATABLE READ. Each run checks by the proxy's log that the rewrites took place.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { decisions, FindingReader, repeated } from './findings.ts';
import { createTables, runSplitDelete, runUpdateOrCreate, sentLike, type Bench } from './runner.ts';
import { splitDeleteSchedules, updateOrCreateSchedules } from './schedules.ts';

describe.each(availableVersions([15, 18]))('PostgreSQL %i, through Interlock', (version) => {
  let server: Postgres;
  let direct: string;
  let proxy: Proxy;
  let app: string;
  let findings: FindingReader;

  beforeAll(async () => {
    server = await startPostgres({ version });
    const database = await server.newDatabase();
    direct = pointed(server.url, { database });
    await createTables(direct);
    proxy = await startInterlock({ server, rules: ['django'], tables: ['shop_*'] });
    app = proxy.urlFor(database);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });
  beforeEach(() => {
    findings = new FindingReader(proxy);
  });

  const guardWaiting = async (): Promise<number> => (await proxy.metrics()).interlock_guard_waiting ?? 0;

  describe.each(['simple', 'extended', 'named'] as const)('%s protocol', (protocol) => {
    const committed = (): Bench => ({ direct, app, protocol, isolation: 'READ COMMITTED', guardWaiting });
    const repeatable = (url: string): Bench => ({ direct, app: url, protocol, isolation: 'REPEATABLE READ' });

    test.each(splitDeleteSchedules)('split delete $id: $story', async (schedule) => {
      const { verdict, rows, waited, sent } = await runSplitDelete(committed(), schedule);
      expect({ verdict, rows, waited }).toEqual({ ...schedule.proxied, waited: schedule.waits });
      const deletes = sentLike(sent, /^DELETE/);
      expect(decisions(await findings.next(deletes))).toEqual(repeated('rewritten', deletes));
    });

    test.each(updateOrCreateSchedules)('update_or_create $id: $story', async (schedule) => {
      const { verdict, rows, waited, sent } = await runUpdateOrCreate(committed(), schedule);
      expect({ verdict, rows, waited }).toEqual({ ...schedule.proxied, waited: schedule.waits.proxied });
      const reads = sentLike(sent, /^SELECT.*"path" = \S+$/);
      expect(decisions(await findings.next(reads))).toEqual(repeated('rewritten', reads));
    });

    test.each(splitDeleteSchedules)('REPEATABLE READ is left alone: split delete $id', async (schedule) => {
      const reference = await runSplitDelete(repeatable(direct), schedule);
      const { verdict, rows, waited, sent } = await runSplitDelete(repeatable(app), schedule);
      expect({ verdict, rows, waited }).toEqual({
        verdict: reference.verdict,
        rows: reference.rows,
        waited: reference.waited,
      });
      expect(sent).toEqual(reference.sent);
      const deletes = sentLike(sent, /^DELETE/);
      expect(decisions(await findings.next(deletes))).toEqual(repeated('refused isolation', deletes));
    });

    test.each(updateOrCreateSchedules)(
      'REPEATABLE READ is left alone: update_or_create $id',
      async (schedule) => {
        const reference = await runUpdateOrCreate(repeatable(direct), schedule);
        const { verdict, rows, waited, sent } = await runUpdateOrCreate(repeatable(app), schedule);
        expect({ verdict, rows, waited }).toEqual({
          verdict: reference.verdict,
          rows: reference.rows,
          waited: reference.waited,
        });
        expect(sent).toEqual(reference.sent);
        const reads = sentLike(sent, /^SELECT.*"path" = \S+$/);
        expect(decisions(await findings.next(reads))).toEqual(repeated('refused isolation', reads));
      },
    );
  });
});
