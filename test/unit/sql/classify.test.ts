/** What the classifier makes of one statement at a time; every rule has a twin that differs in little. */
import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/sql/classify.ts';
import type { Value } from '../../../src/sql/shape.ts';
import { bytes, deleteOf, insertOf, mysql, postgres, selectOf, shapeOf } from './support.ts';

const plain = (value: Value | undefined): string => {
  if (value === undefined) return 'none';
  const cast = 'cast' in value && value.cast !== undefined ? `::${value.cast}` : '';
  return value.kind === 'parameter' ? `$${value.index}${cast}` : `${value.kind} ${value.text}${cast}`;
};
const pairs = (text: string): string[] =>
  selectOf(text).equalities.map(
    ({ column, value }) => `${column.qualifier ?? ''}.${column.column}=${plain(value)}`,
  );

describe('transactions', () => {
  it.each([
    ['BEGIN', { kind: 'begin' }],
    ['begin work;', { kind: 'begin' }],
    ['BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE, NOT DEFERRABLE', { kind: 'begin' }],
    ['START TRANSACTION', { kind: 'begin' }],
    ['/* c */ START TRANSACTION READ ONLY', { kind: 'begin' }],
    ['COMMIT', { kind: 'commit', chain: false }],
    ['END', { kind: 'commit', chain: false }],
    ['END TRANSACTION AND NO CHAIN', { kind: 'commit', chain: false }],
    ['COMMIT WORK AND CHAIN', { kind: 'commit', chain: true }],
    ['ROLLBACK', { kind: 'rollback', chain: false }],
    ['ABORT', { kind: 'rollback', chain: false }],
    ['ROLLBACK AND CHAIN', { kind: 'rollback', chain: true }],
    ['ROLLBACK TO a', { kind: 'rollback-to', savepoint: 'a' }],
    ['ROLLBACK TO SAVEPOINT "A b"', { kind: 'rollback-to', savepoint: 'A b' }],
    ['rollback transaction to savepoint Trans2;', { kind: 'rollback-to', savepoint: 'trans2' }],
    ['ROLLBACK TO savepoint', { kind: 'rollback-to', savepoint: 'savepoint' }],
    ['SAVEPOINT "s140_x1"', { kind: 'savepoint', savepoint: 's140_x1' }],
    ['SAVEPOINT a;', { kind: 'savepoint', savepoint: 'a' }],
    ['RELEASE a', { kind: 'release', savepoint: 'a' }],
    ['RELEASE SAVEPOINT active_record_1', { kind: 'release', savepoint: 'active_record_1' }],
  ])('%s', (text, expected) => {
    expect(shapeOf(text)).toEqual(expected);
  });

  it.each([
    'BEGIN ATOMIC',
    'BEGIN NOT ATOMIC SELECT 1',
    'START REPLICA',
    "COMMIT PREPARED 'x'",
    "ROLLBACK PREPARED 'x'",
    "PREPARE TRANSACTION 'x'",
    'SAVEPOINT',
    'SAVEPOINT a b',
    'SAVEPOINT select',
    'ROLLBACK TO',
    'COMMIT AND',
    'ROLLBACK TO a AND CHAIN',
  ])('%s is other', (text) => {
    expect(shapeOf(text)).toEqual({ kind: 'other', why: 'unknown' });
  });
});

