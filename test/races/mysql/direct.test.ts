/** The races as they happen on InnoDB without Interlock: the reference that the proxied runs are compared with. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { createTables, runSplitDelete, runUpdateOrCreate, type Bench } from './runner.ts';
import { splitDeletes, updateOrCreates, type Level } from './schedules.ts';
import { protocols, type Isolation } from '../../../src/verify/mysql/session.ts';

describe.each(await availableEngines())('%s, direct', (engine) => {
  let server: Mysql;
  let url: string;
  let snapshotIsolation: boolean;
  beforeAll(async () => {
    server = await startMysql({ engine });
    url = server.url(undefined, undefined, await server.newDatabase());
    await createTables(url);
    const rows = await ask<{ Value: string }>(url, `SHOW VARIABLES LIKE 'innodb_snapshot_isolation'`);
    snapshotIsolation = rows[0]?.Value === 'ON';
  });
  afterAll(() => server.stop());

  test('snapshot isolation is the default of MariaDB 11.8 only', () => {
    expect(snapshotIsolation).toBe(engine === 'mariadb-11.8');
  });

  const cases = protocols.flatMap((protocol) =>
    (['READ COMMITTED', 'REPEATABLE READ'] as const).map((isolation) => ({ protocol, isolation })),
  );
  describe.each(cases)('$protocol, $isolation', ({ protocol, isolation }) => {
    const bench = (): Bench => ({ direct: url, app: url, protocol, isolation });
    const level = (): Level => levelOf(isolation, snapshotIsolation);

    test.each(splitDeletes)('split delete $id: $story', async (schedule) => {
      const { verdict, rows, waited } = await runSplitDelete(bench(), schedule);
      expect(waited).toEqual(schedule.waits);
      expect({ verdict, rows }).toEqual(schedule.direct[level()]);
    });

    test.each(updateOrCreates)('update_or_create $id: $story', async (schedule) => {
      const { verdict, rows, waited } = await runUpdateOrCreate(bench(), schedule);
      const { waits, ...expected } = schedule.direct[level()];
      expect({ verdict, rows }).toEqual(expected);
      if (waits !== undefined) expect(waited).toEqual(waits);
    });
  });
});

const flipped = (await availableEngines(['mariadb-10.11', 'mariadb-11.8'], { ownSettings: true })).map(
  (engine) => ({
    engine,
    value: engine === 'mariadb-11.8' ? 'OFF' : 'ON',
  }),
);

/** The variable decides, not the version: an operator may have set it either way. */
describe.each(flipped)('$engine with innodb_snapshot_isolation=$value, direct', ({ engine, value }) => {
  let server: Mysql;
  let url: string;
  beforeAll(async () => {
    server = await startMysql({ engine, settings: { innodb_snapshot_isolation: value } });
    url = server.url(undefined, undefined, await server.newDatabase());
    await createTables(url);
  });
  afterAll(() => server.stop());

  test.each(splitDeletes)('REPEATABLE READ, split delete $id: $story', async (schedule) => {
    const bench: Bench = { direct: url, app: url, protocol: 'text', isolation: 'REPEATABLE READ' };
    const { verdict, rows, waited } = await runSplitDelete(bench, schedule);
    expect(waited).toEqual(schedule.waits);
    expect({ verdict, rows }).toEqual(schedule.direct[levelOf('REPEATABLE READ', value === 'ON')]);
  });
});

function levelOf(isolation: Isolation, snapshotIsolation: boolean): Level {
  return isolation === 'REPEATABLE READ' && snapshotIsolation
    ? 'REPEATABLE READ, snapshot isolation'
    : isolation;
}
