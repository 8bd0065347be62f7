/**
 * The top-level FROM clause: tables, aliases, and which of them an outer join may fill with NULL. Step 4 of the flow
 * (text -> shape).
 *
 * Invariant: `plain` is true only when every item was read as a table with nothing but an alias (and index hints), joined
 * by comma or JOIN.
 */
import { endOfIndexHint } from './index-hints.ts';
import { keywordId } from './keywords.ts';
import { endOfName, isName, nameOf, tableName } from './names.ts';
import type { Name, TableRef } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const k = {
  only: keywordId('only'),
  as: keywordId('as'),
  join: keywordId('join'),
  on: keywordId('on'),
  using: keywordId('using'),
  natural: keywordId('natural'),
  cross: keywordId('cross'),
  inner: keywordId('inner'),
  left: keywordId('left'),
  right: keywordId('right'),
  full: keywordId('full'),
  outer: keywordId('outer'),
  lateral: keywordId('lateral'),
  straightJoin: keywordId('straight_join'),
};

export interface FromClause {
  tables: TableRef[];
  plain: boolean;
}

interface Reader extends FromClause {
  tokens: Tokens;
}

/** Reads the tokens [first, end) behind FROM. */
export function fromClause(tokens: Tokens, first: number, end: number): FromClause {
  const reader: Reader = { tokens, tables: [], plain: true };
  joins(reader, first, end);
  if (reader.tables.length === 0) reader.plain = false;
  return { tables: reader.tables, plain: reader.plain };
}

/** `a JOIN b ON … , c LEFT JOIN d …`; depth of recursion is the depth of parentheses. */
function joins(reader: Reader, first: number, end: number): void {
  const { tokens, tables } = reader;
  let group = tables.length;
  let i = factor(reader, first, end);
  while (i < end && reader.plain) {
    if (tokens.kind[i] === T.Comma) {
      group = tables.length;
      i = factor(reader, i + 1, end);
      continue;
    }
    const join = joinAt(tokens, i);
    if (join === undefined) {
      reader.plain = false;
      return;
    }
    const joined = tables.length;
    i = factor(reader, join.end, end);
    if (join.side === 'left' || join.side === 'full') setNullable(tables, joined, tables.length);
    if (join.side === 'right' || join.side === 'full') setNullable(tables, group, joined);
    i = endOfCondition(reader, i, end);
  }
}

function setNullable(tables: TableRef[], first: number, end: number): void {
  for (let i = first; i < end; i++) (tables[i] as TableRef).nullable = true;
}

interface Join {
  side: 'inner' | 'left' | 'right' | 'full';
  end: number;
}

function joinAt(tokens: Tokens, i: number): Join | undefined {
  let at = i;
  let side: Join['side'] = 'inner';
  const word = tokens.keyword(at);
  if (word === k.cross || word === k.inner) at++;
  else if (word === k.left || word === k.right || word === k.full) {
    side = word === k.left ? 'left' : word === k.right ? 'right' : 'full';
    at++;
    if (tokens.is(at, k.outer)) at++;
  }
  if (at === i && word === k.straightJoin) return { side, end: at + 1 };
  return tokens.is(at, k.join) ? { side, end: at + 1 } : undefined;
}

/** Skips ON and its condition; USING merges columns and is not plain. */
function endOfCondition(reader: Reader, from: number, end: number): number {
  const { tokens } = reader;
  if (tokens.is(from, k.using)) reader.plain = false;
  if (!tokens.is(from, k.on)) return from;
  let i = from + 1;
  while (i < end) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) i = tokens.partner[i] as number;
    else if (kind === T.Comma || (kind === T.Word && joinAt(tokens, i) !== undefined)) return i;
    else if (tokens.is(i, k.natural) || tokens.is(i, k.on)) {
      // `a JOIN b JOIN c ON … ON …` nests without parentheses
      reader.plain = false;
      return end;
    }
    i++;
  }
  return end;
}

function factor(reader: Reader, first: number, end: number): number {
  const { tokens } = reader;
  if (tokens.kind[first] === T.Open) return parenthesised(reader, first, end);
  let i = first;
  const only = tokens.dialect === 'postgres' && tokens.is(i, k.only);
  if (only) i++;
  const after = endOfName(tokens, i);
  const name = after > i && after <= end ? tableName(tokens, i, after) : undefined;
  if (name === undefined || tokens.kind[after] === T.Open) return notPlain(reader, end);
  const table = aliased(tokens, after, end);
  for (let hint = endOfIndexHint(tokens, table.end); hint > table.end; hint = endOfIndexHint(tokens, hint)) {
    table.end = hint;
  }
  if (table.end < end && !endsFactor(tokens, table.end)) return notPlain(reader, end);
  reader.tables.push(tableRef(tokens, name, i, after, table.alias, only));
  return table.end;
}

function endsFactor(tokens: Tokens, i: number): boolean {
  if (tokens.kind[i] === T.Comma) return true;
  const word = tokens.keyword(i);
  return word === k.on || word === k.using || joinAt(tokens, i) !== undefined;
}

function notPlain(reader: Reader, end: number): number {
  reader.plain = false;
  return end;
}

/** `(a JOIN b ON …)`; a sub-query or an alias behind it is not plain. */
function parenthesised(reader: Reader, first: number, end: number): number {
  const { tokens } = reader;
  const close = tokens.partner[first] as number;
  joins(reader, first + 1, close);
  const after = close + 1;
  if (after < end && !endsFactor(tokens, after)) return notPlain(reader, end);
  return after;
}

/** `name [*] [[AS] alias]`, the name being the tokens [first, after): index of the alias or last name part, index behind. */
export function aliased(tokens: Tokens, after: number, end: number): { alias: number; end: number } {
  const i = after < end && tokens.kind[after] === T.Star ? after + 1 : after;
  if (i < end && tokens.is(i, k.as) && isNameOrWord(tokens, i + 1)) return { alias: i + 1, end: i + 2 };
  if (i < end && isName(tokens, i)) return { alias: i, end: i + 1 };
  return { alias: after - 1, end: i };
}

/** The table whose name is the tokens [first, after). */
export function tableRef(
  tokens: Tokens,
  name: Name,
  first: number,
  after: number,
  alias: number,
  only: boolean,
): TableRef {
  return {
    name,
    alias: nameOf(tokens, alias),
    aliasSpan: tokens.span(alias, alias),
    nameSpan: tokens.span(first, after - 1),
    nullable: false,
    only,
  };
}

function isNameOrWord(tokens: Tokens, i: number): boolean {
  return tokens.kind[i] === T.Word || tokens.kind[i] === T.Quoted;
}
