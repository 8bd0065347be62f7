/** DELETE: target, and the key list that its WHERE may be. Step 4 of the flow (text -> shape). */
import { afterDeleteModifiers, multipleTableDelete } from './delete-mysql.ts';
import { aliased, tableRef } from './from.ts';
import { keyConditions } from './key-lists.ts';
import type { KeyConditions } from './key-lists.ts';
import { keywordId } from './keywords.ts';
import { endOfName, tableName } from './names.ts';
import type { DeleteShape, TableRef } from './shape.ts';
import { survey } from './survey.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const k = {
  from: keywordId('from'),
  only: keywordId('only'),
  using: keywordId('using'),
  where: keywordId('where'),
  current: keywordId('current'),
  returning: keywordId('returning'),
  order: keywordId('order'),
  limit: keywordId('limit'),
};

/** The DELETE at token `first`; undefined when its target is not read. */
export function deleteShape(tokens: Tokens, first: number, end: number): DeleteShape | undefined {
  if (tokens.dialect === 'postgres') return singleTableDelete(tokens, first, end);
  const from = afterDeleteModifiers(tokens, first + 1);
  const multiple = multipleTableDelete(tokens, first, from, end);
  if (multiple !== undefined) return multiple;
  const single = singleTableDelete(tokens, from - 1, end);
  if (single === undefined || tablesBehind(tokens, from + 1, end)) return undefined;
  // IGNORE deletes what it can; with the other two nothing is known to depend on them, and no ORM sends them
  if (from > first + 1) single.other = true;
  single.body.start = tokens.start[first] as number;
  return single;
}

/** `DELETE FROM a, b USING …`: a comma or USING in front of the clauses. */
function tablesBehind(tokens: Tokens, from: number, end: number): boolean {
  for (let i = from; i < end; i++) {
    const word = tokens.keyword(i);
    if (tokens.kind[i] === T.Comma || word === k.using) return true;
    if (tokens.kind[i] === T.Open) i = tokens.partner[i] as number;
    else if (word === k.where || word === k.order || word === k.limit || word === k.returning) return false;
  }
  return false;
}

/** `first` is the token in front of FROM. */
function singleTableDelete(tokens: Tokens, first: number, end: number): DeleteShape | undefined {
  if (!tokens.is(first + 1, k.from)) return undefined;
  const table = target(tokens, first + 2, end);
  if (table === undefined) return undefined;
  const clauses = findClauses(tokens, table.end, end);
  const seen = survey(tokens, table.end, end);
  if (seen.unknown || seen.modifying) return undefined;
  const using = clauses.using === 0 ? undefined : survey(tokens, clauses.using + 1, clauses.afterUsing, true);
  const { where } = clauses;
  const current = where !== undefined && tokens.is(where.first, k.current);
  const keys: KeyConditions =
    where === undefined || where.first >= where.end || current
      ? { listWithOthers: false, compositeList: false }
      : keyConditions(tokens, where);
  const shape: DeleteShape = {
    kind: 'delete',
    table: table.ref,
    listWithOthers: keys.listWithOthers,
    compositeList: keys.compositeList,
    returning: clauses.returning,
    other: clauses.other || current || clauses.using !== 0 || seen.userVariable,
    tablesRead: using === undefined ? seen.tables : [...using.tables, ...seen.tables],
    body: tokens.span(first, end - 1),
  };
  if (keys.list !== undefined) shape.list = keys.list;
  if (keys.single !== undefined) shape.single = keys.single;
  return shape;
}

/** `[ONLY] name [*] [[AS] alias]` */
function target(tokens: Tokens, first: number, end: number): { ref: TableRef; end: number } | undefined {
  const only = tokens.dialect === 'postgres' && tokens.is(first, k.only);
  const at = only ? first + 1 : first;
  const after = endOfName(tokens, at);
  const name = after > at && after <= end ? tableName(tokens, at, after) : undefined;
  if (name === undefined) return undefined;
  const { alias, end: behind } = aliased(tokens, after, end);
  return { ref: tableRef(tokens, name, at, after, alias, only), end: behind };
}

interface Clauses {
  /** Index of USING, or 0. */
  using: number;
  afterUsing: number;
  where: { first: number; end: number } | undefined;
  returning: boolean;
  other: boolean;
}

function findClauses(tokens: Tokens, from: number, end: number): Clauses {
  const found: Clauses = { using: 0, afterUsing: end, where: undefined, returning: false, other: false };
  for (let i = from; i < end; i++) {
    const kind = tokens.kind[i];
    const before = found.where === undefined && found.using === 0 && !found.returning;
    if (kind === T.Open || kind === T.OpenBracket) {
      if (before) found.other = true;
      i = tokens.partner[i] as number;
      continue;
    }
    const word = tokens.keyword(i);
    if (word === k.using) found.using = i;
    else if (word === k.where && found.where === undefined) {
      found.where = { first: i + 1, end };
      found.afterUsing = i;
    } else if (word === k.returning || word === k.order || word === k.limit) {
      if (word === k.returning) found.returning = true;
      else found.other = true;
      if (found.where === undefined) found.afterUsing = Math.min(found.afterUsing, i);
      else if (found.where.end === end) found.where.end = i;
    } else if (before) found.other = true;
  }
  return found;
}