describe('noise', () => {
  it.each([
    '',
    ' ;',
    '-- only a comment',
    '/* c */ ;;',
    'DEALLOCATE pdo_stmt_00000001',
    'DEALLOCATE ALL',
    'SHOW transaction_isolation',
    'SHOW ALL',
    "SET application_name = 'x'",
    'SET LOCAL statement_timeout TO 1000',
    "SET SESSION lock_timeout = '1s'",
    'SET enable_seqscan = off',
    'RESET statement_timeout',
    'SET TRANSACTION ISOLATION LEVEL READ COMMITTED',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
    'LISTEN x',
    'UNLISTEN *',
  ])('%s', (text) => {
    expect(shapeOf(text)).toEqual({ kind: 'noise' });
  });

  it.each([
    'SET search_path = x',
    "SET TIME ZONE 'UTC'",
    "SET timezone = 'UTC'",
    "SET datestyle = 'ISO'",
    'SET ROLE x',
    'SET SESSION AUTHORIZATION x',
    "SET NAMES 'latin1'",
    "SET client_encoding = 'latin1'",
    'SET standard_conforming_strings = off',
    'SET row_security = off',
    "SET app.tenant = '1'",
    "SET TRANSACTION SNAPSHOT 'x'",
    'SET session_replication_role = replica',
    'RESET ALL',
    'RESET ROLE',
    'DISCARD ALL',
    "NOTIFY channel, 'id'",
    'EXPLAIN SELECT 1',
    'EXPLAIN ANALYZE DELETE FROM t',
    'COPY t FROM STDIN',
    'LOCK TABLE t',
    'TRUNCATE t',
    'CREATE TEMP TABLE t (a int)',
    'ALTER TABLE t ADD b int',
    'CALL p()',
    'DO $$ BEGIN END $$',
    'DECLARE c CURSOR FOR SELECT 1',
    'FETCH 1 FROM c',
    'PREPARE x AS SELECT 1',
    'EXECUTE x',
    'MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE',
    'VALUES (1)',
    'TABLE t',
    '(SELECT 1)',
    'SELECT id FROM db.s.t',
    '(SELECT 1) UNION (SELECT 2)',
    'VACUUM',
    'select_id FROM t',
    '"SELECT" 1',
  ])('%s is other', (text) => {
    expect(shapeOf(text)).toEqual({ kind: 'other', why: 'unknown' });
  });

  it('SET CONSTRAINTS is its own kind', () => {
    expect(shapeOf('SET CONSTRAINTS ALL DEFERRED')).toEqual({ kind: 'set-constraints' });
    expect(shapeOf('set constraints a, s.b immediate;')).toEqual({ kind: 'set-constraints' });
  });
});

describe('statements that hide a write', () => {
  it.each([
    'WITH d AS (DELETE FROM t RETURNING id) SELECT * FROM d',
    'WITH d AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM d',
    'WITH d AS NOT MATERIALIZED (UPDATE t SET a = 1 RETURNING id) SELECT * FROM d',
    'WITH q AS (SELECT 1), d AS (DELETE FROM t RETURNING id) SELECT * FROM q',
    'WITH q AS (SELECT 1) DELETE FROM t WHERE id IN (1, 2)',
    'WITH q AS (SELECT 1) INSERT INTO t SELECT * FROM q',
    'WITH q AS (SELECT 1) UPDATE t SET a = 1',
    'WITH d AS (WITH e AS (DELETE FROM t RETURNING 1) SELECT 1) SELECT 1',
    'WITH m AS (MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE RETURNING 1) SELECT 1',
    'DELETE FROM t WHERE id IN (WITH d AS (DELETE FROM u RETURNING id) SELECT id FROM d)',
    'INSERT INTO t WITH d AS (DELETE FROM u RETURNING id) SELECT id FROM d',
    'SELECT * FROM (VALUES (1)) v',
    'SELECT 1 UNION TABLE t',
  ])('%s is other', (text) => {
    expect(shapeOf(text)).toEqual({ kind: 'other', why: 'unknown' });
  });

  it('SELECT INTO says so', () => {
    expect(selectOf('SELECT a INTO t FROM u').into).toBe(true);
    expect(selectOf('SELECT a FROM u').into).toBe(false);
  });

  it('two statements are never one', () => {
    expect(shapeOf('SELECT 1; DELETE FROM t')).toEqual({ kind: 'other', why: 'many-statements' });
    expect(shapeOf('SELECT 1 /* ; */ -- ;\n ;').kind).toBe('select');
  });
});

