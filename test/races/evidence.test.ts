/**
 * Evidence on PostgreSQL: every schedule through a rule that observes and looks. The application meets what it meets
 * without Interlock, and the counters are what the schedule is known to have lost.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { asked, counted, evidenceConfig, lostIn, quiet, shownBy, sum, UpdateReader } from './evidence.ts';
import { FindingReader, repeated } from './findings.ts';
import {
  ask,
  createTables,
  guardWaiting,
  runSplitDelete,
  runUpdateOrCreate,
  sentLike,
  type Bench,
  type Run,
} from './runner.ts';
import { splitDeleteSchedules, updateOrCreateSchedules } from '../../src/verify/schedules.ts';

const long = process.env.INTERLOCK_TEST_LONG === '1';

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  const spoken: Bench['protocol'][] = long || version === 18 ? ['simple', 'extended', 'named'] : ['extended'];
  let server: Postgres;
  let direct: string;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startPostgres({ version });
    const database = await server.newDatabase();
    direct = pointed(server.url, { database });
    await createTables(direct);
    await ask(direct, ['ALTER TABLE shop_page ADD COLUMN note text']);
    proxy = await startInterlock({ server: direct, config: evidenceConfig(direct) });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  describe.each(spoken)('%s protocol', (protocol) => {
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

  describe.each(spoken)('%s protocol, update_or_create', (protocol) => {
    // The look is behind the read: nobody goes on before it has been answered.
    const bench = (): Bench => {
      const findings = new FindingReader(proxy);
      const afterRead = (): Promise<unknown> => findings.next(1);
      return { direct, app: proxy.url, protocol, isolation: 'READ COMMITTED', afterRead };
    };
    const written = ({ sent }: Run): number => sentLike(sent, /^UPDATE "shop_page"/);

    test.each(updateOrCreateSchedules)('$id: $story', async (schedule) => {
      const updates = new UpdateReader(proxy);
      const run = await runUpdateOrCreate(bench(), schedule);
      const { verdict, rows, waited } = run;
      expect({ verdict, rows, waited }).toEqual({ ...schedule.direct, waited: schedule.waits.direct });
      expect(await updates.next(written(run))).toBe(lostIn(schedule.id));
    });

    const quietly = [
      { order: 'L.B L.F W.B W.F W.I W.C L.I L.G L.U L.C X.W', story: 'X writes after L' },
      { order: 'L.B L.F W.B W.F W.I W.C X.W L.I L.G L.U L.C', story: 'X writes before L reads' },
      { order: 'L.B L.F W.B W.F W.I W.C L.I L.G X.W L.U L.C', story: 'X writes another column', other: true },
    ];
    test.each(quietly)('nothing is lost: $story', async ({ order, story, other = false }) => {
      const [schedule] = updateOrCreateSchedules;
      if (schedule === undefined) throw new Error('no schedule');
      const outsider = other ? "UPDATE shop_page SET note = 'seen'" : schedule.outsider;
      const updates = new UpdateReader(proxy);
      const run = await runUpdateOrCreate(bench(), {
        ...schedule,
        order,
        story,
        ...(outsider !== undefined && { outsider }),
      });
      expect(run.verdict).toBe('ok');
      expect(await updates.next(written(run))).toBe(0);
    });
  });

  describe.each(long || version === 18 ? ['rewrite'] : [])('%s, and nothing is lost any more', () => {
    let cured: Proxy;
    beforeAll(async () => {
      cured = await startInterlock({ server: direct, config: evidenceConfig(direct, '', 'rewrite') });
    });
    afterAll(() => cured?.stop());
    const bench = (): Bench => ({
      direct,
      app: cured.url,
      protocol: 'extended',
      isolation: 'READ COMMITTED',
      guardWaiting: () => guardWaiting([cured]),
    });

    test.each(splitDeleteSchedules)('split delete $id', async (schedule) => {
      const findings = new FindingReader(cured);
      const { verdict, rows, sent } = await runSplitDelete(bench(), schedule);
      expect({ verdict, rows }).toEqual(schedule.proxied);
      const deletes = sentLike(sent, /^DELETE/);
      const lines = await findings.next(deletes);
      expect(asked(lines)).toEqual(repeated('rewritten asked', deletes));
      expect(sum(lines)).toEqual({ missed: 0, wronglyDeleted: 0 });
    });

    test.each(updateOrCreateSchedules)('update_or_create $id', async (schedule) => {
      const updates = new UpdateReader(cured);
      const run = await runUpdateOrCreate(bench(), schedule);
      expect({ verdict: run.verdict, rows: run.rows }).toEqual(schedule.proxied);
      expect(await updates.next(sentLike(run.sent, /^UPDATE "shop_page"/))).toBe(0);
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

  test('read anew under a lock and then written: the change is known, and not lost', async () => {
    await ask(direct, [
      'CREATE TABLE counter (id int PRIMARY KEY, name text NOT NULL UNIQUE, hits int NOT NULL)',
      "INSERT INTO counter VALUES (1, 'x', 0)",
    ]);
    const updates = new UpdateReader(proxy);
    const app = new pg.Client({ connectionString: proxy.url });
    await app.connect();
    for (const again of ['SELECT * FROM counter WHERE id = 1 FOR UPDATE', 'SELECT * FROM shop_page']) {
      await app.query('BEGIN');
      await app.query('SAVEPOINT a');
      await expect(app.query("INSERT INTO counter (id, name, hits) VALUES (2, 'x', 0)")).rejects.toThrow();
      await app.query('ROLLBACK TO a');
      await app.query("SELECT id, hits FROM counter WHERE name = 'x'");
      await ask(direct, ['UPDATE counter SET hits = hits + 1']);
      await app.query(again);
      await app.query('UPDATE counter SET hits = 10 WHERE id = 1');
      await app.query('COMMIT');
    }
    await app.end();
    // Of the second transaction, in which nobody has read it anew.
    expect(await updates.next(1)).toBe(1);
    expect(await updates.next(0)).toBe(0);
  });
});
