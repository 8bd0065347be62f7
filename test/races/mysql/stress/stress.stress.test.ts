/** How often the races strike on InnoDB without Interlock. The figures are chance; that they are many is not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../../support/mysql.ts';
import { createTables } from '../runner.ts';
import { carts, cartRows, type Keys } from '../../../../src/verify/mysql/split-delete.ts';
import { pageRows } from '../update-or-create.ts';
import { splitDeleteLoad, updateOrCreateLoad } from './load.ts';

const sessions = 4;
const transactions = 40;
const keys = 25;

/** What a failed transaction may have failed with: duplicate, deadlock, and a newer row under snapshot isolation. */
const races = ['1020', '1062', '1213'];

describe.each(await availableEngines())('%s, 4 sessions, direct', (engine) => {
  let server: Mysql;
  let url: string;
  beforeAll(async () => {
    server = await startMysql({ engine });
    url = server.url(undefined, undefined, await server.newDatabase());
    await createTables(url);
  });
  afterAll(() => server.stop());

  const cases = (['auto-increment', 'char', 'binary'] as const satisfies Keys[]).flatMap((kind) =>
    (['READ COMMITTED', 'REPEATABLE READ'] as const).map((isolation) => ({ kind, isolation })),
  );
  test.each(cases)(
    'of 160 transactions of split delete and insert, most fail: $kind keys, $isolation',
    async ({ kind, isolation }) => {
      await ask(url, ...cartRows('full', kind));
      const load = { urls: [url], sessions, protocol: 'text', isolation } as const;
      const { committed, errors } = await splitDeleteLoad(load, transactions, kind);
      expect(Object.keys(errors).filter((code) => !races.includes(code))).toEqual([]);
      expect(committed).toBeLessThan(120);
      expect(Object.values(errors).reduce((sum, count) => sum + count, committed)).toBe(
        sessions * transactions,
      );
      const pairs = await ask<{ n: number }>(
        url,
        `SELECT COUNT(*) AS n FROM ${carts[kind].table} WHERE customer_id = 1 AND product_id = 1`,
      );
      expect(pairs).toEqual([{ n: 1 }]);
    },
  );

  /** Every loser adds 1 to the winner's 10. */
  const lostUpdates = async (): Promise<number> => {
    const rows = await ask<{ hits: number }>(url, 'SELECT hits FROM shop_page');
    return rows.reduce((sum, row) => sum + (10 + sessions - 1 - row.hits), 0);
  };

  test('of 100 update_or_create in READ COMMITTED, many updates are lost', async () => {
    await ask(url, ...pageRows);
    const load = { urls: [url], sessions, protocol: 'text', isolation: 'READ COMMITTED' } as const;
    const { errors } = await updateOrCreateLoad(load, keys);
    expect(errors).toEqual({});
    expect(await lostUpdates()).toBeGreaterThan(10);
  });

  test('of 100 update_or_create in REPEATABLE READ, most are the victim of a deadlock', async () => {
    await ask(url, ...pageRows);
    const load = { urls: [url], sessions, protocol: 'text', isolation: 'REPEATABLE READ' } as const;
    const { committed, errors } = await updateOrCreateLoad(load, keys);
    expect(Object.keys(errors)).toEqual(['1213']);
    expect(committed).toBeLessThan(60);
  });

  test('of 100 get_or_create in REPEATABLE READ, many never find the row', async () => {
    await ask(url, ...pageRows);
    const load = { urls: [url], sessions, protocol: 'text', isolation: 'REPEATABLE READ' } as const;
    const { errors } = await updateOrCreateLoad(load, keys, 'P');
    expect(errors.DNE).toBeGreaterThan(10);
  });
});