describe('equalities', () => {
  it.each([
    ['a = 1', ['.a=number 1']],
    ['t.a = $1', ['t.a=$1']],
    ["'x' = a", ['.a=string x']],
    ["a = 'it''s'", ['.' + "a=string it's"]],
    ["a = E'x\\ny\\'z'", [".a=string x\ny'z"]],
    ['a = -5', ['.a=number -5']],
    ['a = $1::uuid', ['.a=$1::uuid']],
    ['a = CAST($1 AS integer)', ['.a=$1::int4']],
    ["a = 'x'::character varying", ['.a=string x::varchar']],
    ["a = 'x'::varchar(3)", ['.a=string x::varchar(3)']],
    ['a = $$x$$', ['.a=string x']],
    ['a = NULL', ['.a=null null']],
    ['a = TRUE', ['.a=boolean true']],
    ['(a) = (1)', ['.a=number 1']],
    ['((a = 1) AND (b = 2))', ['.a=number 1', '.b=number 2']],
    ['a BETWEEN 1 AND 2 AND b = 3', ['.b=number 3']],
    ['CASE WHEN x = 1 AND y = 2 THEN true END AND b = 3', ['.b=number 3']],
    ['a = 1 AND (b = 2 OR c = 3)', ['.a=number 1']],
    ['a = 1 OR b = 2', []],
    ['NOT a = 1', []],
    ['NOT (a = 1 AND b = 2)', []],
    ['a = 1 IS TRUE', []],
    ['a = b', []],
    ['a = f(1)', []],
    ['f(a) = 1', []],
    ['a::text = 1', []],
    ['a = $1::text::uuid', []],
    ['a = 1 + 1', []],
    ['a = 1 COLLATE "C"', []],
    ['a <> 1', []],
    ['a >= 1', []],
    ['a IN (1)', []],
    ['a = (SELECT 1)', []],
    ['EXISTS (SELECT 1 FROM u WHERE a = 1)', []],
  ])('WHERE %s', (where, expected) => {
    expect(pairs(`SELECT id FROM t WHERE ${where} ORDER BY x`)).toEqual(expected);
  });

  it('values that cannot be told for certain are kind other', () => {
    for (const literal of ["E'\\x41'", "U&'x'", "N'x'", "B'1'", '1_000', '0x1F', "'a'\n'b'"]) {
      expect(selectOf(`SELECT id FROM t WHERE a = ${literal}`).equalities[0]?.value.kind).toBe('other');
    }
  });

  it('MySQL: && and XOR are not taken apart', () => {
    for (const where of ['a = 1 && b = 2', 'a = 1 XOR b = 2', 'a = 1 || b = 2']) {
      const { shape } = classify(bytes(`SELECT id FROM t WHERE ${where}`), mysql);
      expect(shape).toMatchObject({ kind: 'select', equalities: [] });
    }
    const { shape } = classify(bytes('SELECT id FROM t WHERE a = ? AND b = "x"'), mysql);
    expect(shape).toMatchObject({ equalities: [{ value: { index: 1 } }, { value: { text: 'x' } }] });
  });
});

