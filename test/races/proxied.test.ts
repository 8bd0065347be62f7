/**
 * The same interleavings through Interlock, the application sending only its original statements: closed in READ
 * COMMITTED, unchanged in REPEATABLE READ. Each run checks by the proxy's log that the rewrites took place.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Protocol } from '../../src/demo/app-session.ts';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { decisions, FindingReader, repeated } from './findings.ts';
import {
  createTables,
  guardWaiting,
  runSplitDelete,
  runUpdateOrCreate,
  sentLike,
  type Bench,
  type Run,
} from './runner.ts';
import { splitDeleteSchedules, updateOrCreateSchedules } from '../../src/verify/schedules.ts';

/** The look-up after the violation; the first one ends in FOR UPDATE. */
const plainRead = /^SELECT.*"path" = \S+$/;

describe.each(availableVersions([15, 18]))('PostgreSQL %i, through Interlock', (version) => {
  let server: Postgres;
  let direct: string;
  let database: string;
  let proxies: Record<'django' | 'generic', Proxy>;

  beforeAll(async () => {
    server = await startPostgres({ version });
    database = await server.newDatabase();
    direct = pointed(server.url, { database });
    await createTables(direct);
    proxies = {
      django: await startInterlock({ server, rules: ['django'], tables: ['shop_*'] }),
      generic: await startInterlock({ server, rules: ['generic'], mode: 'rewrite' }),
    };
  });
  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    await server.stop();
  });

  type Rules = keyof typeof proxies;

  const expectUnchanged = async (
    protocol: Protocol,
    form: RegExp,
    run: (bench: Bench) => Promise<Run>,
  ): Promise<void> => {
    const findings = new FindingReader(proxies.django);
    const isolation = 'REPEATABLE READ';
    const reference = await run({ direct, app: direct, protocol, isolation });
    const proxied = await run({ direct, app: proxies.django.urlFor(database), protocol, isolation });
    const compared = ({ verdict, rows, waited, sent }: Run): object => ({ verdict, rows, waited, sent });
    expect(compared(proxied)).toEqual(compared(reference));
    const candidates = sentLike(proxied.sent, form);
    expect(decisions(await findings.next(candidates))).toEqual(repeated('refused isolation', candidates));
  };

  describe.each(['simple', 'extended', 'named'] as const)('%s protocol', (protocol) => {
    const through = (rules: Rules): Bench => ({
      direct,
      app: proxies[rules].urlFor(database),
      protocol,
      isolation: 'READ COMMITTED',
      guardWaiting: () => guardWaiting([proxies[rules]]),
    });

    test.each(splitDeleteSchedules)('split delete $id: $story', async (schedule) => {
      const findings = new FindingReader(proxies.django);
      const { verdict, rows, waited, sent } = await runSplitDelete(through('django'), schedule);
      expect({ verdict, rows, waited }).toEqual({ ...schedule.proxied, waited: schedule.waits });
      const deletes = sentLike(sent, /^DELETE/);
      expect(decisions(await findings.next(deletes))).toEqual(repeated('rewritten', deletes));
    });

    test.each(updateOrCreateSchedules)('update_or_create $id: $story', async (schedule) => {
      const findings = new FindingReader(proxies[schedule.pack]);
      const { verdict, rows, waited, sent } = await runUpdateOrCreate(through(schedule.pack), schedule);
      expect({ verdict, rows, waited }).toEqual({ ...schedule.proxied, waited: schedule.waits.proxied });
      const reads = sentLike(sent, plainRead);
      expect(decisions(await findings.next(reads))).toEqual(repeated('rewritten', reads));
    });

    const withoutLookup = updateOrCreateSchedules.filter((schedule) => schedule.pack === 'generic');
    test.each(withoutLookup)(
      'update_or_create $id is left alone by the Django rules: $story',
      async (schedule) => {
        const findings = new FindingReader(proxies.django);
        const { verdict, rows, waited } = await runUpdateOrCreate(through('django'), schedule);
        expect({ verdict, rows, waited }).toEqual({ ...schedule.direct, waited: schedule.waits.direct });
        expect(decisions(await findings.next(1))).toEqual(['refused no-locking-lookup']);
      },
    );

    test.each(splitDeleteSchedules)('REPEATABLE READ as without Interlock: split delete $id', (schedule) =>
      expectUnchanged(protocol, /^DELETE/, (bench) => runSplitDelete(bench, schedule)),
    );

    test.each(updateOrCreateSchedules.filter((schedule) => schedule.pack === 'django'))(
      'REPEATABLE READ as without Interlock: update_or_create $id',
      (schedule) => expectUnchanged(protocol, plainRead, (bench) => runUpdateOrCreate(bench, schedule)),
    );
  });
});
