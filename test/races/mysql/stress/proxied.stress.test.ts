/**
 * The same load through two Interlock processes: every transaction commits, no update is lost, and the server's own log
 * holds what the application sent and the plans, nothing else.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type LoggedCommand, type Mysql } from '../../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../../support/proxy.ts';
import { decisions, FindingReader, repeated } from '../../findings.ts';
import { createTables } from '../runner.ts';
import { carts, cartRows, type Keys } from '../../../../src/verify/mysql/split-delete.ts';
import { pageRows } from '../update-or-create.ts';
import { protocols, type Isolation } from '../../../../src/verify/mysql/session.ts';
import { splitDeleteLoad, updateOrCreateLoad, type Result } from './load.ts';

const sessions = 4;
const times = process.env.INTERLOCK_TEST_LONG === '1' ? 5 : 1;
const transactions = 40 * times;
const keys = 25 * times;

/** The statements of a plan beside the edited one. */
const planned = [
  /^SELECT @@session\.\w+_isolation,/,
  /^SHOW CREATE TABLE `\w+`$/,
  /^SELECT GET_LOCK\('interlock:[0-9a-f]+', 0\)$/,
  /^DO RELEASE_LOCK\('interlock:[0-9a-f]+'\)$/,
  /^(\/\* interlock:[a-z/-]+ \*\/ )?SELECT `shop_page`\.`id` FROM `shop_page` WHERE/,
];
const marker = /^\/\* interlock:[a-z/-]+ \*\/ /;
const verb = (text: string): string => /^\w+/.exec(text)?.[0] ?? '';

/** What of the log is neither the application's nor a plan's, and what of `sent` never arrived. Text protocol. */
function compare(
  logged: readonly LoggedCommand[],
  sent: readonly string[],
): { foreign: string[]; lost: string[] } {
  const foreign: string[] = [];
  let at = 0;
  for (const { command, text } of logged) {
    if (command !== 'Query') continue;
    if (text === sent[at]) at += 1;
    else if (planned.some((form) => form.test(text))) continue;
    else if (marker.test(text) && verb(text.replace(marker, '')) === verb(sent[at] ?? '')) at += 1;
    else foreign.push(text);
  }
  return { foreign, lost: sent.slice(at) };
}

describe.each(await availableEngines())('%s, 4 sessions through two Interlock processes', (engine) => {
  let server: Mysql;
  let url: string;
  let proxies: Proxy[];
  beforeAll(async () => {
    server = await startMysql({ engine });
    url = server.url(undefined, undefined, await server.newDatabase());
    await createTables(url);
    const start = (): Promise<Proxy> =>
      startInterlock({ server: url, rules: ['django'], tables: ['shop_*'] });
    proxies = await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    await Promise.all((proxies ?? []).map((proxy) => proxy.stop()));
    await server?.stop();
  });

  const through = (): string[] => proxies.map((proxy) => proxy.url);
  const readers = (): FindingReader[] => proxies.map((proxy) => new FindingReader(proxy));
  const unexplained = (result: Result): string[] => {
    if (server.generalLogFile === undefined) return [];
    const log = server.commands();
    return [...result.sent].flatMap(([id, sent]) => {
      const { foreign, lost } = compare(
        log.filter((entry) => entry.connection === id),
        sent,
      );
      return [...foreign, ...lost.map((text) => `lost: ${text}`)];
    });
  };

  /** With snapshot isolation, the default of 11.8, REPEATABLE READ is refused: see ../proxied.test.ts. */
  const isolations: readonly Isolation[] =
    engine === 'mariadb-11.8' ? ['READ COMMITTED'] : ['READ COMMITTED', 'REPEATABLE READ'];
  const cases = (['auto-increment', 'char', 'binary'] as const satisfies Keys[]).flatMap((kind) =>
    protocols.flatMap((protocol) => isolations.map((isolation) => ({ kind, protocol, isolation }))),
  );
  test.each(cases)(
    'all of them commit: $kind keys, $protocol, $isolation',
    async ({ kind, protocol, isolation }) => {
      await ask(url, ...cartRows('full', kind));
      const findings = readers();
      const load = { urls: through(), sessions, protocol, isolation } as const;
      const result = await splitDeleteLoad(load, transactions, kind);
      expect({ committed: result.committed, errors: result.errors }).toEqual({
        committed: sessions * transactions,
        errors: {},
      });
      const lines = await Promise.all(findings.map((reader) => reader.next((sessions / 2) * transactions)));
      expect(decisions(lines.flat())).toEqual(repeated('rewritten', sessions * transactions));
      expect(
        await ask(
          url,
          `SELECT COUNT(*) AS n FROM ${carts[kind].table} WHERE customer_id = 1 AND product_id = 1`,
        ),
      ).toEqual([{ n: 1 }]);
      if (protocol === 'text') expect(unexplained(result)).toEqual([]);
    },
  );

  test.each(protocols)('no update is lost in READ COMMITTED, %s', async (protocol) => {
    await ask(url, ...pageRows);
    const load = { urls: through(), sessions, protocol, isolation: 'READ COMMITTED' } as const;
    const result = await updateOrCreateLoad(load, keys);
    expect({ committed: result.committed, errors: result.errors }).toEqual({
      committed: sessions * keys,
      errors: {},
    });
    const rows = await ask<{ hits: number }>(url, 'SELECT hits FROM shop_page');
    expect(rows.reduce((sum, row) => sum + (10 + sessions - 1 - row.hits), 0)).toBe(0);
    if (protocol === 'text') expect(unexplained(result)).toEqual([]);
  });
});
