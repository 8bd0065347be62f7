/**
 * Evidence on PostgreSQL: every schedule through a rule that observes and looks. The application meets what it meets
 * without Interlock, and the counters are what the schedule is known to have lost.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { asked, counted, evidenceConfig, quiet, shownBy, sum } from './evidence.ts';
import { FindingReader, repeated } from './findings.ts';
import { createTables, runSplitDelete, sentLike, type Bench } from './runner.ts';
import { splitDeleteSchedules } from './schedules.ts';

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let direct: string;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startPostgres({ version });
    const database = await server.newDatabase();
    direct = pointed(server.url, { database });
    await createTables(direct);
    proxy = await startInterlock({ server: direct, config: evidenceConfig(direct) });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  describe.each(['simple', 'extended', 'named'] as const)('%s protocol', (protocol) => {
    const bench = (isolation: Bench['isolation']): Bench => ({ direct, app: proxy.url, protocol, isolation });

    test.each(splitDeleteSchedules)('$id: $story', async (schedule) => {
      const findings = new FindingReader(proxy);
      const before = await counted(proxy);
      const { verdict, rows, waited, sent } = await runSplitDelete(bench('READ COMMITTED'), schedule);
      expect({ verdict, rows, waited }).toEqual({ ...schedule.direct, waited: schedule.waits });
      const deletes = sentLike(sent, /^DELETE/);
      const lines = await findings.next(deletes);
      expect(asked(lines)).toEqual(repeated('observed asked', deletes));
      const expected = shownBy(schedule.id, 'both');
      expect(sum(lines)).toEqual(expected);
      const after = await counted(proxy);
      expect(after.missed - before.missed).toBe(expected.missed);
      expect(after.wronglyDeleted - before.wronglyDeleted).toBe(expected.wronglyDeleted);
    });

    test.each(quiet)('one after the other: nothing is shown', async (schedule) => {
      const findings = new FindingReader(proxy);
      await runSplitDelete(bench('READ COMMITTED'), schedule);
      const lines = await findings.next(2);
      expect(asked(lines)).toEqual(repeated('observed asked', 2));
      expect(sum(lines)).toEqual({ missed: 0, wronglyDeleted: 0 });
    });
  });

  test('REPEATABLE READ: a snapshot shows nothing, so nothing is asked', async () => {
    const [schedule] = splitDeleteSchedules;
    if (schedule === undefined) throw new Error('no schedule');
    const findings = new FindingReader(proxy);
    const bench: Bench = { direct, app: proxy.url, protocol: 'extended', isolation: 'REPEATABLE READ' };
    const { verdict, rows } = await runSplitDelete(bench, schedule);
    expect({ verdict, rows }).toEqual(schedule.repeatableRead);
    expect(asked(await findings.next(2))).toEqual(repeated('refused isolation', 2));
  });
});
