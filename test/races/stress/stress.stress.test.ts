/** How often the races strike without Interlock, and that they do not with it: sessions split over two Interlock processes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../../support/postgres.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { pageRows } from '../../../src/demo/update-or-create.ts';
import { splitDeleteRows } from '../../../src/demo/split-delete.ts';
import { decisions, FindingReader, repeated } from '../findings.ts';
import { ask, createTables } from '../runner.ts';
import { splitDeleteLoad, updateOrCreateLoad } from './load.ts';

const sessions = 4;
/** More of the same in the long variant: rare interleavings need numbers. */
const times = process.env.INTERLOCK_TEST_LONG === '1' ? 10 : 1;
const transactions = 40 * times;
const keys = 25 * times;

describe.each(availableVersions([15, 18]))('PostgreSQL %i, 4 sessions', (version) => {
  let server: Postgres;
  let database: string;
  let url: string;
  let proxies: Proxy[];

  beforeAll(async () => {
    server = await startPostgres({ version });
    database = await server.newDatabase();
    url = pointed(server.url, { database });
    await createTables(url);
    const start = (): Promise<Proxy> => startInterlock({ server, rules: ['django'], tables: ['shop_*'] });
    proxies = await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await server.stop();
  });

  const through = (): string[] => proxies.map((proxy) => proxy.urlFor(database));
  const rewritten = (): number =>
    proxies.flatMap((proxy) => proxy.findings()).filter((line) => line.decision === 'rewritten').length;

  const pairs = (): Promise<{ n: number }[]> =>
    ask(url, ['SELECT count(*)::int AS n FROM shop_cart WHERE customer_id = 1 AND product_id = 1']);
  /** Every loser adds 1 to the winner's 10. */
  const lostUpdates = async (): Promise<number> => {
    const rows = await ask<{ hits: number }>(url, ['SELECT hits FROM shop_page']);
    return rows.reduce((sum, row) => sum + (10 + sessions - 1 - row.hits), 0);
  };

  test('direct: of 4 × 40 transactions of split delete and insert, most fail', async () => {
    await ask(url, splitDeleteRows.full);
    const { committed, errors } = await splitDeleteLoad(
      { urls: [url], sessions, protocol: 'simple' },
      transactions,
    );
    expect(Object.keys(errors)).toEqual(['23505']);
    expect(committed).toBeLessThan(120 * times);
  });

  test.each(['simple', 'extended', 'named'] as const)(
    'through Interlock, %s: all of them commit',
    async (protocol) => {
      await ask(url, splitDeleteRows.full);
      const findings = proxies.map((proxy) => new FindingReader(proxy));
      const { committed, errors } = await splitDeleteLoad(
        { urls: through(), sessions, protocol },
        transactions,
      );
      expect({ committed, errors }).toEqual({ committed: sessions * transactions, errors: {} });
      expect(await pairs()).toEqual([{ n: 1 }]);
      const lines = (
        await Promise.all(findings.map((reader) => reader.next((sessions / 2) * transactions)))
      ).flat();
      expect(decisions(lines)).toEqual(repeated('rewritten', sessions * transactions));
    },
  );

  test('direct: of 4 × 25 update_or_create, many updates are lost', async () => {
    await ask(url, pageRows);
    const { errors } = await updateOrCreateLoad({ urls: [url], sessions, protocol: 'simple' }, keys);
    expect(errors).toEqual({});
    expect(await lostUpdates()).toBeGreaterThan(10 * times);
  });

  test.each(['simple', 'extended', 'named'] as const)(
    'through Interlock, %s: no update is lost',
    async (protocol) => {
      await ask(url, pageRows);
      const before = rewritten();
      const { committed, errors } = await updateOrCreateLoad({ urls: through(), sessions, protocol }, keys);
      expect({ committed, errors }).toEqual({ committed: sessions * keys, errors: {} });
      expect(await lostUpdates()).toBe(0);
      expect(rewritten() - before).toBeGreaterThan(10 * times);
    },
  );
});
