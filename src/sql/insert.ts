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
};

/** The INSERT at token `first`; undefined when its target is not read. */
export function insertShape(
  tokens: Tokens,
  first: number,
  end: number,
  maxValues: number,
): InsertShape | undefined {
  let i = first + 1;
  const ignore = tokens.is(i, k.ignore);
  if (ignore) i++;
  if (!tokens.is(i, k.into)) return undefined;
  i++;
  const after = endOfName(tokens, i);
  const table = after > i ? tableName(tokens, i, after) : undefined;
  if (table === undefined) return undefined;
  if (survey(tokens, after, end).modifying) return undefined;
  i = after;
  if (tokens.is(i, k.as) && i + 1 < end) i += 2;
  const columns = columnList(tokens, i);
  i = columns?.end ?? i;
  if (tokens.is(i, k.overriding)) i += 3;
  const shape: InsertShape = {
    kind: 'insert',
    table,
    columns: columns?.names ?? [],
    quiet: ignore || hasOnClause(tokens, after, end),
  };
  if (columns !== undefined && tokens.is(i, k.values)) {
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
  while (i < end && tokens.kind[i] === T.Open) {
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
