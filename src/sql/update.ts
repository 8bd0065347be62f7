/** UPDATE: its table, and a key list in WHERE. Step 4 of the flow (text -> shape). */
import { aliased } from './from.ts';
import { findKeyList } from './key-lists.ts';
import { keywordId } from './keywords.ts';
import { endOfName, tableName } from './names.ts';
import type { UpdateShape } from './shape.ts';
import { survey } from './survey.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const only = keywordId('only');
const ignore = keywordId('ignore');
const lowPriority = keywordId('low_priority');
const set = keywordId('set');
const where = keywordId('where');
const returning = keywordId('returning');

/** The UPDATE at token `first`; undefined when it writes more than one table or its target is not read. */
export function updateShape(tokens: Tokens, first: number, end: number): UpdateShape | undefined {
  const at = afterModifiers(tokens, first + 1);
  const after = endOfName(tokens, at);
  const table = after > at && after < end ? tableName(tokens, at, after) : undefined;
  if (table === undefined) return undefined;
  const behind = tokens.kind[after] === T.Star ? after + 1 : after;
  const i = tokens.is(behind, set) ? behind : aliased(tokens, after, end).end;
  if (i >= end || !tokens.is(i, set)) return undefined;
  const seen = survey(tokens, i, end);
  if (seen.modifying || seen.unknown) return undefined;
  const shape: UpdateShape = { kind: 'update', table };
  const condition = whereOf(tokens, i, end);
  const list = condition === undefined ? undefined : findKeyList(tokens, condition);
  if (list !== undefined) shape.list = list;
  return shape;
}

/** PG: ONLY. MySQL, MariaDB: LOW_PRIORITY, IGNORE. */
function afterModifiers(tokens: Tokens, from: number): number {
  if (tokens.dialect === 'postgres') return tokens.is(from, only) ? from + 1 : from;
  let i = from;
  while (tokens.is(i, lowPriority) || tokens.is(i, ignore)) i++;
  return i;
}

function whereOf(tokens: Tokens, from: number, end: number): { first: number; end: number } | undefined {
  let first = -1;
  for (let i = from; i < end; i++) {
    if (tokens.kind[i] === T.Open || tokens.kind[i] === T.OpenBracket) i = tokens.partner[i] as number;
    else if (tokens.is(i, where)) first = i + 1;
    else if (tokens.is(i, returning) && first > 0) return { first, end: i };
  }
  return first > 0 && first < end ? { first, end } : undefined;
}