describe('FROM', () => {
  const from = (clause: string): string[] => {
    const shape = selectOf(`SELECT 1 FROM ${clause} WHERE true`);
    return [
      shape.plainFrom ? 'plain' : 'not plain',
      ...shape.tables.map(
        (t) =>
          `${t.name.schema ?? ''}.${t.name.name} ${t.alias}${t.nullable ? ' nullable' : ''}${t.only ? ' only' : ''}`,
      ),
    ];
  };

  it.each([
    ['t', ['plain', '.t t']],
    ['s.T AS "X"', ['plain', 's.t X']],
    ['t x, u', ['plain', '.t x', '.u u']],
    ['ONLY t', ['plain', '.t t only']],
    ['t *', ['plain', '.t t']],
    ['a LEFT JOIN b ON a.x = b.x', ['plain', '.a a', '.b b nullable']],
    ['a RIGHT JOIN b ON a.x = b.x', ['plain', '.a a nullable', '.b b']],
    ['a FULL JOIN b ON a.x = b.x', ['plain', '.a a nullable', '.b b nullable']],
    ['a, b RIGHT JOIN c ON true', ['plain', '.a a', '.b b nullable', '.c c']],
    ['a LEFT JOIN (b JOIN c ON true) ON true', ['plain', '.a a', '.b b nullable', '.c c nullable']],
    ['a CROSS JOIN b', ['plain', '.a a', '.b b']],
    ['a JOIN b ON left(a.x, 1) = b.x', ['plain', '.a a', '.b b']],
  ])('%s', (clause, expected) => {
    expect(from(clause)).toEqual(expected);
  });

  it.each([
    'a JOIN b USING (x)',
    'a NATURAL JOIN b',
    '(SELECT 1) q',
    'f(1)',
    'a, f(1) g',
    'a, LATERAL (SELECT 1) q',
    'LATERAL f(1)',
    'ROWS FROM (f(1))',
    'a TABLESAMPLE system (1)',
    'a x (p, q)',
    'a JOIN (SELECT 1) q ON true',
    '(a JOIN b ON true) x',
    'a JOIN b JOIN c ON true ON true',
    'ONLY (t)',
  ])('%s is not plain', (clause) => {
    expect(from(clause)[0]).toBe('not plain');
  });
});

describe('tables and functions anywhere', () => {
  it('sub-queries, joins and CTEs included', () => {
    const shape = selectOf(
      'SELECT (SELECT count(*) FROM a) FROM b JOIN s.c ON EXISTS (SELECT 1 FROM d, e) WHERE x IN (SELECT y FROM b WHERE z = (SELECT 1 FROM f)) UNION SELECT 1 FROM g',
    );
    expect(shape.tablesRead).toEqual([
      { name: 'a' },
      { name: 'b' },
      { schema: 's', name: 'c' },
      { name: 'd' },
      { name: 'e' },
      { name: 'f' },
      { name: 'g' },
    ]);
    expect(deleteOf('DELETE FROM t USING u WHERE EXISTS (SELECT 1 FROM v)').tablesRead).toEqual([
      { name: 'u' },
      { name: 'v' },
    ]);
  });

  it.each([
    ['now() > x', ['now']],
    ['COALESCE(a, NOW()) = pg_catalog.Now()', ['coalesce', 'now', 'pg_catalog.now']],
    ['a < CURRENT_TIMESTAMP AND b < current_date', ['current_timestamp', 'current_date']],
    ['a = user', ['user']],
    ['extract(year FROM a) = 1', ['extract']],
    ["a AT TIME ZONE 'x' = b", ['timezone']],
    ['a SIMILAR TO b', ['similar_to_escape']],
    ['"Fn"(a) = 1', ['Fn']],
    ['a OPERATOR(pg_catalog.=) 1', ['operator']],
    ['CAST(a AS varchar(10)) = b::numeric(1, 2)', []],
    ['a IN (1) AND b = ANY (ARRAY[1]) AND EXISTS (SELECT 1) AND ROW(1) = (1)', []],
    ['a BETWEEN (1) AND (2) OR NOT (b)', []],
    ['"now" = 1 AND t.random = 2', []],
  ])('%s', (where, expected) => {
    expect(selectOf(`SELECT id FROM t WHERE ${where}`).functions).toEqual(expected);
  });
});

