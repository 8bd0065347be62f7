/** The witness: what it refuses, how it counts what it knows, and how it survives its parser. */
import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/sql/classify.ts';
import type { DeleteShape, SelectShape, Shape } from '../../../src/sql/shape.ts';
import { BoundedCache } from '../../../src/sql/witness/cache.ts';
import { defaultWitnessLimits } from '../../../src/sql/witness/limits.ts';
import { mask } from '../../../src/sql/witness/mask.ts';
import { maxTraps, Parser } from '../../../src/sql/witness/parser.ts';
import { loadWitness, PostgresWitness } from '../../../src/sql/witness/postgres.ts';
import { Tokens } from '../../../src/sql/tokens.ts';
import { bytes, deleteOf, postgres, selectOf, shapeOf } from './support.ts';

const witness = await loadWitness();
const agrees = (text: string, shape: Shape = shapeOf(text)): boolean => witness.agrees(bytes(text), shape);

const select = 'SELECT a.id FROM s.t a LEFT JOIN u ON a.x = u.x WHERE a.k = $1 AND f(a.y) = 2 LIMIT 5';

describe('agrees', () => {
  it('with the classifier about a plain statement', () => {
    expect(agrees(select)).toBe(true);
    expect(agrees('DELETE FROM t WHERE id IN (1, 2)')).toBe(true);
    expect(agrees('INSERT INTO t (a) VALUES (1)')).toBe(true);
  });

  const lies: [string, (shape: SelectShape) => object][] = [
    ['an item', (s) => ({ items: s.items.slice(1) })],
    ['a table', (s) => ({ tables: s.tables.slice(1) })],
    ['an alias', (s) => ({ tables: s.tables.map((t) => ({ ...t, alias: 'z' })) })],
    ['a schema', (s) => ({ tables: s.tables.map((t) => ({ ...t, name: { name: t.name.name } })) })],
    ['ONLY', (s) => ({ tables: s.tables.map((t) => ({ ...t, only: true })) })],
    ['the nullable side', (s) => ({ tables: s.tables.map((t) => ({ ...t, nullable: false })) })],
    ['plain FROM', () => ({ plainFrom: false })],
    ['tables read', (s) => ({ tablesRead: s.tablesRead.slice(1) })],
    ['functions', () => ({ functions: [] })],
    ['an equality', () => ({ equalities: [] })],
    [
      'a parameter in an equality',
      (s) => ({
        equalities: s.equalities.map((e) => ({
          ...e,
          value: { kind: 'parameter', index: 2, span: e.value.span } as const,
        })),
      }),
    ],
    ['WHERE', () => ({ hasWhere: false })],
    ['DISTINCT', () => ({ distinct: true })],
    ['GROUP BY', () => ({ groupBy: true })],
    ['HAVING', () => ({ having: true })],
    ['window', () => ({ window: true })],
    ['aggregate', () => ({ aggregate: true })],
    ['set operation', () => ({ setOperation: true })],
    ['WITH', () => ({ with: true })],
    ['INTO', () => ({ into: true })],
    ['sub-query', () => ({ subquery: true })],
    ['LIMIT', (s) => ({ limit: undefined, fetch: s.fetch })],
    ['OFFSET', (s) => ({ offset: { kind: 'number', text: '1', span: s.span.body } })],
    ['locking', () => ({ locking: true })],
    ['ORDER BY', (s) => ({ span: { ...s.span, orderBy: s.span.body } })],
    ['user variables', () => ({ userVariable: true })],
  ];

  it.each(lies)('not when a shape is wrong about %s', (_, lie) => {
    const shape = selectOf(select);
    expect(agrees(select, shape)).toBe(true);
    expect(agrees(select, { ...shape, ...lie(shape) })).toBe(false);
  });

  const deletion = 'DELETE FROM s.t x WHERE x.id IN ($1, $2)';
  const deleteLies: [string, (shape: DeleteShape) => object][] = [
    ['the table', (s) => ({ table: { ...s.table, name: { name: 't' } } })],
    ['the alias', (s) => ({ table: { ...s.table, alias: 't' } })],
    ['the list', () => ({ list: undefined })],
    ['the column', (s) => ({ list: { ...s.list, column: { ...s.list?.column, column: 'a' } } })],
    ['the form', (s) => ({ list: { ...s.list, form: 'any' } })],
    ['RETURNING', () => ({ returning: true })],
    ['USING', () => ({ other: true })],
    ['tables read', () => ({ tablesRead: [{ name: 'u' }] })],
  ];

  it.each(deleteLies)('not when a DELETE is wrong about %s', (_, lie) => {
    const shape = deleteOf(deletion);
    expect(agrees(deletion, shape)).toBe(true);
    expect(agrees(deletion, { ...shape, ...lie(shape) })).toBe(false);
  });

  it.each([
    ['kind', 'SELECT 1', deleteOf('DELETE FROM t WHERE id IN (1)')],
    ['two statements', 'SELECT 1; SELECT 2', selectOf('SELECT 1')],
    ['an invalid statement', 'SELECT id FROM t WHERE WHERE a = 1', selectOf('SELECT id FROM t WHERE a = 1')],
    ['an empty text', '', selectOf('SELECT 1')],
    ['noise', 'SHOW x', { kind: 'noise' } as const],
    ['UPDATE', 'UPDATE t SET a = 1', shapeOf('UPDATE t SET a = 1')],
  ])('never about %s', (_, text, shape) => {
    expect(agrees(text, shape)).toBe(false);
  });

  it('hears of every expression in a list', () => {
    expect(agrees('DELETE FROM t WHERE id IN (1, 2, f(3))')).toBe(true);
    // not SQL: were the list cut to its first element, this would pass
    const shape = deleteOf('DELETE FROM t WHERE id IN (1, 2)');
    expect(agrees('DELETE FROM t WHERE id IN (1, 2 3)', shape)).toBe(false);
  });

  it('keeps what the tree said, not what a shape said', () => {
    const fresh = new PostgresWitness((witness as unknown as { parser: Parser }).parser);
    const text = 'DELETE FROM t WHERE id IN (1) AND 1=2';
    expect(fresh.agrees(bytes(text), deleteOf(text))).toBe(false);
    // the same masked text
    const good = 'DELETE FROM t WHERE id IN (1) AND 1=1';
    expect(fresh.agrees(bytes(good), deleteOf(good))).toBe(true);
    expect(fresh.agrees(bytes(text), deleteOf(text))).toBe(false);
  });
});

