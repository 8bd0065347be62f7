/**
 * The application of Django ticket 29499: update_or_create before 2.0.8. Its INSERT loses against another one, and the
 * row is read again without the lock that the first look-up asked for. Shared by the demo and the race tests.
 */
import { AppSession, type Protocol } from './app-session.ts';
import { AppError, type Actor } from './schedule.ts';
import type { Isolation } from './split-delete.ts';

export const pageTables = [
  'DROP TABLE IF EXISTS shop_page',
  'CREATE TABLE shop_page (id serial PRIMARY KEY, path text NOT NULL UNIQUE, hits integer NOT NULL)',
];
export const pageRows = ['TRUNCATE shop_page'];

const lookup =
  'SELECT "shop_page"."id", "shop_page"."path", "shop_page"."hits" FROM "shop_page" WHERE "shop_page"."path" = $1';

export interface Updater extends Actor {
  session: AppSession;
}

/**
 * Steps: B begin · F first look-up, locking · I savepoint and INSERT with hits 10; on a unique violation roll back to
 * the savepoint, as Django's inner atomic block does · G read the row again · U write hits + 1 as computed from what was
 * read · C commit. After a successful INSERT, G and U do nothing.
 */
export async function updater(
  url: string,
  name: string,
  protocol: Protocol,
  isolation: Isolation,
  key = '/home',
): Promise<Updater> {
  const session = await AppSession.connect(url, name, protocol);
  let row: Record<string, unknown> | undefined;
  let created = false;
  const steps: Actor['steps'] = {
    B: async () => {
      created = false;
      await session.query(isolation === 'READ COMMITTED' ? 'BEGIN' : `BEGIN ISOLATION LEVEL ${isolation}`);
    },
    F: async () => void ([row] = (await session.query(`${lookup} FOR UPDATE`, [key])).rows),
    I: async () => {
      if (row !== undefined) return;
      await session.query('SAVEPOINT "s1"');
      try {
        await session.query(
          'INSERT INTO "shop_page" ("path", "hits") VALUES ($1, $2) RETURNING "shop_page"."id"',
          [key, 10],
        );
        created = true;
      } catch (error) {
        if ((error as { code?: string }).code !== '23505') throw error;
        await session.query('ROLLBACK TO SAVEPOINT "s1"');
      }
      await session.query('RELEASE SAVEPOINT "s1"');
    },
    G: async () => {
      if (created || row !== undefined) return;
      [row] = (await session.query(lookup, [key])).rows;
      if (row === undefined) throw new AppError('DNE');
    },
    U: async () => {
      if (created || row === undefined) return;
      const hits = Number(row.hits) + 1;
      await session.query('UPDATE "shop_page" SET "path" = $1, "hits" = $2 WHERE "shop_page"."id" = $3', [
        key,
        hits,
        Number(row.id),
      ]);
    },
    C: async () => {
      await session.query('COMMIT');
      row = undefined;
    },
  };
  const rollback = async (): Promise<void> => {
    row = undefined;
    await session.query('ROLLBACK');
  };
  return { name, pid: session.pid, session, steps, rollback, end: () => session.end() };
}
