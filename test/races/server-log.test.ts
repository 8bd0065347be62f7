/**
 * The server's own log, session by session: what reaches it through Interlock is what the application sent, in order,
 * except for the statements of the plans. Whatever stands where a rewritten statement was must carry the marker.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  availableVersions,
  pointed,
  startPostgres,
  type LoggedStatement,
  type Postgres,
} from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { splitDeleteRows } from '../../src/demo/split-delete.ts';
import { pageRows } from '../../src/demo/update-or-create.ts';
import { ask, createTables } from './runner.ts';
import { splitDeleteLoad, updateOrCreateLoad, type Result } from './stress/load.ts';

/** The statements of a plan beside the edited one. */
const planned = [
  /^(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT) interlock_savepoint$/,
  /^SELECT pg_catalog\.concat\(pg_catalog\.current_setting\('transaction_isolation'\)/,
  /^SET CONSTRAINTS (public\.shop_\w+(, )?)+ (IMMEDIATE|DEFERRED)$/,
  /^WITH RECURSIVE target AS \(SELECT c\.oid/,
];
const marker = /^\/\* interlock:[a-z/-]+ \*\/ /;

const verb = (text: string): string => text.split(' ')[0] ?? '';

/** What of `logged` is neither the application's nor a plan's, and what of `sent` never arrived. */
function compare(
  logged: readonly LoggedStatement[],
  sent: readonly string[],
): { foreign: string[]; lost: string[]; edited: number } {
  const foreign: string[] = [];
  let edited = 0;
  let at = 0;
  for (const { text } of logged) {
    if (text === sent[at]) at += 1;
    else if (marker.test(text)) {
      edited += 1;
      // It stands for the statement that is due: a DELETE for a DELETE, a SELECT for a SELECT.
      if (verb(text.replace(marker, '')) === verb(sent[at] ?? '')) at += 1;
      else foreign.push(text);
    } else if (!planned.some((form) => form.test(text))) foreign.push(text);
  }
  return { foreign, lost: sent.slice(at), edited };
}

describe.each(availableVersions([15, 18], 'own'))('PostgreSQL %i, log_statement = all', (version) => {
  let server: Postgres;
  let direct: string;
  let app: string;
  let proxy: Proxy;

  beforeAll(async () => {
    server = await startPostgres({ version, own: true });
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

  const check = (result: Result): { sessions: number; edited: number } => {
    const log = server.statements();
    let edited = 0;
    for (const [pid, sent] of result.sent) {
      const found = compare(
        log.filter((entry) => entry.pid === pid),
        sent,
      );
      expect({ foreign: found.foreign, lost: found.lost }).toEqual({ foreign: [], lost: [] });
      edited += found.edited;
    }
    return { sessions: result.sent.size, edited };
  };

  test.each(['simple', 'extended', 'named'] as const)(
    '%s: nothing is added but plans, nothing is lost',
    async (protocol) => {
      await ask(direct, splitDeleteRows.full);
      const deletes = check(await splitDeleteLoad({ urls: [app], sessions: 3, protocol }, 10));
      expect(deletes).toEqual({ sessions: 3, edited: 30 });
      await ask(direct, pageRows);
      const reads = check(await updateOrCreateLoad({ urls: [app], sessions: 3, protocol }, 10));
      expect(reads.edited).toBeGreaterThan(0);
    },
  );

  test.each(['simple', 'extended', 'named'] as const)(
    '%s: nothing at all is added in mode observe',
    async (protocol) => {
      const observing = await startInterlock({ server });
      const urls = [pointed(observing.url, { database: new URL(app).pathname.slice(1) })];
      await ask(direct, splitDeleteRows.full);
      const result = await splitDeleteLoad({ urls, sessions: 3, protocol }, 10);
      await observing.stop();
      const log = server.statements();
      for (const [pid, sent] of result.sent)
        expect(log.filter((entry) => entry.pid === pid).map((entry) => entry.text)).toEqual(sent);
      expect(observing.findings().length).toBeGreaterThan(0);
    },
  );
});
