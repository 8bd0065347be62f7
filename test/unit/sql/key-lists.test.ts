/** Key lists in DELETE and UPDATE. */
import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/sql/classify.ts';
import type { KeyList } from '../../../src/sql/shape.ts';
import { bytes, deleteOf, postgres, shapeOf } from './support.ts';

function show(list: KeyList | undefined): string {
  if (list === undefined) return 'none';
  const values = list.values.map((value) => {
    const cast = 'cast' in value && value.cast !== undefined ? `::${value.cast}` : '';
    return `${value.kind === 'parameter' ? `$${value.index}` : value.text}${cast}`;
  });
  const { qualifier, column } = list.column;
  return `${list.form}${list.array ? ' array' : ''} ${qualifier === undefined ? '' : `${qualifier}.`}${column}: ${values.join(' ')}`;
}

const text = (where: string): string => `DELETE FROM t WHERE ${where}`;

describe('one list and nothing else', () => {
  it.each([
    ['id IN (1, 2, 3)', 'in id: 1 2 3'],
    ['t.id IN (1)', 'in t.id: 1'],
    ['"t"."Id" in($1,$2)', 'in t.Id: $1 $2'],
    ["id IN ('a', 'b''c')", "in id: a b'c"],
    ["id IN ('a'::uuid, $1::uuid)", 'in id: a::uuid $1::uuid'],
    ['id IN (-1, -2)', 'in id: -1 -2'],
    ['((id) IN ((1), (2)))', 'in id: 1 2'],
    ['(id IN (1, 2) AND 1=1)', 'in id: 1 2'],
    ['TRUE AND (id IN (1, 2)) AND 7 = 7', 'in id: 1 2'],
    ['id = ANY($1)', 'any array id: $1'],
    ['id = any ($1::bigint[])', 'any array id: $1::int8[]'],
    ["id = ANY('{1,2}')", 'any array id: {1,2}'],
    ["id = ANY(('{1,2}')::int[])", 'any array id: {1,2}::int4[]'],
    ['id = ANY(CAST($1 AS uuid[]))', 'any array id: $1::uuid[]'],
    ['id = SOME($1)', 'any array id: $1'],
    ['id = ANY(ARRAY[1, 2])', 'any id: 1 2'],
    ['id = ANY(ARRAY[1, 2]::bigint[])', 'any id: 1::int8 2::int8'],
    ["id = ANY(ARRAY['a'::uuid, 'b'::uuid])", 'any id: a::uuid b::uuid'],
    ["id = ANY(CAST(ARRAY['a', 'b'] AS uuid[]))", 'any id: a::uuid b::uuid'],
    ['id = ANY(ARRAY[]::int[])', 'any id: '],
    ['id = 1 OR id = 2', 'or id: 1 2'],
    ['(id = $1 OR id = $2 OR id = $3)', 'or id: $1 $2 $3'],
    ['(id = 1) OR (id = 2)', 'or id: 1 2'],
    ['1 = id OR id = 2', 'or id: 1 2'],
  ])('WHERE %s', (where, expected) => {
    const shape = deleteOf(text(where));
    expect(show(shape.list)).toBe(expected);
    expect([shape.listWithOthers, shape.compositeList, shape.single]).toEqual([false, false, undefined]);
  });

  it.each([
    ['((id IN (1, 2)) AND 1=1)', 'id IN (1, 2)', 'id'],
    ['("t"."id" = ANY ($1))', '"t"."id" = ANY ($1)', '"t"."id"'],
    ['((t.id) IN (1))', '(t.id) IN (1)', 't.id'],
    ['((id = 1) OR (id = 2))', '(id = 1) OR (id = 2)', 'id'],
  ])('spans of %s', (where, span, column) => {
    const whole = text(where);
    const { list } = deleteOf(whole);
    expect(whole.slice(list?.span.start, list?.span.end)).toBe(span);
    expect(whole.slice(list?.columnSpan.start, list?.columnSpan.end)).toBe(column);
  });
});

