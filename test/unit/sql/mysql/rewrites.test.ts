/** The texts that are built on MySQL and MariaDB, and what is not built. */
import { describe, expect, it } from 'vitest';
import {
  derivedDelete,
  keyProbe,
  lockByKey,
  lockingReadMysql,
  multiTableDelete,
} from '../../../../src/sql/rewrites-mysql.ts';
import type { MysqlOptions } from '../../../../src/sql/rewrites-mysql.ts';
import { ansi, bytes, deleteOf, mysql, selectOf, shapeOf } from './support.ts';

const texts = (select: string, deletion: string, target = 0, settings = mysql) => {
  const shape = selectOf(select, settings);
  const table = shape.tables[target];
  if (table === undefined) throw new Error(`no table ${target} in ${select}`);
  return [bytes(deletion), deleteOf(deletion, settings), bytes(select), shape, table] as const;
};
const ids = 'DELETE FROM `c` WHERE `id` IN (1, 2)';
const multi = (select: string, deletion = ids, target = 0, options: MysqlOptions = { settings: mysql }) =>
  multiTableDelete(...texts(select, deletion, target, options.settings), options)?.text.toString('utf8');
const derived = (select: string, deletion = ids, target = 0) =>
  derivedDelete(...texts(select, deletion, target), 'id', { settings: mysql })?.text.toString('utf8');

