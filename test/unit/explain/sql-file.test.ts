/** Plain SQL with results: what a statement is, what its result is, and what is neither. */
import { describe, expect, test } from 'vitest';
import { plainLexer } from '../../../src/explain/dialect.ts';
import { readSqlFile } from '../../../src/explain/sql-file.ts';
import { readAnswer } from '../../../src/explain/answers.ts';

/** `line text => answer` */
function read(text: string, dialect: 'postgres' | 'mysql' = 'postgres'): string[] {
  return readSqlFile(text, plainLexer(dialect)).said.map(({ line, sql, answer }) => {
    const shown =
      answer.kind === 'rows'
        ? `${answer.count}: ${answer.values?.join(', ') ?? '?'}`
        : answer.kind === 'error'
          ? `!${answer.code} ${answer.key ?? ''}`.trim()
          : answer.kind === 'done'
            ? String(answer.affected ?? 'done')
            : '?';
    return `${line} ${sql} => ${shown}`;
  });
}

describe('results', () => {
  test.each([
    ['3, 4', '3,4'],
    ["'a', 'it''s', NULL", "a,it's,"],
    ["(7, 'a, b'), (8, 'c')", '7,8'],
    ['none', ''],
    ['(0 rows)', ''],
    ['2b1f8f5e-5a30-4d1c-9a46-0b7f6f0f2a11', '2b1f8f5e-5a30-4d1c-9a46-0b7f6f0f2a11'],
  ])('%s', (text, values) =>
    expect(readAnswer(text)).toMatchObject({
      kind: 'rows',
      values: values === '' ? [] : values.split(',').map((one) => (one === '' ? null : one)),
    }),
  );
  test.each(['3 rows', '(3 rows)'])('%s: how many, not which', (text) =>
    expect(readAnswer(text)).toEqual({ kind: 'rows', count: 3, values: undefined }),
  );
  test('tags and errors', () => {
    expect(readAnswer('DELETE 2')).toEqual({ kind: 'done', affected: 2 });
    expect(readAnswer('INSERT 0 1')).toEqual({ kind: 'done', affected: 1 });
    expect(readAnswer('!23505 account_email_key')).toEqual({
      kind: 'error',
      code: '23505',
      key: 'account_email_key',
    });
    expect(readAnswer('ERROR: 1062 users.email')).toEqual({
      kind: 'error',
      code: '1062',
      key: 'users.email',
    });
  });
  test.each(['todo: 3', 'see 3, 4', 'the old ones', '3,', "'open", '(3', 'a', '3 4', '', 'Delete 2'])(
    '"%s" is none',
    (text) => expect(readAnswer(text)).toBeUndefined(),
  );
});

describe('a file with semicolons', () => {
  test('results behind the end, as an arrow or a comment, or on a line of their own', () => {
    expect(
      read(
        "BEGIN;\nSELECT id\nFROM t WHERE a = 'x;'; -- 3, 4\nSELECT 1; -> 1\nDELETE FROM t WHERE id IN (3, 4);\n-> DELETE 2\n",
      ),
    ).toEqual([
      '1 BEGIN; => done',
      "2 SELECT id\nFROM t WHERE a = 'x;'; => 2: 3, 4",
      '4 SELECT 1; => 1: 1',
      '5 DELETE FROM t WHERE id IN (3, 4); => 2',
    ]);
  });
  test('comments that are no results', () => {
    expect(
      read(
        '-- 3, 4\n-- the old ones\nSELECT id -- 5, 6\nFROM t; -- todo\n/* 7 */ DELETE FROM t; -- see #12\n# 9\nCOMMIT; -- 2 of them',
      ),
    ).toEqual(['3 SELECT id -- 5, 6\nFROM t; => ?', '5 /* 7 */ DELETE FROM t; => done', '7 COMMIT; => done']);
    expect(read("SELECT '-- 3'; -- 4\nSELECT id FROM t WHERE n = '\n-- 5\n'; -- 6")).toEqual([
      "1 SELECT '-- 3'; => 1: 4",
      "2 SELECT id FROM t WHERE n = '\n-- 5\n'; => 1: 6",
    ]);
  });
  test("MySQL's comments", () => {
    expect(read('# 9\nSELECT `id` FROM t; -- 3\n-- 4x\n;SELECT 1;#5\n', 'mysql')).toEqual([
      '2 SELECT `id` FROM t; => 1: 3',
      '4 SELECT 1; => ?',
    ]);
  });
  test('several on a line; a number behind a DELETE is how many', () => {
    expect(read('BEGIN; SELECT 1; DELETE FROM t; -- 7')).toEqual([
      '1 BEGIN; => done',
      '1 SELECT 1; => ?',
      '1 DELETE FROM t; => 7',
    ]);
  });
  test("PostgreSQL's JSON operators are no arrows", () => {
    expect(read("SELECT id FROM t WHERE d -> 'a'\n= '1'; -- 3\nSELECT d->0 FROM t;")).toEqual([
      "1 SELECT id FROM t WHERE d -> 'a'\n= '1'; => 1: 3",
      '3 SELECT d->0 FROM t; => ?',
    ]);
  });
  test('an opt-out comment belongs to its statement', () => {
    expect(read('-- interlock:off\nDELETE FROM t;')).toEqual(['1 -- interlock:off\nDELETE FROM t; => done']);
  });
  test('dollar quotes, nested comments', () => {
    expect(read('SELECT $f$ ; -- 1 $f$; -- 2\n/* a /* ; */ b */ SELECT 2; -> 5')).toEqual([
      '1 SELECT $f$ ; -- 1 $f$; => 1: 2',
      '2 /* a /* ; */ b */ SELECT 2; => 1: 5',
    ]);
  });
});

describe('a file without semicolons: a line is a statement', () => {
  test('with arrows or comments', () => {
    expect(
      read(
        "BEGIN\n\nSELECT id FROM t WHERE a = 1 -> 3, 4\nDELETE FROM t WHERE id IN (3, 4) -- 2\n-- done\nSELECT d -> 'a' FROM t\n",
      ),
    ).toEqual([
      '1 BEGIN => done',
      '3 SELECT id FROM t WHERE a = 1 => 2: 3, 4',
      '4 DELETE FROM t WHERE id IN (3, 4) => 2',
      "6 SELECT d -> 'a' FROM t => ?",
    ]);
  });
  test('but for what is open at its end', () => {
    expect(read('SELECT id FROM t WHERE id IN (\n1,\n2) -> 1')).toEqual([
      '1 SELECT id FROM t WHERE id IN (\n1,\n2) => 1: 1',
    ]);
  });
});

test('what is not closed is an error with its line', () => {
  expect(() => read("BEGIN;\nSELECT 'x;\n")).toThrow(/line 2: a quote, comment or parenthesis is not closed/);
  expect(() => read('-> 3\n')).toThrow(/line 1: a result without a statement/);
});
