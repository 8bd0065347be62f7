/** Nothing that an application put into a statement is left in what is shown of it. */
import { expect, test } from 'vitest';
import type { Dialect } from '../../../src/sql/shape.ts';
import { masked } from '../../../src/sql/masked.ts';

const settings = (dialect: Dialect) => ({
  dialect,
  standardConformingStrings: true,
  ansiQuotes: true,
  noBackslashEscapes: false,
});
const mask = (text: string, dialect: Dialect = 'postgres'): string | undefined =>
  masked(Buffer.from(text), settings(dialect));

test.each([
  [
    `SELECT a FROM t WHERE b = 'x''y' AND c = 12.5e3 AND d = -7`,
    'SELECT a FROM t WHERE b = ? AND c = ? AND d = -?',
  ],
  [`SELECT E'a\\'b', U&'\\0041', $q$it's$q$, B'01', X'1f', N'n'`, 'SELECT ?, ?, ?, ?, ?, ?'],
  [
    `DELETE FROM "T" WHERE id IN (1, 2, 3)  -- user 7\n/* and 'this' */`,
    'DELETE FROM "T" WHERE id IN (?, ...)',
  ],
  [`DELETE FROM t WHERE id IN (1)`, 'DELETE FROM t WHERE id IN (?)'],
  [`DELETE FROM t WHERE id = ANY(ARRAY[1,2])`, 'DELETE FROM t WHERE id = ANY(ARRAY[?, ...])'],
  [`SELECT $1, f($2::int)`, 'SELECT $1, f($2::int)'],
  [`SELECT 'é' AS "é"`, 'SELECT ? AS "é"'],
  [`INSERT INTO t VALUES (1, 'a'), (2, 'b')`, 'INSERT INTO t VALUES (?, ...), (?, ...)'],
])('%s', (text, shown) => {
  expect(mask(text)).toBe(shown);
});

test('MySQL: what stands in double quotes may be a string, whatever the session is believed to be set to', () => {
  expect(mask(`SELECT "secret", _utf8'x', 0x1f, @v, \`a\` FROM t # 5`, 'mysql')).toBe(
    'SELECT ?, _utf8?, ?, @v, `a` FROM t',
  );
});

test.each(["SELECT 'open", 'SELECT (1', 'SELECT $q$ x', '/*!50000 SELECT 1 */'])('not shown: %s', (text) => {
  expect(mask(text, text.startsWith('/*!') ? 'mysql' : 'postgres')).toBeUndefined();
});

test('a long text is cut', () => {
  const text = mask(`SELECT ${Array.from({ length: 5000 }, (_, at) => `column_${at}`).join(', ')}`);
  expect(text).toHaveLength(2003);
  expect(text?.endsWith('...')).toBe(true);
});
