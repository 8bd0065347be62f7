/** Facts out of what real servers answer to SHOW CREATE TABLE (recorded by record.ts), and what is not believed. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCreateTable } from '../../../src/facts/create-table.ts';
import { catalogChange, mysqlLookUps, readMysqlFacts } from '../../../src/facts/mysql.ts';
import type { Facts, FactsQuestion } from '../../../src/facts/types.ts';
import { mysqlKey } from '../../../src/memory/keys-mysql.ts';
import { SceneStatement } from '../patterns/scene.ts';

type Answers = Record<string, (string | null)[] | null>;

const engines = ['mysql-9.7', 'mariadb-11.8', 'mariadb-10.11'] as const;
const recorded = Object.fromEntries(
  engines.map((engine) => [
    engine,
    JSON.parse(readFileSync(new URL(`show-create/${engine}.json`, import.meta.url), 'utf8')) as Answers,
  ]),
);

function question(target: string, changes: Partial<FactsQuestion> = {}): FactsQuestion {
  return { target: { name: target }, tables: [{ name: target }], functions: [], ...changes };
}

function ask(engine: string, asked: FactsQuestion, database = 'shop'): Facts | undefined {
  const rows = mysqlLookUps(asked).map((sql) => {
    const name = /([^`]|``)+`$/.exec(sql)?.[0].slice(0, -1).replaceAll('``', '`') ?? '';
    return recorded[engine]?.[name] ?? undefined;
  });
  return readMysqlFacts(asked, rows, database);
}

function factsOf(engine: string, asked: FactsQuestion): Facts {
  const facts = ask(engine, asked);
  if (facts === undefined) throw new Error('no facts');
  return facts;
}

test('one look-up a table, the target first, each name as it is written', () => {
  const tables = [{ name: 'a' }, { name: 'c' }, { schema: 's`', name: 'c' }, { name: 'a' }];
  expect(mysqlLookUps(question('c', { tables }))).toEqual([
    'SHOW CREATE TABLE `c`',
    'SHOW CREATE TABLE `a`',
    'SHOW CREATE TABLE `s```.`c`',
  ]);
});

describe.each(engines)('%s', (engine) => {
  test('an ordinary table: key, foreign keys, unique keys', () => {
    const facts = factsOf(engine, question('c', { tables: [{ name: 'a' }, { name: 'c' }] }));
    expect(facts).toMatchObject({
      identity: { schema: 'shop', table: 'c' },
      target: { schema: 'shop', name: 'c', kind: 'r', temporary: false, inheritance: false },
      primaryKey: ['id'],
      uniqueColumns: ['id'],
      relations: [
        { name: 'a', kind: 'r' },
        { name: 'c', kind: 'r' },
      ],
    });
    const { integer } = mysqlKey;
    expect(Object.values(facts.attributes)).toEqual([
      { name: 'id', type: integer, hasDefault: true, inForeignKey: false },
      { name: 'a_id', type: integer, hasDefault: false, inForeignKey: true },
      { name: 'b_id', type: integer, hasDefault: false, inForeignKey: true },
      { name: 'v', type: integer, hasDefault: false, inForeignKey: false },
    ]);
  });

  test('types, and which keys identify a row', () => {
    const facts = factsOf(engine, question('kinds'));
    const types = Object.fromEntries(Object.values(facts.attributes).map(({ name, type }) => [name, type]));
    const { integer, decimal, text, bytes } = mysqlKey;
    expect(types).toMatchObject({ id: bytes, vb: bytes, z: integer, d: decimal, ch: text, t: integer });
    expect(types).toMatchObject({ y: 0, f: 0, e: 0, s: 0, ts: 0, tx: 0, bi: 0, js: 0, dt: 0 });
    expect(types).toMatchObject({ big: integer, med: integer, sm: integer });
    expect(facts.uniqueColumns).toEqual(['id', 'z']);
    expect(Object.values(facts.attributes).some(({ hasDefault }) => hasDefault)).toBe(false);
  });

  test('the violated key, by the name in the error', () => {
    const violated = (name: string, table = 'kinds') =>
      factsOf(engine, question(table, { constraint: { schema: '', table: '', name } })).violated;
    const plain = { primary: false, partial: false, expression: false, deferrable: false };
    expect(violated('q')).toEqual({ ...plain, columns: ['ch', 'vb'] });
    expect(violated('PRIMARY')).toEqual({ ...plain, primary: true, columns: ['id'] });
    expect(violated('pre')).toEqual({ ...plain, partial: true, columns: ['tx'] });
    expect(violated('plain')).toBeUndefined();
    expect(violated('nowhere')).toBeUndefined();
    expect(violated('PRIMARY', 'composite')).toEqual({ ...plain, primary: true, columns: ['x', 'y'] });
  });

  test('names with quotes, dots, blanks and commas; columns in small letters', () => {
    const facts = factsOf(
      engine,
      question('we`ird na.me', { constraint: { schema: '', table: '', name: 'ke`y' } }),
    );
    expect(facts.identity.table).toBe('we`ird na.me');
    expect(facts.violated?.columns).toEqual(['co`l, (x']);
    expect(facts.uniqueColumns).toEqual(['id', 'co`l, (x']);
  });

  test.each([
    ['parts', 'p'],
    ['isam', 'e'],
    ['v', 'v'],
    ['hidden', 't'],
    ['special', engine.startsWith('mariadb') ? 's' : 'r'],
  ])('%s is of kind %s', (table, kind) => {
    expect(factsOf(engine, question(table)).target.kind).toBe(kind);
    const beside = question('a', { tables: [{ name: 'a' }, { name: table }] });
    expect(factsOf(engine, beside).relations[1]?.kind).toBe(kind);
  });

  test('a default that makes identifiers', () => {
    const { attributes, uniqueColumns } = factsOf(engine, question('ids'));
    expect(attributes[1]).toMatchObject({ name: 'id', hasDefault: true });
    expect(uniqueColumns).toEqual(['id', 'email']);
  });

  test('a unique column that may be NULL, no key at all, a key of two columns', () => {
    expect(factsOf(engine, question('loose')).uniqueColumns).toEqual(['u']);
    expect(factsOf(engine, question('nokey'))).toMatchObject({ uniqueColumns: [], primaryKey: [] });
    expect(factsOf(engine, question('composite'))).toMatchObject({
      uniqueColumns: [],
      primaryKey: ['x', 'y'],
    });
  });

  test('a table that cannot be seen is no facts: as target, and beside it', () => {
    expect(ask(engine, question('nowhere'))).toBeUndefined();
    expect(ask(engine, question('a', { tables: [{ name: 'a' }, { name: 'nowhere' }] }))).toBeUndefined();
  });

  test('without a default database a name needs its schema', () => {
    expect(ask(engine, question('a'), '')).toBeUndefined();
    const named = question('a', { target: { schema: 'other', name: 'a' }, tables: [] });
    expect(ask(engine, named, '')?.identity).toEqual({ schema: 'other', table: 'a' });
  });
});

test('MySQL: expressions and invisible keys', () => {
  const violated = (name: string) =>
    factsOf('mysql-9.7', question('ids', { constraint: { schema: '', table: '', name } })).violated;
  expect(violated('low')).toMatchObject({ expression: true, columns: [] });
  expect(violated('inv')).toMatchObject({ expression: false, columns: ['x'] });
});

test.each(['mariadb-11.8', 'mariadb-10.11'])('%s: a sequence is no table; a unique hash is', (engine) => {
  expect(factsOf(engine, question('numbers')).target.kind).toBe('s');
  expect(factsOf(engine, question('hashed')).uniqueColumns).toEqual(['id', 'tx']);
});

describe('not believed', () => {
  const table = 'CREATE TABLE `t` (\n  `id` int NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB';
  test('the text that the others differ from', () => {
    expect(readCreateTable(table)).toMatchObject({ engine: 'InnoDB', partitioned: false });
    // ANSI_QUOTES
    expect(readCreateTable(table.replaceAll('`', '"'))?.columns[0]?.name).toBe('id');
  });

  test.each([
    ['no engine (NO_TABLE_OPTIONS)', table.replace(' ENGINE=InnoDB', '')],
    ['names without quotes (sql_quote_show_create)', table.replaceAll('`', '')],
    ['cut short', table.slice(0, 40)],
    ['an item that is not known', table.replace('PRIMARY KEY', 'PERIOD FOR')],
    ['a key without columns', table.replace('(`id`)\n', '\n')],
    ['a period in a key', table.replace('(`id`)', '(`id`,`p` WITHOUT OVERLAPS)')],
    ['nothing', ''],
    ['a view', 'CREATE VIEW `t` AS select 1'],
  ])('%s', (_what, text) => {
    expect(readCreateTable(text)).toBeUndefined();
  });

  test('an engine or a partition that a comment or a default names', () => {
    const fake = table.replace('NOT NULL', "NOT NULL DEFAULT 'ENGINE=InnoDB' COMMENT 'x\\'y'");
    expect(readCreateTable(fake.replace(' ENGINE=InnoDB', " COMMENT='ENGINE=InnoDB'"))).toBeUndefined();
    expect(readCreateTable(`${fake} COMMENT='PARTITION BY'`)?.partitioned).toBe(false);
  });

  test.each(engines)('%s: any prefix of a text is no table', (engine) => {
    for (const answer of Object.values(recorded[engine] ?? {})) {
      const text = answer?.[1] ?? '';
      const whole = readCreateTable(text);
      const at = text.indexOf('ENGINE=');
      for (let end = 0; end < at; end++) expect(readCreateTable(text.slice(0, end))).toBeUndefined();
      if (at > 0) expect(whole).toBeDefined();
    }
  });
});

test.each([
  ['CREATE TABLE t (id INT)', 'tables'],
  ['  alter table t add x int', 'tables'],
  ['/* migration */ DROP INDEX i ON t', 'tables'],
  ['RENAME TABLE a TO b', 'tables'],
  ['# a comment\nDROP TABLE t', 'tables'],
  ['SELECT 1; DROP TABLE t', 'tables'],
  ['CREATE TEMPORARY TABLE t (id INT)', 'own'],
  ['CREATE OR REPLACE TEMPORARY TABLE t (id INT)', 'own'],
  ['INSERT INTO z VALUES (1); CREATE TEMPORARY TABLE t (id INT)', 'own'],
  ['CALL fill()', 'own'],
  ['EXECUTE x', 'own'],
  ['', 'own'],
  ['SELECT id FROM t;', undefined],
  ["INSERT INTO t VALUES ('; create table')", undefined],
  ['TRUNCATE TABLE t', undefined],
  ['USE other', undefined],
])('%j: what is known of the tables: %s', (sql, expected) => {
  expect(catalogChange(new SceneStatement(sql, undefined, 'mysql'))).toBe(expected);
});
