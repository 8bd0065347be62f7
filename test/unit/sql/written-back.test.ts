/** An UPDATE taken apart, and the look that is made of it. */
import { describe, expect, test } from 'vitest';
import { writtenRow } from '../../../src/sql/looks.ts';
import type { Dialect, LexerSettings } from '../../../src/sql/shape.ts';
import { writtenBack } from '../../../src/sql/written-back.ts';

const settings = (dialect: Dialect): LexerSettings => ({
  dialect,
  standardConformingStrings: true,
  ansiQuotes: dialect === 'postgres',
  noBackslashEscapes: dialect === 'postgres',
});

function look(sql: string, dialect: Dialect): [text: string, used: number[], columns: string[]] | undefined {
  const text = Buffer.from(sql);
  const parts = writtenBack(text, settings(dialect));
  if (parts === undefined) return undefined;
  const made = writtenRow(text, parts, ['id'], dialect, undefined);
  return [made.text.toString(), made.parameters, parts.constants.map(({ column }) => column)];
}

const hash = (alias: string): string =>
  `SELECT pg_catalog.array_to_string(ARRAY[pg_catalog.md5(${alias}."id"::pg_catalog.text)], ',', '')`;

describe('PostgreSQL', () => {
  test.each([
    [
      `UPDATE "page" SET "path" = '/', "hits" = 11 WHERE "page"."id" = 1`,
      [`${hash('"page"')} FROM "page" WHERE "page"."id" = 1`, [], ['path', 'hits']],
    ],
    [
      'UPDATE s.page AS p SET a = $1, b = b + 1, c = $2::int WHERE (p.id = $4 AND v = $3 OR x = $4) RETURNING *;',
      [`${hash('p')} FROM s.page AS p WHERE (p.id = $1 AND v = $2 OR x = $1)`, [4, 3], ['a', 'c']],
    ],
    [
      'update page p set a = null where id in ($2, 3)',
      [`${hash('p')} FROM page p WHERE id in ($1, 3)`, [2], ['a']],
    ],
  ])('%s', (sql, expected) => {
    expect(look(sql, 'postgres')).toEqual(expected);
  });
});

test('MySQL: every ? is used, in its place', () => {
  expect(
    look('UPDATE `page` SET `a` = ?, `n` = `n` + 1, `b` = 2 WHERE `id` = ? AND `v` = ?', 'mysql'),
  ).toEqual([
    "SELECT CONCAT(CONCAT_WS(',', IFNULL(SHA2(`page`.`id`, 256), '')), IF(? IS NULL, '', ''), IF(2 IS NULL, '', '')) FROM `page` WHERE `id` = ? AND `v` = ?",
    [],
    ['a', 'b'],
  ]);
});

test.each([
  'UPDATE page SET a = 1',
  'UPDATE ONLY page SET a = 1 WHERE id = 1',
  'UPDATE page SET a = 1 FROM other WHERE page.id = other.id',
  'UPDATE page SET a = b + $1 WHERE id = $2',
  'UPDATE page SET (a, b) = (1, 2) WHERE id = 1',
  'UPDATE page SET a = 1 WHERE f(id) = 1',
  'UPDATE page SET a = 1 WHERE id = (SELECT 1)',
  'UPDATE page SET a = 1 WHERE CURRENT OF c',
  'UPDATE page SET a = 1 WHERE id = 1; SELECT 1',
])('left alone: %s', (sql) => {
  expect(look(sql, 'postgres')).toBeUndefined();
});

test.each([
  'UPDATE page, other SET a = 1 WHERE id = 1',
  'UPDATE LOW_PRIORITY page SET a = 1 WHERE id = 1',
  'UPDATE page SET a = 1 WHERE id = 1 LIMIT 1',
  'UPDATE page SET a = 1 WHERE id = 1 ORDER BY id',
])('left alone on MySQL: %s', (sql) => {
  expect(look(sql, 'mysql')).toBeUndefined();
});
