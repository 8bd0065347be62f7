/**
 * The application of Django ticket 29499: update_or_create before 2.0.8. Its INSERT loses against another one, and the
 * row is read again without the lock that the first look-up asked for. Shared by the demo and the race tests.
 */
import { AppSession, begin, codeOf, type Isolation, type Protocol } from './app-session.ts';
import { AppError, type Actor } from './schedule.ts';

export const pageTables = [
  'DROP TABLE IF EXISTS shop_page',
  'CREATE TABLE shop_page (id serial PRIMARY KEY, path text NOT NULL UNIQUE, hits integer NOT NULL)',
];
export const pageRows = ['TRUNCATE shop_page'];

const lookup =
  'SELECT "shop_page"."id", "shop_page"."path", "shop_page"."hits" FROM "shop_page" WHERE "shop_page"."path" = $1';

/**
 * Steps: B begin · F first look-up, locking · I savepoint and INSERT with 10 hits; on a unique violation roll back to the
 * savepoint, as Django's inner atomic block does · G read the row again · U write hits + 1 as computed from what was read ·
 * C commit. After a successful INSERT, G and U do nothing.
 */
export async function updater(
  url: string,
  name: string,
  protocol: Protocol,
  isolation: Isolation,
  path = '/home',
): Promise<Actor> {
  const session = await AppSession.connect(url, name, protocol);
  let row: Record<string, unknown> | undefined;
  let created = false;
  return session.actor({
    B: () => session.ok(begin(isolation)),
    F: async () => {
      [row] = (await session.query(`${lookup} FOR UPDATE`, [path])).rows;
      return shown(row);
    },
    I: async () => {
      if (row !== undefined) return 'not sent';
      await session.query('SAVEPOINT "s1"');
      created = await insert(session, path);
      if (!created) await session.query('ROLLBACK TO SAVEPOINT "s1"');
      await session.query('RELEASE SAVEPOINT "s1"');
      return created ? 'ok' : 'duplicate key';
    },
    G: async () => {
      if (created || row !== undefined) return 'not sent';
      [row] = (await session.query(lookup, [path])).rows;
      if (row === undefined) throw new AppError('DNE');
      return shown(row);
    },
    U: async () => {
      if (created || row === undefined) return 'not sent';
      const values = [path, Number(row.hits) + 1, Number(row.id)];
      return session.ok(
        'UPDATE "shop_page" SET "path" = $1, "hits" = $2 WHERE "shop_page"."id" = $3',
        values,
      );
    },
    C: () => session.ok('COMMIT'),
  });
}

const shown = (row: Record<string, unknown> | undefined): string =>
  row === undefined ? 'no row' : `hits ${Number(row.hits)}`;

/** False on a unique violation. */
async function insert(session: AppSession, path: string): Promise<boolean> {
  const text = 'INSERT INTO "shop_page" ("path", "hits") VALUES ($1, $2) RETURNING "shop_page"."id"';
  try {
    await session.query(text, [path, 10]);
    return true;
  } catch (error) {
    if (codeOf(error) !== '23505') throw error;
    return false;
  }
}
