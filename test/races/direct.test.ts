/** The races as they happen without Interlock: the reference that the proxied runs are compared with. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { createTables, runSplitDelete, runUpdateOrCreate, type Bench } from './runner.ts';
import { splitDeleteSchedules, updateOrCreateSchedules } from '../../src/verify/schedules.ts';

describe.each(availableVersions([15, 18]))('PostgreSQL %i, direct', (version) => {
  let server: Postgres;
  let url: string;
  beforeAll(async () => {
    server = await startPostgres({ version });
    url = pointed(server.url, { database: await server.newDatabase() });
    await createTables(url);
  });
  afterAll(() => server.stop());

  describe.each(['READ COMMITTED', 'REPEATABLE READ'] as const)('%s', (isolation) => {
    const bench = (): Bench => ({ direct: url, app: url, protocol: 'simple', isolation });

    test.each(splitDeleteSchedules)('split delete $id: $story', async (schedule) => {
      const { verdict, rows, waited } = await runSplitDelete(bench(), schedule);
      expect(waited).toEqual(schedule.waits);
      expect({ verdict, rows }).toEqual(
        isolation === 'READ COMMITTED' ? schedule.direct : schedule.repeatableRead,
      );
    });

    test.each(updateOrCreateSchedules)('update_or_create $id: $story', async (schedule) => {
      const { verdict, rows, waited } = await runUpdateOrCreate(bench(), schedule);
      if (isolation === 'READ COMMITTED') expect(waited).toEqual(schedule.waits.direct);
      expect({ verdict, rows }).toEqual(
        isolation === 'READ COMMITTED' ? schedule.direct : schedule.repeatableRead,
      );
    });
  });
});
