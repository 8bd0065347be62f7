/**
 * SELECT: clauses, select list, FROM, equalities. Step 4 of the flow (text -> shape).
 *
 * The outermost query's clauses are found by their reserved words at its own level of parentheses; everything that may
 * stand at any depth comes from the survey.
 */
import { clauseEnd, clauseFirst, findClauses, hasClause } from './clauses.ts';
import { equalities } from './conditions.ts';
import { fromClause } from './from.ts';
import { keywordId } from './keywords.ts';
import { caselessName, columnRef, endOfName, isName } from './names.ts';
import type { SelectItem, SelectShape, Span } from './shape.ts';
import { survey } from './survey.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';
import { value } from './values.ts';

const k = {
  all: keywordId('all'),
  distinct: keywordId('distinct'),
  on: keywordId('on'),
  as: keywordId('as'),
  null: keywordId('null'),
  row: keywordId('row'),
  rows: keywordId('rows'),
  from: keywordId('from'),
  distinctrow: keywordId('distinctrow'),
  calcFoundRows: keywordId('sql_calc_found_rows'),
};

/** MySQL, MariaDB: words between SELECT and the list, in any order (manual 15.2.13). */
const modifiers = new Set(
  (
    'all high_priority straight_join sql_small_result sql_big_result sql_buffer_result sql_no_cache sql_cache ' +
    'distinct distinctrow sql_calc_found_rows'
  )
    .split(' ')
    .map(keywordId),
);

/** The query that begins with SELECT at token `first`; `start` is the statement's first token (WITH, or SELECT itself). */
export function selectShape(
  tokens: Tokens,
  start: number,
  first: number,
  end: number,
): SelectShape | undefined {
  const head = tokens.dialect === 'postgres' ? afterDistinct(tokens, first) : afterModifiers(tokens, first);
  const { from, distinct } = head;
  const seen = survey(tokens, start, end);
  if (seen.unknown || seen.modifying) return undefined;
  // the app is going to ask for FOUND_ROWS(), and every statement in between changes it
  if (head.foundRows) seen.functions.push('found_rows');
  const afterItems = findClauses(tokens, from, end);
  const source = hasClause('from')
    ? fromClause(tokens, clauseFirst('from') + 1, clauseEnd('from'))
    : { tables: [], plain: false };
  const where = hasClause('where') ? { first: clauseFirst('where') + 1, end: clauseEnd('where') } : undefined;
  const shape: SelectShape = {
    kind: 'select',
    items: selectItems(tokens, from, afterItems),
    tables: source.tables,
    plainFrom: source.plain,
    tablesRead: seen.tables,
    functions: seen.functions,
    equalities: where === undefined ? [] : equalities(tokens, where),
    hasWhere: where !== undefined,
    distinct,
    groupBy: hasClause('group'),
    having: hasClause('having'),
    window: seen.window || hasClause('window'),
    aggregate: seen.aggregate,
    setOperation: hasClause('union') || hasClause('intersect') || hasClause('except'),
    with: start !== first || seen.with,
    into: seen.into,
    subquery: seen.subquery,
    fetch: hasClause('fetch'),
    locking: seen.locking,
    userVariable: seen.userVariable || tokens.setsVariable,
    span: { items: itemSpan(tokens, first, from, afterItems), body: tokens.span(start, end - 1) },
  };
  if (hasClause('order')) shape.span.orderBy = tokens.span(clauseFirst('order'), clauseEnd('order') - 1);
  setLimits(tokens, shape);
  return shape;
}

/** A word in front of token i is an item of its own: `SELECT sql_cache, …`, where that is no reserved word. */
function endsItem(tokens: Tokens, i: number): boolean {
  return tokens.kind[i] === T.Comma || tokens.kind[i] === T.End || tokens.is(i, k.from);
}

interface Head {
  /** Index of the first token of the list. */
  from: number;
  distinct: boolean;
  foundRows: boolean;
}

/** `SELECT [ALL | DISTINCT [ON (…)]]` */
function afterDistinct(tokens: Tokens, select: number): Head {
  let from = select + 1;
  const distinct = tokens.is(from, k.distinct);
  if (distinct || tokens.is(from, k.all)) from++;
  if (distinct && tokens.is(from, k.on) && tokens.kind[from + 1] === T.Open) {
    from = (tokens.partner[from + 1] as number) + 1;
  }
  return { from, distinct, foundRows: false };
}

function afterModifiers(tokens: Tokens, select: number): Head {
  const head: Head = { from: select + 1, distinct: false, foundRows: false };
  for (; ; head.from++) {
    const word = tokens.keyword(head.from);
    if (!modifiers.has(word) || endsItem(tokens, head.from + 1)) return head;
    if (word === k.distinct || word === k.distinctrow) head.distinct = true;
    if (word === k.calcFoundRows) head.foundRows = true;
  }
}

/** Without items (`SELECT FROM t`) the empty span behind SELECT. */
function itemSpan(tokens: Tokens, select: number, from: number, end: number): Span {
  if (end > from) return tokens.span(from, end - 1);
  const at = tokens.end[select] as number;
  return { start: at, end: at };
}

function setLimits(tokens: Tokens, shape: SelectShape): void {
  if (hasClause('offset')) {
    const from = clauseFirst('offset') + 1;
    let end = clauseEnd('offset');
    const last = tokens.keyword(end - 1);
    if (end - from > 1 && (last === k.row || last === k.rows)) end--;
    if (end > from) shape.offset = value(tokens, from, end);
  }
  if (!hasClause('limit')) return;
  const from = clauseFirst('limit') + 1;
  const end = clauseEnd('limit');
  const none = end - from === 1 && (tokens.is(from, k.all) || tokens.is(from, k.null));
  if (end <= from || none) return;
  const comma = commaIn(tokens, from, end);
  // MySQL: LIMIT offset, count
  if (comma > from && comma + 1 < end) {
    shape.offset = value(tokens, from, comma);
    shape.limit = value(tokens, comma + 1, end);
  } else shape.limit = value(tokens, from, end);
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
  if (end - first > 2 && tokens.is(end - 2, k.as)) {
    // MySQL: AS 'x'
    if (tokens.kind[end - 1] === T.String) return item;
    last = end - 2;
    item.alias = caselessName(tokens, end - 1);
  } else if (end - first > 1 && isName(tokens, end - 1) && endOfName(tokens, first) === end - 1) {
    last = end - 1;
    item.alias = caselessName(tokens, end - 1);
  }
  const column = columnRef(tokens, first, last);
  if (column !== undefined) item.column = column;
  return item;
}