describe('flags of a SELECT', () => {
  const base = selectOf('SELECT a FROM t WHERE b = 1 ORDER BY a');
  const flags = [
    'distinct',
    'groupBy',
    'having',
    'window',
    'aggregate',
    'setOperation',
    'with',
    'into',
    'subquery',
    'fetch',
    'locking',
  ] as const;

  it('a plain one has none', () => {
    expect(flags.filter((flag) => base[flag])).toEqual([]);
    expect(base.limit).toBeUndefined();
    expect(base.offset).toBeUndefined();
  });

  it.each([
    ['SELECT DISTINCT a FROM t', ['distinct']],
    ['SELECT DISTINCT ON (a) a FROM t', ['distinct']],
    ['SELECT a FROM t GROUP BY a', ['groupBy']],
    ['SELECT a FROM t GROUP BY a HAVING count(*) > 1', ['groupBy', 'having', 'aggregate']],
    ['SELECT coalesce(max(a), 0) FROM t', ['aggregate']],
    ['SELECT a FROM t WHERE b = (SELECT max(c) FROM u)', ['subquery']],
    ['SELECT f(a) FILTER (WHERE b) FROM t', ['aggregate']],
    ['SELECT row_number() OVER () FROM t', ['window']],
    ['SELECT a FROM t WINDOW w AS (PARTITION BY a)', ['window']],
    ['SELECT a FROM t EXCEPT SELECT 1', ['setOperation']],
    ['WITH q AS (SELECT 1) SELECT a FROM q', ['with', 'subquery']],
    ['SELECT a INTO u FROM t', ['into']],
    ['SELECT ARRAY(SELECT 1)', ['subquery']],
    ['SELECT a FROM t FETCH FIRST ROW ONLY', ['fetch']],
    ['SELECT a FROM t FOR UPDATE', ['locking']],
    ['SELECT a FROM t FOR NO KEY UPDATE SKIP LOCKED', ['locking']],
    ['SELECT a FROM t WHERE b IN (SELECT c FROM u FOR KEY SHARE)', ['subquery', 'locking']],
    ['SELECT substring(a FROM 1 FOR 2), t.for, t.update, b AS limit FROM t', []],
    ['SELECT \'FOR UPDATE\', "LIMIT", $$UNION$$ FROM t -- GROUP BY', []],
  ])('%s', (text, expected) => {
    const shape = selectOf(text);
    expect(flags.filter((flag) => shape[flag])).toEqual(expected);
  });

  it.each([
    ['LIMIT 5', 'number 5', 'none'],
    ['LIMIT $1 OFFSET $2', '$1', '$2'],
    ['OFFSET 3 ROWS', 'none', 'number 3'],
    ['LIMIT ALL OFFSET 0', 'none', 'number 0'],
    ['LIMIT NULL', 'none', 'none'],
    ['LIMIT (1 + 1)', 'other (1 + 1)', 'none'],
    ['LIMIT (SELECT 1)', 'other (SELECT 1)', 'none'],
  ])('%s', (tail, limit, offset) => {
    const shape = selectOf(`SELECT a FROM t ${tail}`);
    expect([plain(shape.limit), plain(shape.offset)]).toEqual([limit, offset]);
  });

  it('MySQL: LIMIT offset, count; user variables; LOCK IN SHARE MODE', () => {
    const of = (text: string) => classify(bytes(text), mysql).shape;
    expect(of('SELECT a FROM t LIMIT 5, 10')).toMatchObject({ limit: { text: '10' }, offset: { text: '5' } });
    expect(of('SELECT @a := 1')).toMatchObject({ userVariable: true });
    expect(of('SELECT a FROM t LOCK IN SHARE MODE')).toMatchObject({ locking: true });
  });

  it('spans cover the bytes that an edit needs', () => {
    const text = '/* c */ SELECT a , "b" FROM t WHERE x = 1 ORDER BY a, "b" DESC NULLS LAST LIMIT 1 ; -- end';
    const { span, items } = selectOf(text);
    const cut = ({ start, end }: { start: number; end: number }): string => text.slice(start, end);
    expect(cut(span.items)).toBe('a , "b"');
    expect(cut(span.orderBy ?? { start: 0, end: 0 })).toBe('ORDER BY a, "b" DESC NULLS LAST');
    expect(cut(span.body)).toBe('SELECT a , "b" FROM t WHERE x = 1 ORDER BY a, "b" DESC NULLS LAST LIMIT 1');
    expect(items.map((item) => cut(item.span))).toEqual(['a', '"b"']);
  });

  it('items: columns, aliases, stars', () => {
    const items = selectOf(
      'SELECT ID, t."Id" AS "X", s.t.c y, t.*, *, f(a) b, 1, NULL, user AS u FROM t',
    ).items;
    expect(items.map((i) => [i.column?.column, i.alias, i.star])).toEqual([
      ['id', undefined, false],
      ['Id', 'X', false],
      ['c', 'y', false],
      [undefined, undefined, true],
      [undefined, undefined, true],
      [undefined, undefined, false],
      [undefined, undefined, false],
      [undefined, undefined, false],
      [undefined, 'u', false],
    ]);
  });
});

