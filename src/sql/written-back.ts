/**
 * `UPDATE t SET column = constant, … WHERE conditions` taken apart, for the look in front of it: what it is about to write
 * over. Read for candidates only, not for every UPDATE. Step 4 of the flow.
 */
import { aliased, tableRef } from './from.ts';
import { keywordId } from './keywords.ts';
import { lex } from './lexer.ts';
import { caselessName, endOfName, tableName } from './names.ts';
import type { LexerSettings, Span, TableRef } from './shape.ts';
import { T, Tokens } from './tokens.ts';
import { constant } from './values.ts';

export interface WrittenBack {
  table: TableRef;
  /** Name and alias, as they stand there. */
  target: Span;
  /** Behind WHERE. */
  where: Span;
  /** `column = constant`. What is computed (`hits = hits + 1`) reads the row anew and loses nothing. */
  constants: { column: string; value: Span }[];
  /** Of its WHERE, in order. */
  parameters: { index: number; span: Span }[];
}

const k = Object.fromEntries(
  [
    'update',
    'set',
    'where',
    'returning',
    'select',
    'from',
    'order',
    'limit',
    'current',
    'and',
    'or',
    'not',
    'in',
  ].map((word) => [word, keywordId(word)]),
) as Record<string, number>;

const tokens = new Tokens();
const is = (i: number, word: string): boolean => tokens.is(i, k[word] ?? -1);

/** Undefined where it is anything else: several tables, ORDER BY, LIMIT, a function or sub-query in its WHERE, parameters in what is computed. */
export function writtenBack(text: Buffer, settings: LexerSettings): WrittenBack | undefined {
  lex(text, settings, tokens);
  const end = tokens.kind[tokens.count - 1] === T.Semicolon ? tokens.count - 1 : tokens.count;
  if (tokens.lexical || tokens.statements !== 1 || !is(0, 'update')) return undefined;
  const after = endOfName(tokens, 1);
  const name = after > 1 ? tableName(tokens, 1, after) : undefined;
  if (name === undefined) return undefined;
  // SET is a name to PostgreSQL, but not behind a table.
  const { alias, end: set } = is(after, 'set')
    ? { alias: after - 1, end: after }
    : aliased(tokens, after, end);
  if (!is(set, 'set')) return undefined;
  const where = topLevel(set + 1, end, ['where']);
  if (where >= end || topLevel(set + 1, end, ['from', 'order', 'limit']) < end) return undefined;
  const stop = topLevel(where + 1, end, ['returning']);
  const constants = assignments(set + 1, where);
  if (constants === undefined || !isPlain(where + 1, stop)) return undefined;
  return {
    table: tableRef(tokens, name, 1, after, alias, false),
    target: tokens.span(1, set - 1),
    where: tokens.span(where + 1, stop - 1),
    constants,
    parameters: parametersIn(where + 1, stop),
  };
}

/** Index of the first of the words outside of parentheses, or `end`. */
function topLevel(from: number, end: number, words: string[]): number {
  for (let i = from; i < end; i++) {
    if (tokens.kind[i] === T.Open || tokens.kind[i] === T.OpenBracket) i = tokens.partner[i] as number;
    else if (words.some((word) => is(i, word))) return i;
  }
  return end;
}

function assignments(from: number, end: number): WrittenBack['constants'] | undefined {
  const found: WrittenBack['constants'] = [];
  for (let i = from; i < end;) {
    const equals = endOfName(tokens, i);
    if (equals === i || tokens.kind[equals] !== T.Equals) return undefined;
    let stop = equals + 1;
    while (stop < end && tokens.kind[stop] !== T.Comma) {
      const opens = tokens.kind[stop] === T.Open || tokens.kind[stop] === T.OpenBracket;
      stop = (opens ? (tokens.partner[stop] as number) : stop) + 1;
    }
    const value = constant(tokens, equals + 1, stop);
    if (value !== undefined && value.kind !== 'default' && value.kind !== 'other')
      found.push({ column: caselessName(tokens, equals - 1), value: tokens.span(equals + 1, stop - 1) });
    else for (let at = equals + 1; at < stop; at++) if (tokens.kind[at] === T.Parameter) return undefined;
    i = stop + 1;
  }
  return found;
}

function parametersIn(from: number, end: number): WrittenBack['parameters'] {
  const found: WrittenBack['parameters'] = [];
  for (let i = from; i < end; i++)
    if (tokens.kind[i] === T.Parameter)
      found.push({ index: tokens.detail[i] as number, span: tokens.span(i, i) });
  return found;
}

/** Conditions without calls and sub-queries: asked a second time they do nothing. */
function isPlain(from: number, end: number): boolean {
  if (end <= from) return false;
  for (let i = from; i < end; i++) {
    if (is(i, 'select') || is(i, 'current')) return false;
    const before = tokens.kind[i - 1];
    if (tokens.kind[i] !== T.Open || (before !== T.Word && before !== T.Quoted)) continue;
    if (!['where', 'and', 'or', 'not', 'in'].some((word) => is(i - 1, word))) return false;
  }
  return true;
}
