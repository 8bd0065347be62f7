/**
 * Key lists: `key IN (…)`, `key = ANY (…)`, `key = a OR key = b`. Step 4 of the flow (text -> shape); what a split
 * DELETE hands back to the server. Linear in the list.
 */
import { beginsQuery, columnAt, conjuncts, equality, split, unwrap } from './conditions.ts';
import type { Range } from './conditions.ts';
import { keywordId } from './keywords.ts';
import type { ColumnRef, Equality, KeyList, Value } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';
import { typeName } from './type-names.ts';
import { constant, value } from './values.ts';

const k = {
  in: keywordId('in'),
  any: keywordId('any'),
  some: keywordId('some'),
  not: keywordId('not'),
  array: keywordId('array'),
  cast: keywordId('cast'),
  as: keywordId('as'),
};

/** The list that is exactly this range (parentheses around it allowed), or undefined. */
export function keyList(tokens: Tokens, range: Range): KeyList | undefined {
  const inner = unwrap(tokens, range);
  const key = columnAt(tokens, inner.first);
  if (key !== undefined) {
    const list = inList(tokens, inner, key) ?? anyList(tokens, inner, key);
    if (list !== undefined) return list;
  }
  return orChain(tokens, inner);
}

interface Key {
  column: ColumnRef;
  end: number;
}

function inList(tokens: Tokens, range: Range, key: Key): KeyList | undefined {
  const open = key.end + 1;
  if (!tokens.is(key.end, k.in) || !isListOf(tokens, open, range.end)) return undefined;
  const values = elements(tokens, open + 1, range.end - 1);
  return keyListOf(tokens, range, key, 'in', values, false);
}

/** An opening parenthesis at `open` that closes right before `end` and holds no sub-query. */
function isListOf(tokens: Tokens, open: number, end: number): boolean {
  return tokens.kind[open] === T.Open && tokens.partner[open] === end - 1 && !beginsQuery(tokens, open + 1);
}

function keyListOf(
  tokens: Tokens,
  range: Range,
  key: Key,
  form: KeyList['form'],
  values: Value[],
  array: boolean,
): KeyList {
  const span = tokens.span(range.first, range.end - 1);
  return { column: key.column, form, values, array, span, columnSpan: key.column.span };
}

function elements(tokens: Tokens, first: number, end: number): Value[] {
  const values: Value[] = [];
  let from = first;
  for (let i = first; i < end; i++) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) i = tokens.partner[i] as number;
    else if (kind === T.Comma) {
      values.push(value(tokens, from, i));
      from = i + 1;
    }
  }
  if (from < end) values.push(value(tokens, from, end));
  return values;
}

function anyList(tokens: Tokens, range: Range, key: Key): KeyList | undefined {
  const word = tokens.keyword(key.end + 1);
  const open = key.end + 2;
  if (tokens.kind[key.end] !== T.Equals || (word !== k.any && word !== k.some)) return undefined;
  if (!isListOf(tokens, open, range.end)) return undefined;
  const inside = unwrap(tokens, { first: open + 1, end: range.end - 1 });
  const values = arrayElements(tokens, inside);
  if (values !== undefined) return keyListOf(tokens, range, key, 'any', values, false);
  const whole = constant(tokens, inside.first, inside.end);
  if (whole?.kind !== 'parameter' && whole?.kind !== 'string') return undefined;
  return keyListOf(tokens, range, key, 'any', [whole], true);
}

/** `ARRAY[…]`, `ARRAY[…]::type[]`, `CAST(ARRAY[…] AS type[])`; a cast of the array is a cast of its elements. */
function arrayElements(tokens: Tokens, { first, end }: Range): Value[] | undefined {
  if (
    tokens.is(first, k.cast) &&
    tokens.kind[first + 1] === T.Open &&
    tokens.partner[first + 1] === end - 1
  ) {
    let as = first + 2;
    while (as < end && !tokens.is(as, k.as))
      as = tokens.kind[as] === T.OpenBracket ? (tokens.partner[as] as number) + 1 : as + 1;
    return as < end
      ? castElements(tokens, { first: first + 2, end: as }, { first: as + 1, end: end - 1 })
      : undefined;
  }
  let close = first;
  if (tokens.is(first, k.array) && tokens.kind[first + 1] === T.OpenBracket)
    close = tokens.partner[first + 1] as number;
  else if (tokens.kind[first] === T.Open) close = tokens.partner[first] as number;
  else return undefined;
  const array = unwrap(tokens, { first, end: close + 1 });
  if (close + 1 === end) return bareArray(tokens, array);
  if (tokens.kind[close + 1] !== T.Cast) return undefined;
  return castElements(tokens, array, { first: close + 2, end });
}

