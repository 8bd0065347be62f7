/**
 * The interleavings through Interlock on InnoDB, the application sending only its original statements: closed in READ
 * COMMITTED and, for split deletes, in REPEATABLE READ without snapshot isolation; with it everything is left as it is.
 * Each run checks by the proxy's log what became of the candidates.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { decisions, FindingReader, repeated } from '../findings.ts';
import { guardWaiting, sentLike } from '../runner.ts';
import { createTables, runSplitDelete, runUpdateOrCreate, type Bench, type Run } from './runner.ts';
import { splitDeletes, updateOrCreates, type Level } from './schedules.ts';
import { protocols, type Isolation } from '../../../src/verify/mysql/session.ts';

/** Sessions whose INSERT failed went on with ROLLBACK TO, and read the row next. */
const lostInserts = (sent: Run['sent']): number => sentLike(sent, /^ROLLBACK TO/);

describe.each(await availableEngines())('%s, through Interlock', (engine) => {
  let server: Mysql;
  let direct: string;
  let snapshotIsolation: boolean;
  let proxies: Record<'django' | 'generic' | 'repeatable', Proxy>;
  beforeAll(async () => {
    server = await startMysql({ engine });
    direct = server.url(undefined, undefined, await server.newDatabase());
    await createTables(direct);
    const rows = await ask<{ Value: string }>(direct, `SHOW VARIABLES LIKE 'innodb_snapshot_isolation'`);
    snapshotIsolation = rows[0]?.Value === 'ON';
    proxies = {
      django: await startInterlock({ server: direct, rules: ['django'], tables: ['shop_*'] }),
      generic: await startInterlock({ server: direct, rules: ['generic'], mode: 'rewrite' }),
      repeatable: await startInterlock({
        server: direct,
        config: `
listeners: [{ name: main, listen: '127.0.0.1:0', server: '${direct}' }]
rules:
  packs: []
  custom:
    - id: find-the-row
      pattern: unlocked-read-after-unique-violation
      mode: rewrite
      settings: { when: always, repeatable_read: rewrite }
`,
      }),
    };
  });
  afterAll(async () => {
    await Promise.all(Object.values(proxies ?? {}).map((proxy) => proxy.stop()));
    await server?.stop();
  });

  type Rules = keyof typeof proxies;
  const through = (rules: Rules, protocol: Bench['protocol'], isolation: Isolation): Bench => ({
    direct,
    app: proxies[rules].url,
    protocol,
    isolation,
    guardWaiting: () => guardWaiting([proxies[rules]]),
  });

  const expectUnchanged = async (
    protocol: Bench['protocol'],
    form: RegExp,
    run: (bench: Bench) => Promise<Run>,
  ): Promise<void> => {
    const findings = new FindingReader(proxies.django);
    const isolation = 'REPEATABLE READ';
    const reference = await run({ direct, app: direct, protocol, isolation });
    const proxied = await run(through('django', protocol, isolation));
    const compared = ({ verdict, rows, sent }: Run): object => ({ verdict, rows, sent });
    expect(compared(proxied)).toEqual(compared(reference));
    const candidates = sentLike(proxied.sent, form);
    expect(decisions(await findings.next(candidates))).toEqual(repeated('refused isolation', candidates));
  };

  describe.each(protocols)('%s protocol', (protocol) => {
    test.each(splitDeletes)('READ COMMITTED, split delete $id: $story', async (schedule) => {
      const findings = new FindingReader(proxies.django);
      const bench = through('django', protocol, 'READ COMMITTED');
      const { verdict, rows, waited, sent } = await runSplitDelete(bench, schedule);
      expect({ verdict, rows, waited }).toEqual({ ...schedule.proxied, waited: schedule.waits });
      const deletes = sentLike(sent, /^DELETE/);
      expect(decisions(await findings.next(deletes))).toEqual(repeated('rewritten', deletes));
    });

    test.each(splitDeletes)('REPEATABLE READ, split delete $id: $story', async (schedule) => {
      if (snapshotIsolation)
        return await expectUnchanged(protocol, /^DELETE/, (bench) => runSplitDelete(bench, schedule));
      const findings = new FindingReader(proxies.django);
      const bench = through('django', protocol, 'REPEATABLE READ');
      const { verdict, rows, sent } = await runSplitDelete(bench, schedule);
      expect({ verdict, rows }).toEqual(schedule.proxied);
      const deletes = sentLike(sent, /^DELETE/);
      expect(decisions(await findings.next(deletes))).toEqual(repeated('rewritten', deletes));
    });

    test.each(updateOrCreates)('READ COMMITTED, update_or_create $id: $story', async (schedule) => {
      const findings = new FindingReader(proxies.generic);
      const bench = through('generic', protocol, 'READ COMMITTED');
      const { verdict, rows, waited, sent } = await runUpdateOrCreate(bench, schedule);
      const { waits, ...expected } = schedule.proxied;
      expect({ verdict, rows }).toEqual(expected);
      if (waits !== undefined) expect(waited).toEqual(waits);
      const losers = lostInserts(sent);
      expect(decisions(await findings.next(losers))).toEqual(repeated('rewritten', losers));
    });

    /** One loser. Two of them may be each other's deadlock: both hold a shared lock on the duplicate (treatments.md). */
    const invisible = updateOrCreates.filter(({ id }) => /^[abg], plain/.test(id));
    test.each(invisible)(
      'REPEATABLE READ, the row is found: update_or_create $id: $story',
      async (schedule) => {
        const findings = new FindingReader(proxies.repeatable);
        const bench = through('repeatable', protocol, 'REPEATABLE READ');
        const { verdict, rows, sent } = await runUpdateOrCreate(bench, schedule);
        const direct = schedule.direct[levelOf(snapshotIsolation)];
        const { waits: _, ...expected } = snapshotIsolation ? direct : schedule.proxied;
        expect({ verdict, rows }).toEqual({ verdict: expected.verdict, rows: expected.rows });
        const losers = lostInserts(sent);
        const decision = snapshotIsolation ? 'refused isolation' : 'rewritten';
        expect(decisions(await findings.next(losers))).toEqual(repeated(decision, losers));
      },
    );
  });
});

function levelOf(snapshotIsolation: boolean): Level {
  return snapshotIsolation ? 'REPEATABLE READ, snapshot isolation' : 'REPEATABLE READ';
}