describe('masking', () => {
  const masked = (text: string): string | undefined => {
    const shape = classify(bytes(text), postgres).shape;
    return mask(
      bytes(text),
      new Tokens(),
      defaultWitnessLimits,
      shape.kind === 'delete' ? shape.list : undefined,
    );
  };

  it.each([
    ["SELECT  a,\n b FROM t WHERE c = 'secret' AND d = 12345", "SELECT a, b FROM t WHERE c = 'x' AND d = 1"],
    ["SELECT 'it''s', E'x', 1.5, $7", "SELECT 'it''s', E'x', 1.5, $7"],
    ["SELECT 'a\\b'", "SELECT 'a\\b'"],
    ['/* route=1 */ SELECT 1 /* x */, 2 -- end', 'SELECT 1 , 1'],
    ['SELECT 1 -- c\n, 2', 'SELECT 1 -- c\n, 1'],
    ['SELECT 1 /* a /* b */ */, 2', 'SELECT 1 /* a /* b */ */, 1'],
    ['DELETE FROM t WHERE id IN (1, 2, 3)', 'DELETE FROM t WHERE id IN (1)'],
    ['DELETE FROM t WHERE id IN ($1::int, $2::int) AND TRUE', 'DELETE FROM t WHERE id IN ($1::int) AND TRUE'],
    ["DELETE FROM t WHERE id IN ('a', 'b')", "DELETE FROM t WHERE id IN ('x')"],
    ["DELETE FROM t WHERE id IN ('a', 'b''c')", "DELETE FROM t WHERE id IN ('x', 'b''c')"],
    ['DELETE FROM t WHERE id = ANY(ARRAY[1, 2, 3]::int[])', 'DELETE FROM t WHERE id = ANY(ARRAY[1]::int[])'],
    ['DELETE FROM t WHERE (id = 1 OR id = 2 OR id = 3 OR id = 4)', 'DELETE FROM t WHERE (id = 1 OR id = 1)'],
    ['DELETE FROM t WHERE id = 1 OR id = 2 OR id = 3', 'DELETE FROM t WHERE id = 1 OR id = 1'],
    [
      'DELETE FROM t WHERE ((id = 1) OR (id = 2) OR (id = 3)) AND 1=1',
      'DELETE FROM t WHERE ((id = 1) OR (id = 1)) AND 1=1',
    ],
  ])('%s', (text, expected) => {
    expect(masked(text)).toBe(expected);
  });

  it('long lists pass the limits, long statements do not', () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => i).join(', ');
    const list = `DELETE FROM t WHERE id IN (${ids})`;
    expect(agrees(list)).toBe(true);
    expect(agrees(`DELETE FROM t WHERE id = ANY(ARRAY[${ids}])`)).toBe(true);
    const or = Array.from({ length: 5_000 }, (_, i) => `id = ${i}`).join(' OR ');
    expect(agrees(`DELETE FROM t WHERE ${or}`)).toBe(true);
    expect(agrees(`SELECT id FROM t WHERE id IN (${ids})`)).toBe(false);
  });

  it.each([
    ['bytes', { maxBytes: 20 }],
    ['tokens', { maxTokens: 5 }],
    ['depth', { maxDepth: 1 }],
  ])('over the limit for %s it refuses', (_, limit) => {
    const text = 'SELECT id FROM t WHERE ((a = 1))';
    expect(agrees(text)).toBe(true);
    const strict = new PostgresWitness((witness as unknown as { parser: Parser }).parser, {
      ...defaultWitnessLimits,
      ...limit,
    });
    expect(strict.agrees(bytes(text), shapeOf(text))).toBe(false);
  });
});