describe('multiple-table DELETE', () => {
  it.each([
    // Django 2.2, the ticket
    [
      "SELECT `c`.`id` FROM `c` INNER JOIN `a` ON (`c`.`a_id` = `a`.`id`) WHERE (`a`.`name` = 'foo')",
      'DELETE FROM `c` WHERE `c`.`id` IN (1, 2)',
      "DELETE `c` FROM `c` INNER JOIN `a` ON (`c`.`a_id` = `a`.`id`) WHERE (`a`.`name` = 'foo')",
    ],
    // Sequelize: `;` behind the SELECT only, an alias
    [
      "SELECT `Book`.`id` FROM `books` AS `Book` INNER JOIN `authors` AS `author` ON `Book`.`author_id` = `author`.`id` AND `author`.`name` = 'x';",
      'DELETE FROM `books` WHERE `id` IN (1, 2)',
      "DELETE `Book` FROM `books` AS `Book` INNER JOIN `authors` AS `author` ON `Book`.`author_id` = `author`.`id` AND `author`.`name` = 'x'",
    ],
    // TypeORM: no AS, parameters
    [
      'SELECT `b`.`id` AS `b_id` FROM `book` `b` INNER JOIN `author` `a` ON `a`.`id`=`b`.`authorId` WHERE `a`.`name` = ? AND `b`.`n` > ?',
      'DELETE FROM `book` WHERE `id` IN (?, ?)',
      'DELETE `b` FROM `book` `b` INNER JOIN `author` `a` ON `a`.`id`=`b`.`authorId` WHERE `a`.`name` = ? AND `b`.`n` > ?',
    ],
    ['SELECT id FROM c', 'DELETE FROM c WHERE id = 1 OR id = 2', 'DELETE c FROM c'],
    // 1109 from another default database, unless the schema is repeated
    ['SELECT id FROM shop.c WHERE n = 1', ids, 'DELETE shop.c FROM shop.c WHERE n = 1'],
    // 1109 if the schema is repeated
    ['SELECT id FROM shop.c AS c WHERE n = 1', ids, 'DELETE c FROM shop.c AS c WHERE n = 1'],
    ['SELECT id FROM c ORDER BY n DESC, id', ids, 'DELETE c FROM c '],
    ['SELECT SQL_NO_CACHE id FROM c', ids, 'DELETE c FROM c'],
    ['SELECT id /* cut */ FROM c /* kept */ WHERE n = 1', ids, 'DELETE c FROM c /* kept */ WHERE n = 1'],
    ['SELECT id FROM c USE INDEX (n) WHERE n = 1', ids, 'DELETE c FROM c USE INDEX (n) WHERE n = 1'],
    [
      'SELECT id FROM c;',
      '/* tag */ DELETE FROM c WHERE id IN (1) -- end',
      '/* tag */ DELETE c FROM c -- end',
    ],
    ['SELECT id FROM c', 'DELETE FROM c WHERE (c.id IN (?, ?) AND 1=1);', 'DELETE c FROM c;'],
    [
      'SELECT c.id FROM c WHERE EXISTS (SELECT 1 FROM a WHERE a.id = c.a_id LIMIT 1)',
      ids,
      'DELETE c FROM c WHERE EXISTS (SELECT 1 FROM a WHERE a.id = c.a_id LIMIT 1)',
    ],
    ["SELECT id FROM c WHERE n = 'é'", ids, "DELETE c FROM c WHERE n = 'é'"],
  ])('%s + %s', (select, deletion, expected) => {
    expect(multi(select, deletion)).toBe(expected);
    expect(shapeOf(expected)).toMatchObject({ kind: 'delete', other: true });
  });

  it('deletes from the table that is meant, whatever its place', () => {
    const select = 'SELECT y.id FROM c x JOIN c AS y ON x.id = y.p WHERE x.n = 1';
    expect(multi(select, ids, 1)).toBe('DELETE y FROM c x JOIN c AS y ON x.id = y.p WHERE x.n = 1');
  });

  it('with a marker in front of the statement', () => {
    expect(
      multi('SELECT id FROM c', '/* t */ DELETE FROM c WHERE id IN (1)', 0, {
        settings: mysql,
        marker: 'split-delete',
      }),
    ).toBe('/* t */ /* interlock:split-delete */ DELETE c FROM c');
  });

  it.each([
    ['double quotes', 'SELECT id FROM c WHERE n = "x"'],
    ['a backslash', "SELECT id FROM c WHERE n = 'it\\'s'"],
  ])('%s: only when sql_mode is known', (_, select) => {
    expect(multi(select)).toBe(select.replace('SELECT id', 'DELETE c'));
    expect(multi(select, ids, 0, {})).toBeUndefined();
    expect(multi("SELECT id FROM c WHERE n = 'x'", ids, 0, {})).toBeDefined();
  });

  it('reads quotes as the session does', () => {
    expect(
      multi('SELECT "id" FROM "c" WHERE "n" = \'"\'', 'DELETE FROM "c" WHERE "id" IN (1)', 0, {
        settings: ansi,
      }),
    ).toBe('DELETE "c" FROM "c" WHERE "n" = \'"\'');
  });

  it.each([
    ['more than the key', 'SELECT id, n FROM c'],
    ['LIMIT', 'SELECT id FROM c LIMIT 5'],
    ['LIMIT a, b', 'SELECT id FROM c LIMIT 0, 5'],
    ['DISTINCT', 'SELECT DISTINCT id FROM c'],
    ['DISTINCTROW', 'SELECT DISTINCTROW id FROM c'],
    ['GROUP BY', 'SELECT id FROM c GROUP BY id'],
    ['HAVING', 'SELECT id FROM c HAVING id > 1'],
    ['a lock', 'SELECT id FROM c FOR UPDATE'],
    ['an old lock', 'SELECT id FROM c LOCK IN SHARE MODE'],
    ['INTO', 'SELECT id FROM c INTO @a'],
    ['a user variable', 'SELECT id FROM c WHERE n = @a'],
    ['UNION', 'SELECT id FROM c UNION SELECT id FROM a'],
    ['a CTE', 'WITH x AS (SELECT 1) SELECT id FROM c'],
    ['NATURAL JOIN', 'SELECT c.id FROM c JOIN a ON a.id = c.a_id NATURAL JOIN b'],
    ['USING', 'SELECT c.id FROM c JOIN a USING (id)'],
    ['a derived table', 'SELECT c.id FROM c JOIN (SELECT 1 AS id) AS d ON d.id = c.id'],
    ['a hint that would be lost', 'SELECT /*+ MAX_EXECUTION_TIME(1) */ id FROM c'],
    ['a parameter in the order', 'SELECT id FROM c WHERE n = ? ORDER BY FIELD(n, ?)'],
  ])('left alone: %s', (_, select) => {
    expect(multi(select)).toBeUndefined();
  });

  it.each([
    ['another condition', 'DELETE FROM c WHERE id IN (1) AND n = 1'],
    ['one key with =', 'DELETE FROM c WHERE id = 1'],
    ['LIMIT', 'DELETE FROM c WHERE id IN (1) LIMIT 1'],
    ['ORDER BY', 'DELETE FROM c WHERE id IN (1) ORDER BY id'],
    ['IGNORE', 'DELETE IGNORE FROM c WHERE id IN (1)'],
    ['RETURNING', 'DELETE FROM c WHERE id IN (1) RETURNING id'],
    ['PARTITION', 'DELETE FROM c PARTITION (p0) WHERE id IN (1)'],
    ['several tables', 'DELETE c FROM c JOIN a ON a.id = c.a_id WHERE c.id IN (1)'],
  ])('left alone, the DELETE: %s', (_, deletion) => {
    expect(multi('SELECT id FROM c', deletion)).toBeUndefined();
  });
});

