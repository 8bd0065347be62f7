/**
 * The application of Django ticket 29499 on MySQL: an INSERT loses against another one, and the row is read again without
 * a lock. @see src/demo/update-or-create.ts for the same on PostgreSQL and for the letters of the steps; one more here:
 * P, a first look-up that does not lock, as get_or_create sends it.
 */
import { codeOf } from '../../../src/demo/app-session.ts';
import { AppError, type Actor } from '../../../src/demo/schedule.ts';
import { isolate, MysqlSession, type Isolation, type Protocol } from '../../../src/verify/mysql/session.ts';

export const pageTables = [
  'DROP TABLE IF EXISTS shop_page',
  `CREATE TABLE shop_page (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, path varchar(100) NOT NULL UNIQUE,
    hits int NOT NULL) ENGINE=InnoDB`,
];

export const pageRows = ['TRUNCATE shop_page'];

const lookup =
  'SELECT `shop_page`.`id`, `shop_page`.`path`, `shop_page`.`hits` FROM `shop_page` WHERE `shop_page`.`path` = ?';

interface Page {
  id: number;
  hits: number;
}

export async function updater(
  url: string,
  name: string,
  protocol: Protocol,
  isolation: Isolation,
  path = '/home',
): Promise<Actor> {
  const session = await MysqlSession.connect(url, name, protocol);
  await isolate(session, isolation);
  let row: Page | undefined;
  let created = false;
  const find = async (text: string): Promise<string> => {
    row = (await session.query(text, [path])).rows[0] as Page | undefined;
    return row === undefined ? 'no row' : `hits ${row.hits}`;
  };
  return session.actor({
    B: () => session.ok('BEGIN'),
    F: () => find(`${lookup} FOR UPDATE`),
    P: () => find(lookup),
    I: async () => {
      if (row !== undefined) return 'not sent';
      await session.query('SAVEPOINT `s1`');
      created = await insert(session, path);
      if (!created) await session.query('ROLLBACK TO SAVEPOINT `s1`');
      await session.query('RELEASE SAVEPOINT `s1`');
      return created ? 'ok' : '1062, handled';
    },
    G: async () => {
      if (created || row !== undefined) return 'not sent';
      const note = await find(lookup);
      if (row === undefined) throw new AppError('DNE');
      return note;
    },
    U: async () => {
      if (created || row === undefined) return 'not sent';
      const values = [path, row.hits + 1, row.id];
      return session.ok('UPDATE `shop_page` SET `path` = ?, `hits` = ? WHERE `shop_page`.`id` = ?', values);
    },
    C: () => session.ok('COMMIT'),
  });
}

/** False on a duplicate entry. */
async function insert(session: MysqlSession, path: string): Promise<boolean> {
  try {
    await session.query('INSERT INTO `shop_page` (`path`, `hits`) VALUES (?, ?)', [path, 10]);
    return true;
  } catch (error) {
    if (codeOf(error) !== '1062') throw error;
    return false;
  }
}