describe('no list', () => {
  it.each([
    'id NOT IN (1, 2)',
    'NOT id IN (1, 2)',
    'id IN (SELECT 1)',
    'id IN (VALUES (1))',
    'id IN (WITH q AS (SELECT 1) SELECT * FROM q)',
    'id = ALL($1)',
    'id <> ANY($1)',
    'id = ANY(SELECT 1)',
    'id = ANY(ARRAY(SELECT 1))',
    'id = ANY(f($1))',
    'id = ANY($1::int[] || 3)',
    'id = 1 OR other = 2',
    'id = 1 OR id > 2',
    'id = 1 OR t.id = 2',
    'f(id) IN (1, 2)',
    'id::text IN (1, 2)',
    'id + 1 IN (1, 2)',
    '$1 = ANY(ids)',
    'id BETWEEN 1 AND 2',
  ])('WHERE %s', (where) => {
    const shape = shapeOf(text(where));
    if (shape.kind === 'delete') expect(shape.list).toBeUndefined();
    else expect(shape.kind).toBe('other');
  });

  it.each([
    'id IN (1, 2) AND a = 1',
    'id IN (1, 2) AND 1=2',
    'id IN (1, 2) AND NOT TRUE',
    'id IN (1, 2) OR a = 1',
    'a = 1 AND (id = ANY($1))',
    'id IN (1, 2) AND id IN (2, 3)',
    'a = 1 AND (id = 1 OR id = 2)',
  ])('WHERE %s: a list with others', (where) => {
    const shape = deleteOf(text(where));
    expect([shape.list, shape.listWithOthers]).toEqual([undefined, true]);
  });

  it.each(['a = 1', 'a = $1 AND b = 2', 'a > 1', 'EXISTS (SELECT 1 FROM u WHERE u.id IN (1, 2)) IS NULL'])(
    'WHERE %s: no list at all is seen, or one deep inside',
    (where) => {
      const shape = deleteOf(text(where));
      expect([shape.list, shape.listWithOthers]).toEqual([undefined, where.includes('IN (1')]);
    },
  );

  it.each([
    '(a, b) IN ((1, 2), (3, 4))',
    '(a = 1 AND b = 2) OR (a = 3 AND b = 4)',
    'a = 1 AND b = 2 OR a = 3 AND b = 4',
  ])('WHERE %s: composite', (where) => {
    const shape = deleteOf(text(where));
    expect([shape.list, shape.compositeList]).toEqual([undefined, true]);
  });

  it('a single equality is no list', () => {
    expect(deleteOf(text('(t.id = $1)'))).toMatchObject({
      single: { column: { column: 'id' }, value: { index: 1 } },
    });
    expect(deleteOf(text('t.id = $1')).list).toBeUndefined();
  });
});

describe('the rest of a DELETE', () => {
  it.each([
    ['DELETE FROM t WHERE id IN (1)', false, false],
    ['DELETE FROM t WHERE id IN (1) RETURNING id', true, false],
    ['DELETE FROM t USING u WHERE id IN (1)', false, true],
    ['DELETE FROM t WHERE CURRENT OF c', false, true],
  ])('%s: returning %s, other %s', (whole, returning, other) => {
    const shape = deleteOf(whole);
    expect([shape.returning, shape.other]).toEqual([returning, other]);
  });

  it('target, alias and ONLY', () => {
    const whole = 'DELETE FROM ONLY "S".t AS "X" WHERE "X".id IN (1)';
    const { table, list } = deleteOf(whole);
    expect([table.name, table.alias, table.only]).toEqual([{ schema: 'S', name: 't' }, 'X', true]);
    expect(whole.slice(table.aliasSpan.start, table.aliasSpan.end)).toBe('"X"');
    expect(show(list)).toBe('in X.id: 1');
  });

  it('without WHERE there is no list', () => {
    expect(deleteOf('DELETE FROM t')).toMatchObject({ listWithOthers: false, compositeList: false });
    expect(deleteOf('DELETE FROM t').list).toBeUndefined();
  });

  it('MySQL: other forms', () => {
    const settings = { ...postgres, dialect: 'mysql' as const };
    const multiple = classify(
      bytes('DELETE t FROM t JOIN u ON t.id = u.id WHERE t.id IN (1)'),
      settings,
    ).shape;
    expect(multiple.kind === 'other' || (multiple.kind === 'delete' && multiple.other)).toBe(true);
    expect(
      classify(bytes('DELETE FROM t WHERE id IN (1) ORDER BY id LIMIT 3'), settings).shape,
    ).toMatchObject({
      other: true,
    });
  });
});

describe('long lists', () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => String(i));

  it.each([
    ['in', `id IN (${ids.join(',')})`],
    ['any', `id = ANY(ARRAY[${ids.join(',')}]::bigint[])`],
    ['or', ids.map((id) => `id = ${id}`).join(' OR ')],
  ])('%s with 10,000 elements', (form, where) => {
    const { list } = deleteOf(text(where));
    expect([list?.form, list?.values.length]).toEqual([form, 10_000]);
    const last = list?.values.at(-1);
    expect(last).toMatchObject({ kind: 'number', text: '9999' });
  });

  it('parameters with casts', () => {
    const where = `id IN (${ids.map((_, i) => `$${i + 1}::uuid`).join(', ')})`;
    expect(deleteOf(text(where)).list?.values.at(-1)).toMatchObject({ index: 10_000, cast: 'uuid' });
  });
});

describe('UPDATE', () => {
  it.each([
    ['UPDATE t SET a = 1 WHERE id IN (1, 2)', 'in id: 1 2'],
    ['UPDATE t SET a = 1 WHERE b = 2 AND (id = ANY($1))', 'any array id: $1'],
    ['UPDATE t SET a = 1 WHERE b = 2 OR id IN (1)', 'in id: 1'],
    ['UPDATE t SET a = 1 WHERE (id = 1 OR id = 2)', 'or id: 1 2'],
    ['UPDATE t SET a = 1 WHERE id NOT IN (1)', 'none'],
    ['UPDATE t SET a = CASE WHEN id IN (1) THEN 1 END', 'none'],
    ['UPDATE t SET a = 1 WHERE id = 1', 'none'],
  ])('%s', (whole, expected) => {
    const shape = shapeOf(whole);
    expect(shape.kind).toBe('update');
    if (shape.kind === 'update') expect(show(shape.list)).toBe(expected);
  });

  it('MySQL: two tables are other', () => {
    expect(shapeOf('UPDATE t, u SET t.a = 1').kind).toBe('other');
    expect(shapeOf('UPDATE t JOIN u ON t.id = u.id SET t.a = 1').kind).toBe('other');
  });
});
