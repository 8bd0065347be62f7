/** INSERT: table, columns, VALUES rows. Step 4 of the flow (text -> shape). */
import { keywordId } from './keywords.ts';
import { caselessName, endOfName, isName, tableName } from './names.ts';
import type { InsertShape, Value } from './shape.ts';
import { survey } from './survey.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';
import { value } from './values.ts';

const k = {
  into: keywordId('into'),
  as: keywordId('as'),
  values: keywordId('values'),
  ignore: keywordId('ignore'),
  on: keywordId('on'),
  overriding: keywordId('overriding'),
  lowPriority: keywordId('low_priority'),
  highPriority: keywordId('high_priority'),
  delayed: keywordId('delayed'),
  set: keywordId('set'),
  value: keywordId('value'),
  row: keywordId('row'),
};

/** The INSERT at token `first`; undefined when its target is not read. */
export function insertShape(
  tokens: Tokens,
  first: number,
  end: number,
  maxValues: number,
): InsertShape | undefined {
  const mysql = tokens.dialect !== 'postgres';
  let i = first + 1;
  if (mysql && (tokens.is(i, k.lowPriority) || tokens.is(i, k.highPriority) || tokens.is(i, k.delayed))) i++;
  const ignore = mysql && tokens.is(i, k.ignore);
  if (ignore) i++;
  if (tokens.is(i, k.into)) i++;
  else if (!mysql) return undefined;
  const after = endOfName(tokens, i);
  const table = after > i ? tableName(tokens, i, after) : undefined;
  if (table === undefined) return undefined;
  if (survey(tokens, after, end).modifying) return undefined;
  i = after;
  if (tokens.is(i, k.as) && i + 1 < end) i += 2;
  const assigned = mysql && tokens.is(i, k.set) ? assignments(tokens, i + 1, end, maxValues) : undefined;
  const columns = assigned ?? columnList(tokens, i);
  i = columns?.end ?? i;
  if (tokens.is(i, k.overriding)) i += 3;
  const shape: InsertShape = {
    kind: 'insert',
    table,
    columns: columns?.names ?? [],
    quiet: ignore || hasOnClause(tokens, after, end),
  };
  if (assigned?.row !== undefined) shape.rows = [assigned.row];
  else if (columns !== undefined && (tokens.is(i, k.values) || (mysql && tokens.is(i, k.value)))) {
    const rows = valueRows(tokens, i + 1, end, columns.names.length, maxValues);
    if (rows !== undefined) shape.rows = rows;
  }
  return shape;
}

/** `(a, b, …)`; undefined when it is none or holds anything but names. */
function columnList(tokens: Tokens, open: number): { names: string[]; end: number } | undefined {
  if (tokens.kind[open] !== T.Open) return undefined;
  const close = tokens.partner[open] as number;
  const names: string[] = [];
  for (let i = open + 1; i < close; i += 2) {
    const separator = tokens.kind[i + 1];
    if (!isName(tokens, i) || (separator !== T.Comma && i + 1 !== close)) return undefined;
    names.push(caselessName(tokens, i));
  }
  return names.length === 0 ? undefined : { names, end: close + 1 };
}

interface Assignments {
  names: string[];
  row?: Value[];
  end: number;
}

/** MySQL, MariaDB: `SET a = 1, b = 2`, up to the end or ON DUPLICATE KEY; undefined when it is anything else. */
function assignments(tokens: Tokens, first: number, end: number, max: number): Assignments | undefined {
  const names: string[] = [];
  const row: Value[] = [];
  let from = first;
  for (let i = first; i <= end; i++) {
    if (i < end && (tokens.kind[i] === T.Open || tokens.kind[i] === T.OpenBracket)) {
      i = tokens.partner[i] as number;
    } else if (i === end || tokens.kind[i] === T.Comma || tokens.is(i, k.on)) {
      if (!isName(tokens, from) || tokens.kind[from + 1] !== T.Equals || i < from + 3) return undefined;
      names.push(caselessName(tokens, from));
      row.push(value(tokens, from + 2, i));
      from = i + 1;
      if (i < end && tokens.is(i, k.on)) return rowWithin(names, row, i, max);
    }
  }
  return rowWithin(names, row, end, max);
}

function rowWithin(names: string[], row: Value[], end: number, max: number): Assignments {
  return row.length > max ? { names, end } : { names, row, end };
}

/** ON CONFLICT or ON DUPLICATE KEY at the statement's own level. */
function hasOnClause(tokens: Tokens, from: number, end: number): boolean {
  for (let i = from; i < end; i++) {
    if (tokens.kind[i] === T.Open || tokens.kind[i] === T.OpenBracket) i = tokens.partner[i] as number;
    else if (tokens.is(i, k.on)) return true;
  }
  return false;
}

function valueRows(
  tokens: Tokens,
  from: number,
  end: number,
  width: number,
  max: number,
): Value[][] | undefined {
  const rows: Value[][] = [];
  let i = from;
  let kept = 0;
  while (i < end && (tokens.kind[i] === T.Open || isRow(tokens, i))) {
    if (tokens.kind[i] !== T.Open) i++;
    const close = tokens.partner[i] as number;
    const row = rowValues(tokens, i + 1, close, width);
    if (row === undefined || (kept += width) > max) return undefined;
    rows.push(row);
    i = close + 1;
    if (tokens.kind[i] !== T.Comma) break;
    i++;
  }
  return rows.length === 0 ? undefined : rows;
}

/** MySQL: VALUES ROW(1, 2), … */
function isRow(tokens: Tokens, i: number): boolean {
  return tokens.dialect !== 'postgres' && tokens.is(i, k.row) && tokens.kind[i + 1] === T.Open;
}

function rowValues(tokens: Tokens, first: number, end: number, width: number): Value[] | undefined {
  const row: Value[] = [];
  let from = first;
  for (let i = first; i <= end; i++) {
    const kind = i === end ? T.Comma : tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) i = tokens.partner[i] as number;
    else if (kind === T.Comma) {
      if (from === i || row.length === width) return undefined;
      row.push(value(tokens, from, i));
      from = i + 1;
    }
  }
  return row.length === width ? row : undefined;
}