function bareArray(tokens: Tokens, { first, end }: Range): Value[] | undefined {
  if (!tokens.is(first, k.array) || tokens.kind[first + 1] !== T.OpenBracket) return undefined;
  return tokens.partner[first + 1] === end - 1 ? elements(tokens, first + 2, end - 1) : undefined;
}

function castElements(tokens: Tokens, array: Range, type: Range): Value[] | undefined {
  const values = bareArray(tokens, array);
  const name = typeName(tokens, type.first);
  if (values === undefined || name?.end !== type.end || !name.name.endsWith('[]')) return undefined;
  const element = name.name.slice(0, -2);
  return values.map((one): Value => {
    if (one.kind !== 'parameter' && one.kind !== 'string' && one.kind !== 'number') return one;
    if (one.cast === undefined || one.cast === element) return { ...one, cast: element };
    const { start, end } = one.span;
    return { kind: 'other', text: tokens.text.toString('latin1', start, end), span: one.span };
  });
}

/** `key = a OR key = b`, each part in parentheses or not. */
function orChain(tokens: Tokens, range: Range): KeyList | undefined {
  const { kind, parts } = split(tokens, range);
  if (kind !== 'or') return undefined;
  const values: Value[] = [];
  let column: ColumnRef | undefined;
  for (const part of parts) {
    const one = equality(tokens, part);
    if (one === undefined) return undefined;
    column ??= one.column;
    if (!sameColumn(column, one.column)) return undefined;
    values.push(one.value);
  }
  if (column === undefined) return undefined;
  const span = tokens.span(range.first, range.end - 1);
  return { column, form: 'or', values, array: false, span, columnSpan: column.span };
}

function sameColumn(a: ColumnRef, b: ColumnRef): boolean {
  return a.column === b.column && a.qualifier === b.qualifier && a.schema === b.schema;
}

/** `(a, b) IN (…)`, or OR of ANDs of equalities: a list of composite keys. */
export function isCompositeList(tokens: Tokens, range: Range): boolean {
  const inner = unwrap(tokens, range);
  if (tokens.kind[inner.first] === T.Open) {
    const close = tokens.partner[inner.first] as number;
    if (tokens.is(close + 1, k.in) && isListOf(tokens, close + 2, inner.end)) return true;
  }
  const { kind, parts } = split(tokens, inner);
  return kind === 'or' && parts.every((part) => isAllEqualities(tokens, part));
}

function isAllEqualities(tokens: Tokens, range: Range): boolean {
  const parts = conjuncts(tokens, range);
  return (
    parts !== undefined && parts.length > 1 && parts.every((part) => equality(tokens, part) !== undefined)
  );
}

/** The first list at any depth of the range, NOT IN excepted. */
export function findKeyList(tokens: Tokens, range: Range): KeyList | undefined {
  for (let i = range.first + 1; i < range.end; i++) {
    const word = tokens.keyword(i);
    const before = word === k.in ? i : i - 1;
    if (word === k.in ? tokens.is(i - 1, k.not) : word !== k.any && word !== k.some) continue;
    if (tokens.kind[i + 1] !== T.Open) continue;
    let first = before - 1;
    while (first - 2 >= range.first && tokens.kind[first - 1] === T.Dot) first -= 2;
    const list = keyList(tokens, { first, end: (tokens.partner[i + 1] as number) + 1 });
    if (list !== undefined) return list;
  }
  const parts = conjuncts(tokens, range) ?? [];
  for (const part of parts) {
    const list = keyList(tokens, part);
    if (list !== undefined) return list;
  }
  return undefined;
}

export interface KeyConditions {
  list?: KeyList;
  listWithOthers: boolean;
  single?: Equality;
  compositeList: boolean;
}

/** What a DELETE's WHERE is, as far as keys go. */
export function keyConditions(tokens: Tokens, range: Range): KeyConditions {
  const none = { listWithOthers: false, compositeList: false };
  const parts = conjuncts(tokens, range);
  if (parts?.length === 1) {
    const part = parts[0] as Range;
    const list = keyList(tokens, part);
    if (list !== undefined) return { ...none, list };
    const single = equality(tokens, part);
    if (single !== undefined) return { ...none, single };
    if (isCompositeList(tokens, part)) return { ...none, compositeList: true };
  }
  return { ...none, listWithOthers: findKeyList(tokens, range) !== undefined };
}