describe('parser', () => {
  const bombs: [string, string][] = [
    ['a sum', `SELECT ${'1+'.repeat(900)}1`],
    ['negations', `SELECT id FROM t WHERE ${'NOT '.repeat(1_900)}true`],
    ['minus signs', `SELECT ${'- '.repeat(1_900)}1`],
    ['CASE', `SELECT ${'CASE WHEN true THEN '.repeat(390)}1${' END'.repeat(390)}`],
    ['set operations', `SELECT 1${' UNION SELECT 1'.repeat(600)}`],
    ['casts', `SELECT 1${'::int'.repeat(900)}`],
    ['parentheses', `SELECT ${'('.repeat(60)}1${')'.repeat(60)}`],
    ['sub-queries', `SELECT ${'(SELECT '.repeat(31)}1${')'.repeat(31)}`],
    ['joins', `SELECT t.id FROM t${' JOIN t ON true'.repeat(390)}`],
    ['AND', `SELECT id FROM t WHERE a = 1${' AND a = 1'.repeat(390)}`],
  ];

  it.each(bombs)('%s inside the limits: an answer, no trap', (_, text) => {
    const before = witness.traps;
    expect([true, false]).toContain(agrees(text));
    expect(witness.traps).toBe(before);
    expect(agrees('SELECT id FROM t')).toBe(true);
  });

  it('a trap is a refusal; a new instance is loaded, and the poisonous text is remembered', async () => {
    let loads = 0;
    let parses = 0;
    const module = {
      loadModule: async () => {},
      parseSync: (text: string) => {
        parses++;
        if (text.includes('poison')) throw new Error('unreachable');
        return { stmts: [] };
      },
    };
    const parser = await Parser.create(async () => {
      loads++;
      return module;
    });
    const fragile = new PostgresWitness(parser);
    const ask = (text: string): boolean => fragile.agrees(bytes(text), shapeOf(text));
    expect(ask('SELECT poison')).toBe(false);
    expect([parser.ready, fragile.traps]).toEqual([false, 1]);
    expect(ask('SELECT a')).toBe(false);
    expect(parses).toBe(1);
    await Promise.resolve();
    await Promise.resolve();
    expect([parser.ready, loads]).toEqual([true, 2]);
    expect(ask('SELECT poison')).toBe(false);
    expect([parses, fragile.traps]).toEqual([1, 1]);
    // refused only because no instance was there, so it is asked again
    ask('SELECT a');
    expect(parses).toBe(2);
  });

  it('a real instance is replaced by a working one, and only so many times', async () => {
    const parser = await Parser.create();
    const poison = (extra: number): string => `SELECT ${'1+'.repeat(60_000 + extra)}1`;
    expect(parser.parse(poison(0))).toBeUndefined();
    expect(parser.traps).toBe(1);
    await expect.poll(() => parser.ready, { timeout: 10_000 }).toBe(true);
    expect(parser.parse('SELECT 1')).toHaveProperty('SelectStmt');
    expect(maxTraps).toBeGreaterThan(1);
  });

  it('syntax errors are no traps', async () => {
    const parser = await Parser.create();
    expect(parser.parse('SELEC 1')).toBeUndefined();
    expect(parser.parse('SELECT 1; SELECT 2')).toBeUndefined();
    expect([parser.ready, parser.traps]).toEqual([true, 0]);
  });
});

describe('cache', () => {
  it('forgets the oldest when its keys grow too long', () => {
    const cache = new BoundedCache<number>(10);
    cache.add('aaaa', 1);
    cache.add('bbbb', 2);
    cache.add('cccc', 3);
    expect([cache.get('aaaa'), cache.get('bbbb'), cache.get('cccc'), cache.size]).toEqual([
      undefined,
      2,
      3,
      2,
    ]);
  });

  it('keeps nothing that is longer than itself', () => {
    const cache = new BoundedCache<number>(3);
    cache.add('aaaa', 1);
    expect(cache.size).toBe(0);
  });
});
