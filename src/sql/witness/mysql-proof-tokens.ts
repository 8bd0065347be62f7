/**
 * MySQL, MariaDB: the tokens that a faithful rewrite consists of, built from the originals' tokens alone. Serves the
 * witness's proofs, step 7 of the flow.
 */
import { lexMysql } from '../lex-mysql.ts';
import type { DeleteShape, LexerSettings, SelectShape, Span, TableRef } from '../shape.ts';
import { Tokens } from '../tokens.ts';

const scratch = new Tokens();

/** Every token's bytes in the span, comments and blanks aside; undefined when the text cannot be read for certain. */
export function tokensOf(
  text: Buffer,
  settings: LexerSettings | undefined,
  span?: Span,
): string[] | undefined {
  if (!lexMysql(text, scratch, settings)) return undefined;
  const found: string[] = [];
  for (let i = 0; i < scratch.count; i++) {
    const start = scratch.start[i] as number;
    const end = scratch.end[i] as number;
    if (span === undefined || (start >= span.start && end <= span.end)) found.push(scratch.raw(i));
  }
  return found;
}

export function sameTokens(a: readonly string[], b: readonly string[] | undefined): boolean {
  return b?.length === a.length && a.every((token, i) => token === b[i]);
}

export interface SplitGiven {
  selectText: Buffer;
  select: SelectShape;
  deleteText: Buffer;
  deletion: DeleteShape;
  target: TableRef;
  settings: LexerSettings | undefined;
}

/** Undefined when a question mark would be lost, or the SELECT has no FROM. */
export function expectedMultiple(given: SplitGiven): string[] | undefined {
  const { selectText, select, target, settings } = given;
  const query = unordered(given);
  if (query === undefined) return undefined;
  const from = topLevel(query, ['FROM']);
  const aliased = target.aliasSpan.start >= target.nameSpan.end;
  const named = tokensOf(selectText, settings, aliased ? target.aliasSpan : target.nameSpan);
  if (from < 0 || named === undefined || query.slice(0, from).includes('?')) return undefined;
  return select.distinct ? undefined : around(given, ['DELETE', ...named, ...query.slice(from)]);
}

export function expectedDerived(given: SplitGiven): string[] | undefined {
  const { selectText, select, deletion, target, settings } = given;
  const query = unordered(given);
  const table = tokensOf(selectText, settings, target.nameSpan);
  const item = select.items[0];
  const output = item?.alias ?? item?.column?.column;
  if (query === undefined || table === undefined || output === undefined || deletion.list === undefined)
    return undefined;
  const key = quoted(deletion.list.column.column);
  const front = words('DELETE interlock_target FROM (');
  const middle = words(') AS interlock_ids STRAIGHT_JOIN');
  const end = words('AS interlock_target ON interlock_ids .');
  const condition = [quoted(output), '=', 'interlock_target', '.', key];
  return around(given, [...front, ...query, ...middle, ...table, ...end, ...condition]);
}

const words = (text: string): string[] => text.split(' ');

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** The SELECT without its ORDER BY, which must not hold a question mark. */
function unordered({ selectText, select, settings }: SplitGiven): string[] | undefined {
  const { body, orderBy } = select.span;
  if (orderBy === undefined) return tokensOf(selectText, settings, body);
  const before = tokensOf(selectText, settings, { start: body.start, end: orderBy.start });
  const behind = tokensOf(selectText, settings, { start: orderBy.end, end: body.end });
  const order = tokensOf(selectText, settings, orderBy);
  if (before === undefined || behind === undefined || order === undefined || order.includes('?'))
    return undefined;
  return [...before, ...behind];
}

/** In the place of the DELETE's body, whose question marks all stand in its list. */
function around({ deleteText, deletion, settings }: SplitGiven, body: string[]): string[] | undefined {
  const { list } = deletion;
  if (list === undefined) return undefined;
  const whole = tokensOf(deleteText, settings);
  const inList = tokensOf(deleteText, settings, list.span);
  const front = tokensOf(deleteText, settings, { start: 0, end: deletion.body.start });
  const behind = tokensOf(deleteText, settings, { start: deletion.body.end, end: deleteText.length });
  if (whole === undefined || inList === undefined || front === undefined || behind === undefined)
    return undefined;
  return marks(whole) === marks(inList) ? [...front, ...body, ...behind] : undefined;
}

const marks = (tokens: readonly string[]): number => tokens.filter((token) => token === '?').length;

/**
 * The SELECT with FOR UPDATE behind its last token. With `out`, which gives the key's name and value, its condition is
 * put in parentheses and followed by `AND table . key = value` as well.
 */
export function expectedLocked(
  text: Buffer,
  select: SelectShape,
  settings: LexerSettings | undefined,
  out?: readonly string[],
): string[] | undefined {
  const body = tokensOf(text, settings, select.span.body);
  const behind = tokensOf(text, settings, { start: select.span.body.end, end: text.length });
  if (body === undefined || behind === undefined) return undefined;
  const end = ['FOR', 'UPDATE', ...behind];
  if (out === undefined) return [...body, ...end];
  const [table, more] = select.tables;
  if (table === undefined || more !== undefined) return undefined;
  const alias = tokensOf(text, settings, table.aliasSpan)?.[0];
  const where = topLevel(body, ['WHERE']);
  if (alias === undefined || where < 0) return undefined;
  const after = topLevel(
    body,
    ['GROUP', 'HAVING', 'ORDER', 'LIMIT', 'PROCEDURE', 'INTO', 'UNION', 'WINDOW'],
    where,
  );
  const condition = body.slice(where + 1, after < 0 ? body.length : after);
  const rest = after < 0 ? [] : body.slice(after);
  // ( condition ) AND alias . key = value
  const at = where + 1 + condition.length + 5;
  const key = out[at] ?? '';
  const width = out.length - body.length - end.length - 7;
  const value = out.slice(at + 2, at + 2 + width);
  if (!/^`(?:[^`]|``)+`$/.test(key) || !isConstant(value)) return undefined;
  return [
    ...body.slice(0, where + 1),
    '(',
    ...condition,
    ')',
    'AND',
    alias,
    '.',
    key,
    '=',
    ...value,
    ...rest,
    ...end,
  ];
}

/** `5`, `-5`, `'a'`, `X'0f'`, `_binary 'a'`. */
function isConstant(value: readonly string[]): boolean {
  const last = value.at(-1) ?? '';
  if (value.length === 2)
    return value[0] === '-' ? /^[\d.]/.test(last) : value[0] === '_binary' && last.startsWith("'");
  return value.length === 1 && /^(?:[\d.]|[xX]?')/.test(last);
}

/** Index of the first of these words at or behind `from` that is in no parenthesis opened there; -1 without one. */
function topLevel(tokens: readonly string[], words: readonly string[], from = 0): number {
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i] ?? '';
    if (token === '(') depth++;
    else if (token === ')') depth--;
    else if (depth === 0 && words.includes(token.toUpperCase()) && tokens[i - 1] !== '.') return i;
  }
  return -1;
}
