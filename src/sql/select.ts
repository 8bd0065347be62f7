/**
 * SELECT: clauses, select list, FROM, equalities. Step 4 of the flow (text -> shape).
 *
 * The outermost query's clauses are found by their reserved words at its own level of parentheses; everything that may
 * stand at any depth comes from the survey.
 */
import { equalities } from './conditions.ts';
import { fromClause } from './from.ts';
import { keywordId } from './keywords.ts';
import { columnRef, endOfName, isName, nameOf } from './names.ts';
import type { SelectItem, SelectShape, Value } from './shape.ts';
import { isInnerFrom, survey } from './survey.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';
import { value } from './values.ts';

const k = Object.fromEntries(
  (
    'select all distinct on as from where group having window order limit offset fetch for into union intersect except ' +
    'null row rows'
  )
    .split(' ')
    .map((word) => [word, keywordId(word)]),
) as Record<string, number>;

const clauseWords = 'into from where group having window order limit offset fetch for union intersect except';
const clauses = new Map(clauseWords.split(' ').map((word) => [k[word] as number, word]));

const setOperations = new Set(['union', 'intersect', 'except']);
/** Behind a set operation these belong to the whole; every other clause belongs to a later SELECT. */
const tail = new Set(['order', 'limit', 'offset', 'fetch', 'for', ...setOperations]);

/** Where each clause begins (its keyword) and ends; only the first of a kind. */
type Clauses = Map<string, { first: number; end: number }>;

function findClauses(tokens: Tokens, from: number, end: number): { found: Clauses; first: number } {
  const found: Clauses = new Map();
  let first = end;
  let combined = false;
  let open: { first: number; end: number } | undefined;
  for (let i = from; i < end; i++) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) {
      i = tokens.partner[i] as number;
      continue;
    }
    const name = kind === T.Word ? clauses.get(tokens.detail[i] as number) : undefined;
    if (name === undefined) continue;
    if (name === 'from' && isInnerFrom(tokens, i)) continue;
    if (open !== undefined) open.end = i;
    else first = i;
    open = { first: i, end };
    const later = combined && !tail.has(name);
    if (!found.has(name) && !later) found.set(name, open);
    if (setOperations.has(name)) combined = true;
  }
  return { found, first };
}

/** The query that begins with SELECT at token `first`; `start` is the statement's first token (WITH, or SELECT itself). */
export function selectShape(
  tokens: Tokens,
  start: number,
  first: number,
  end: number,
): SelectShape | undefined {
  let from = first + 1;
  const distinct = tokens.is(from, k['distinct'] as number);
  if (distinct || tokens.is(from, k['all'] as number)) from++;
  if (distinct && tokens.is(from, k['on'] as number) && tokens.kind[from + 1] === T.Open) {
    from = (tokens.partner[from + 1] as number) + 1;
  }
  const seen = survey(tokens, start, end);
  if (seen.unknown || seen.modifying) return undefined;
  const { found, first: afterItems } = findClauses(tokens, from, end);
  const has = (name: string): boolean => found.has(name);
  const fromAt = found.get('from');
  const plain =
    fromAt === undefined ? { tables: [], plain: false } : fromClause(tokens, fromAt.first + 1, fromAt.end);
  const where = found.get('where');
  const order = found.get('order');
  const itemSpan =
    afterItems > from
      ? tokens.span(from, afterItems - 1)
      : { start: tokens.end[first] as number, end: tokens.end[first] as number };
  return {
    kind: 'select',
    items: selectItems(tokens, from, afterItems),
    tables: plain.tables,
    plainFrom: plain.plain,
    tablesRead: seen.tables,
    functions: seen.functions,
    equalities: where === undefined ? [] : equalities(tokens, { first: where.first + 1, end: where.end }),
    hasWhere: where !== undefined,
    distinct,
    groupBy: has('group'),
    having: has('having'),
    window: seen.window || has('window'),
    aggregate: seen.aggregate,
    setOperation: has('union') || has('intersect') || has('except'),
    with: start !== first || seen.with,
    into: seen.into,
    subquery: seen.subquery,
    ...limits(tokens, found),
    fetch: has('fetch'),
    locking: seen.locking,
    userVariable: seen.userVariable,
    span: {
      items: itemSpan,
      ...(order === undefined ? {} : { orderBy: tokens.span(order.first, order.end - 1) }),
      body: tokens.span(start, end - 1),
    },
  };
}

function limits(tokens: Tokens, found: Clauses): { limit?: Value; offset?: Value } {
  const result: { limit?: Value; offset?: Value } = {};
  const offset = found.get('offset');
  if (offset !== undefined) {
    let end = offset.end;
    const last = tokens.keyword(end - 1);
    if (end - offset.first > 2 && (last === k['row'] || last === k['rows'])) end--;
    if (end > offset.first + 1) result.offset = value(tokens, offset.first + 1, end);
  }
  const limit = found.get('limit');
  if (limit === undefined || limit.end <= limit.first + 1) return result;
  const from = limit.first + 1;
  const comma = commaIn(tokens, from, limit.end);
  // MySQL: LIMIT offset, count
  if (comma > from && comma + 1 < limit.end) {
    result.offset = value(tokens, from, comma);
    result.limit = value(tokens, comma + 1, limit.end);
  } else if (!(
    limit.end - from === 1 &&
    (tokens.is(from, k['all'] as number) || tokens.is(from, k['null'] as number))
  )) {
    result.limit = value(tokens, from, limit.end);
  }
  return result;
}

function commaIn(tokens: Tokens, first: number, end: number): number {
  for (let i = first; i < end; i++) {
    if (tokens.kind[i] === T.Comma) return i;
    if (tokens.kind[i] === T.Open || tokens.kind[i] === T.OpenBracket) i = tokens.partner[i] as number;
  }
  return -1;
}

function selectItems(tokens: Tokens, first: number, end: number): SelectItem[] {
  const items: SelectItem[] = [];
  let from = first;
  for (let i = first; i < end; i++) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) i = tokens.partner[i] as number;
    else if (kind === T.Comma) {
      if (i > from) items.push(selectItem(tokens, from, i));
      from = i + 1;
    }
  }
  if (from < end) items.push(selectItem(tokens, from, end));
  return items;
}

function selectItem(tokens: Tokens, first: number, end: number): SelectItem {
  const item: SelectItem = { span: tokens.span(first, end - 1), star: false };
  if (tokens.kind[end - 1] === T.Star && (end - first === 1 || tokens.kind[end - 2] === T.Dot)) {
    return { ...item, star: true };
  }
  let last = end;
  if (end - first > 2 && tokens.is(end - 2, k['as'] as number)) {
    last = end - 2;
    item.alias = nameOf(tokens, end - 1);
  } else if (end - first > 1 && isName(tokens, end - 1) && endOfName(tokens, first) === end - 1) {
    last = end - 1;
    item.alias = nameOf(tokens, end - 1);
  }
  const column = columnRef(tokens, first, last);
  if (column !== undefined) item.column = column;
  return item;
}