describe('INSERT', () => {
  const rows = (text: string): string[][] | undefined => insertOf(text).rows?.map((row) => row.map(plain));

  it('names, columns and rows', () => {
    const shape = insertOf('INSERT INTO S."T" AS x (A, "B") VALUES (1, \'y\'), ($1, DEFAULT) RETURNING *');
    expect([shape.table, shape.columns, shape.quiet]).toEqual([
      { schema: 's', name: 'T' },
      ['a', 'B'],
      false,
    ]);
    expect(rows("INSERT INTO t (a, b) VALUES (1, 'y'), ($1, DEFAULT)")).toEqual([
      ['number 1', 'string y'],
      ['$1', 'default default'],
    ]);
    expect(rows('INSERT INTO t (a, b) VALUES (now(), ARRAY[1, 2])')).toEqual([
      ['other now()', 'other ARRAY[1, 2]'],
    ]);
    expect(rows('INSERT INTO t (a) OVERRIDING USER VALUE VALUES (1)')).toEqual([['number 1']]);
  });

  it.each([
    'INSERT INTO t VALUES (1)',
    'INSERT INTO t DEFAULT VALUES',
    'INSERT INTO t (a) SELECT 1',
    'INSERT INTO t (a, b) VALUES (1)',
    'INSERT INTO t (a) VALUES (1, 2)',
    'INSERT INTO t (a[1]) VALUES (1)',
    'INSERT INTO t (a.b) VALUES (1)',
  ])('%s has no rows', (text) => {
    expect(insertOf(text).rows).toBeUndefined();
  });

  it.each([
    ['INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING', true],
    ['INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1', true],
    ['INSERT INTO t (a) VALUES (1)', false],
    ['INSERT INTO t (a) SELECT x FROM u JOIN v ON (u.id = v.id)', true],
  ])('%s: quiet %s', (text, quiet) => {
    // the last one is over-careful: a join's ON at the same level counts
    expect(insertOf(text).quiet).toBe(quiet);
  });

  it('MySQL: INSERT IGNORE is quiet, REPLACE is other', () => {
    expect(classify(bytes('INSERT IGNORE INTO t (a) VALUES (?)'), mysql).shape).toMatchObject({
      quiet: true,
    });
    expect(classify(bytes('REPLACE INTO t (a) VALUES (?)'), mysql).shape.kind).toBe('other');
  });
});

describe('names', () => {
  it('PG folds ASCII letters of unquoted names and nothing else', () => {
    expect(
      selectOf('SELECT Name, "Name", "a""b", ÄÖ FROM T').items.map((item) => item.column?.column),
    ).toEqual(['name', 'Name', 'a"b', Buffer.from('ÄÖ').toString('latin1')]);
  });

  it('names that the server would cut, and unicode escapes in names, are not understood', () => {
    const long = 'a'.repeat(64);
    expect(shapeOf(`SELECT id FROM ${long}`).kind).toBe('other');
    expect(shapeOf(`SELECT id FROM "${long}"`).kind).toBe('other');
    expect(shapeOf(`SELECT id FROM ${long.slice(1)}`).kind).toBe('select');
    expect(shapeOf('SELECT U&"d\\0061t" FROM t').kind).toBe('other');
    expect(classify(bytes('SELECT 1 FROM "x"'), postgres).shape.kind).toBe('select');
  });
});