describe('DELETE with a derived table', () => {
  const around = (query: string, key: string, table = '`c`') =>
    `DELETE interlock_target FROM (${query}) AS interlock_ids STRAIGHT_JOIN ${table} AS interlock_target ON interlock_ids.\`${key}\` = interlock_target.\`id\``;

  it.each([
    // Django, #31965
    [
      'SELECT `c`.`id` FROM `c` LEFT OUTER JOIN `b` ON (`c`.`id` = `b`.`c_id`) GROUP BY `c`.`id` HAVING COUNT(`b`.`id`) = 0 ORDER BY NULL',
      'SELECT `c`.`id` FROM `c` LEFT OUTER JOIN `b` ON (`c`.`id` = `b`.`c_id`) GROUP BY `c`.`id` HAVING COUNT(`b`.`id`) = 0 ',
      'id',
      '`c`',
    ],
    [
      'SELECT DISTINCT x.id AS `The Id` FROM c AS x;',
      'SELECT DISTINCT x.id AS `The Id` FROM c AS x',
      'the id',
      'c',
    ],
    ['SELECT DISTINCT id FROM s.c WHERE n = ?', 'SELECT DISTINCT id FROM s.c WHERE n = ?', 'id', 's.c'],
    [
      'SELECT /*+ NO_ICP(c) */ id FROM c GROUP BY id',
      'SELECT /*+ NO_ICP(c) */ id FROM c GROUP BY id',
      'id',
      'c',
    ],
  ])('%s', (select, query, key, table) => {
    const text = derived(select);
    expect(text).toBe(around(query, key, table));
    const shape = shapeOf(text ?? '');
    expect(shape).toMatchObject({ kind: 'other' });
  });

  it.each([
    ['more than the key', 'SELECT DISTINCT id, n FROM c'],
    ['no column', 'SELECT MAX(id) FROM c'],
    ['LIMIT', 'SELECT DISTINCT id FROM c LIMIT 1'],
    ['a parameter in the order', 'SELECT DISTINCT id FROM c ORDER BY n = ?'],
    ['WITH ROLLUP in a set operation', 'SELECT id FROM c GROUP BY id UNION SELECT 1'],
  ])('left alone: %s', (_, select) => {
    expect(derived(select)).toBeUndefined();
  });
});

