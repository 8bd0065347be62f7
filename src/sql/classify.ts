/**
 * Text -> shape: step 4 of the flow. The only entrance to this folder for the session.
 *
 * Invariant: never throws, linear in the text, and anything that is not understood for certain is kind 'other' with its
 * reason. Leading `(`, EXPLAIN, COPY, MERGE, DECLARE, data-modifying CTEs and everything not named below are 'other'.
 */
import { deleteShape } from './delete.ts';
import { fingerprint } from './fingerprint.ts';
import { insertShape } from './insert.ts';
import { keywordId } from './keywords.ts';
import { lex } from './lexer.ts';
import { defaultSqlLimits } from './limits.ts';
import type { SqlLimits } from './limits.ts';
import { noiseShape } from './noise.ts';
import { selectShape } from './select.ts';
import { isVariableQuery } from './settings-mysql.ts';
import type { LexerSettings, Shape, StatementHead } from './shape.ts';
import { T, Tokens } from './tokens.ts';
import { transactionShape } from './transactions.ts';
import { updateShape } from './update.ts';

const k = {
  select: keywordId('select'),
  with: keywordId('with'),
  insert: keywordId('insert'),
  update: keywordId('update'),
  delete: keywordId('delete'),
  merge: keywordId('merge'),
  values: keywordId('values'),
};

export interface Classified {
  shape: Shape;
  head: StatementHead;
}

/** Used again by every call; shapes copy what they need out of it. */
const tokens = new Tokens();

export function classify(
  text: Buffer,
  settings: LexerSettings,
  limits: SqlLimits = defaultSqlLimits,
): Classified {
  lex(text, settings, tokens, limits);
  const head: StatementHead = {
    fingerprint: fingerprint(tokens),
    statements: tokens.statements,
    executableComment: tokens.executableComment,
    optOut: tokens.optOut,
    parameters: settings.dialect === 'postgres' ? 0 : placeholders(tokens),
  };
  return { shape: shapeOf(tokens, limits), head };
}

function placeholders(lexed: Tokens): number {
  let count = 0;
  for (let i = 0; i < lexed.count; i++) if (lexed.kind[i] === T.Parameter) count++;
  return count;
}

/** The shape of lexed text. */
export function shapeOf(lexed: Tokens, limits: SqlLimits = defaultSqlLimits): Shape {
  if (lexed.tooLong) return { kind: 'other', why: 'too-long' };
  if (lexed.lexical) return { kind: 'other', why: 'lexical' };
  if (lexed.executableComment) return { kind: 'other', why: 'executable-comment' };
  if (lexed.statements > 1) return { kind: 'other', why: 'many-statements' };
  if (lexed.statements === 0) return { kind: 'noise' };
  const unknown: Shape = { kind: 'other', why: 'unknown' };
  if (lexed.opaque) return unknown;
  let first = 0;
  let end = lexed.count;
  while (lexed.kind[first] === T.Semicolon) first++;
  while (lexed.kind[end - 1] === T.Semicolon) end--;
  return statementShape(lexed, first, end, limits) ?? unknown;
}

function statementShape(lexed: Tokens, first: number, end: number, limits: SqlLimits): Shape | undefined {
  switch (lexed.keyword(first)) {
    case k.select:
      if (lexed.dialect !== 'postgres' && isVariableQuery(lexed, first, end)) return { kind: 'noise' };
      return selectShape(lexed, first, first, end);
    case k.with: {
      const query = queryAfterWith(lexed, first, end);
      return query === undefined ? undefined : selectShape(lexed, first, query, end);
    }
    case k.delete:
      return deleteShape(lexed, first, end);
    case k.update:
      return updateShape(lexed, first, end);
    case k.insert:
      return insertShape(lexed, first, end, limits.maxInsertValues);
    default:
      return transactionShape(lexed, first, end) ?? noiseShape(lexed, first, end);
  }
}

/** Index of the SELECT behind the CTEs; undefined when another statement stands there. */
function queryAfterWith(lexed: Tokens, first: number, end: number): number | undefined {
  for (let i = first + 1; i < end; i++) {
    if (lexed.kind[i] === T.Open) {
      i = lexed.partner[i] as number;
      continue;
    }
    const word = lexed.keyword(i);
    if (word === k.select) return i;
    if (word === k.insert || word === k.update || word === k.delete || word === k.merge || word === k.values)
      return undefined;
  }
  return undefined;
}
