/** The two races of the demo: who does what in which order, and how one sees afterwards that it went wrong. */
import type { Actor, StepRecord } from './schedule.ts';
import { outsider, splitDeleter, splitDeleteRows, splitDeleteTables } from './split-delete.ts';
import { pageRows, pageTables, updater } from './update-or-create.ts';

export interface Race {
  title: string;
  story: string[];
  order: string;
  /** The session that the race hits. */
  loser: string;
  /** Its statement that Interlock replaces, for the reader. */
  original: string;
  /** Finds the replacement among what the server got. */
  edited: RegExp;
  reset(url: string): Promise<void>;
  actors(url: string): Promise<Actor[]>;
  /** How it went wrong, or undefined when it did not. */
  happened(url: string, records: readonly StepRecord[]): Promise<string | undefined>;
  /** What to say when it did not. */
  fine: string;
}

async function ask(url: string, statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const { default: driver } = await import('pg');
  const client = new driver.Client({ connectionString: url });
  await client.connect();
  let rows: Record<string, unknown>[] = [];
  for (const text of statements) rows = (await client.query<Record<string, unknown>>(text)).rows;
  await client.end();
  return rows;
}

export async function setUp(url: string): Promise<void> {
  await ask(url, [...splitDeleteTables, ...pageTables]);
}

const splitDelete: Race = {
  title: 'Delete, then insert again (Django ticket 23576)',
  story: [
    'Two requests, R1 and R2, empty the same cart and fill it again. The ORM turns the delete into a SELECT of ids',
    'and a DELETE by list, so R2 deletes the ids it saw and not the row that R1 inserted meanwhile.',
  ],
  order: 'R1.B R1.S R2.B R2.S R1.D R1.I R2.D R1.C R2.I R2.C',
  loser: 'R2',
  original: 'DELETE FROM "shop_cart" WHERE "shop_cart"."id" IN (100)',
  edited: /DELETE FROM/,
  reset: async (url) => void (await ask(url, splitDeleteRows.full)),
  actors: (url) =>
    Promise.all(['R1', 'R2'].map((name) => splitDeleter(url, name, 'simple', 'READ COMMITTED'))),
  happened: async (_, records) => {
    const failed = records.find((record) => record.error !== undefined);
    return failed === undefined
      ? undefined
      : `R2 fails with ${failed.error} (duplicate key) and loses its work`;
  },
  fine: 'both requests committed',
};

const updateOrCreate: Race = {
  title: 'Update or create (Django ticket 29499)',
  story: [
    'L and W both find no row and insert it; L loses, reads the row again without a lock and writes 10 + 1.',
    'X adds 100 in between.',
  ],
  order: 'L.B L.F W.B W.F W.I L.I W.C L.G X.W L.U L.C',
  loser: 'L',
  original: 'SELECT … FROM "shop_page" WHERE "shop_page"."path" = \'/home\'',
  edited: /FOR UPDATE/,
  reset: async (url) => void (await ask(url, pageRows)),
  actors: async (url) => [
    await updater(url, 'L', 'simple', 'READ COMMITTED'),
    await updater(url, 'W', 'simple', 'READ COMMITTED'),
    await outsider(url, 'X', `UPDATE shop_page SET hits = hits + 100 WHERE path = '/home'`),
  ],
  happened: async (url) => {
    const [row] = await ask(url, ['SELECT hits FROM shop_page']);
    const hits = Number(row?.hits);
    return hits === 111 ? undefined : `10 + 100 + 1 = ${hits}: the update of X is lost`;
  },
  fine: '10 + 100 + 1 = 111',
};

export const races: readonly Race[] = [splitDelete, updateOrCreate];