describe('reads that lock', () => {
  const row = (select: string) => {
    const shape = selectOf(select);
    return [bytes(select), shape, shape.tables[0]!] as const;
  };
  const probe = (select: string) =>
    keyProbe(...row(select), 'id', { settings: mysql })?.text.toString('utf8');
  const locked = (select: string, literal = '7') =>
    lockByKey(...row(select), 'id', literal, { settings: mysql })?.text.toString('utf8');

  it.each([
    ['SELECT * FROM c WHERE a = 1', 'SELECT * FROM c WHERE a = 1 FOR UPDATE'],
    ['SELECT * FROM c WHERE a = 1 LIMIT 21;', 'SELECT * FROM c WHERE a = 1 LIMIT 21 FOR UPDATE;'],
    ['SELECT * FROM c WHERE a = 1 # end', 'SELECT * FROM c WHERE a = 1 FOR UPDATE # end'],
  ])('FOR UPDATE: %s', (select, expected) => {
    const [text, shape] = row(select);
    expect(lockingReadMysql(text, shape).toString()).toBe(expected);
    expect(selectOf(expected).locking).toBe(true);
  });

  it.each([
    [
      'SELECT `c`.`id`, `c`.`n` FROM `c` WHERE (`c`.`a` = 1 AND `c`.`b` = ?)',
      'SELECT `c`.`id` FROM `c` WHERE (`c`.`a` = 1 AND `c`.`b` = ?)',
      'SELECT `c`.`id`, `c`.`n` FROM `c` WHERE ((`c`.`a` = 1 AND `c`.`b` = ?)) AND `c`.`id` = 7 FOR UPDATE',
    ],
    [
      'select * from `l_author` where (`name` = ?) limit 1',
      'select `l_author`.`id` from `l_author` where (`name` = ?) limit 1',
      'select * from `l_author` where ((`name` = ?)) AND `l_author`.`id` = 7 limit 1 FOR UPDATE',
    ],
    [
      'SELECT x.n FROM s.c x WHERE a = 1 OR b = 2 ORDER BY x.n LIMIT 1 -- c',
      'SELECT x.`id` FROM s.c x WHERE a = 1 OR b = 2 ORDER BY x.n LIMIT 1 -- c',
      'SELECT x.n FROM s.c x WHERE (a = 1 OR b = 2) AND x.`id` = 7 ORDER BY x.n LIMIT 1 FOR UPDATE -- c',
    ],
    [
      'SELECT SQL_NO_CACHE n FROM c WHERE a = 1 -- c\n;',
      'SELECT SQL_NO_CACHE c.`id` FROM c WHERE a = 1 -- c\n;',
      'SELECT SQL_NO_CACHE n FROM c WHERE (a = 1) AND c.`id` = 7 FOR UPDATE -- c\n;',
    ],
  ])('by key: %s', (select, expectedProbe, expectedLock) => {
    expect(probe(select)).toBe(expectedProbe);
    expect(locked(select)).toBe(expectedLock);
    expect(selectOf(expectedLock)).toMatchObject({ locking: true, plainFrom: true });
  });

  it.each(["'a'", "'it\\'s'", "X'00ff'", '0x00ff', '-7', '7', '12.50'])('a key written as %s', (literal) => {
    expect(locked('SELECT * FROM c WHERE a = 1', literal)).toBe(
      `SELECT * FROM c WHERE (a = 1) AND c.\`id\` = ${literal} FOR UPDATE`,
    );
  });

  it.each(['7 OR 1', '?', "'a", '7 -- x', '7;', 'x', "'a' 'b'", 'NULL', '', '/*! 7 */', '@a'])(
    'no key: %s',
    (literal) => {
      expect(locked('SELECT * FROM c WHERE a = 1', literal)).toBeUndefined();
    },
  );

  it.each([
    ['no WHERE', 'SELECT * FROM c'],
    ['a join', 'SELECT * FROM c JOIN a ON a.id = c.a_id WHERE a.n = 1'],
    ['DISTINCT', 'SELECT DISTINCT n FROM c WHERE a = 1'],
    ['an aggregate', 'SELECT COUNT(*) FROM c WHERE a = 1'],
    ['locked already', 'SELECT * FROM c WHERE a = 1 FOR UPDATE'],
    ['UNION', 'SELECT n FROM c WHERE a = 1 UNION SELECT 1'],
  ])('left alone: %s', (_, select) => {
    expect(probe(select)).toBeUndefined();
    expect(locked(select)).toBeUndefined();
  });

  it.each([
    ['a parameter in the list', 'SELECT n = ? FROM c WHERE a = ?'],
    ['order by number', 'SELECT n FROM c WHERE a = 1 ORDER BY 1'],
    ['order by alias', 'SELECT n AS m FROM c WHERE a = 1 ORDER BY m LIMIT 1'],
  ])('no probe: %s', (_, select) => {
    expect(probe(select)).toBeUndefined();
  });

  it('a key column with a backtick', () => {
    expect(keyProbe(...row('SELECT * FROM c WHERE a = 1'), 'a`b')?.text.toString()).toBe(
      'SELECT c.`a``b` FROM c WHERE a = 1',
    );
  });
});
