/**
 * The text that the witness parses: the statement with its plain constants replaced by one constant each, blanks
 * narrowed, and a key list cut to its first elements. Equal masked texts have equal trees but for those constants, so
 * verdicts are kept by masked text.
 *
 * Invariant: only what no lexer can read differently is masked: digits, and quoted text without quotes and backslashes.
 * Everything else reaches the grammar byte for byte, as latin1 characters (bytes above ASCII are letters to both).
 */
import { defaultSqlLimits } from '../limits.ts';
import { lex } from '../lexer.ts';
import type { KeyList, LexerSettings, Span } from '../shape.ts';
import { digitsOnly, flavour, T, Tokens } from '../tokens.ts';
import type { WitnessLimits } from './limits.ts';

/** libpg-query always reads with standard_conforming_strings on. */
export const grammarSettings: LexerSettings = {
  dialect: 'postgres',
  standardConformingStrings: true,
  ansiQuotes: true,
  noBackslashEscapes: true,
};

/** Lexed and masked, or undefined: not one statement, not readable, or over a limit. */
export function mask(
  text: Buffer,
  tokens: Tokens,
  limits: WitnessLimits,
  list?: KeyList,
): string | undefined {
  lex(text, grammarSettings, tokens, defaultSqlLimits);
  if (
    tokens.lexical ||
    tokens.opaque ||
    tokens.tooLong ||
    tokens.statements !== 1 ||
    tokens.executableComment
  )
    return undefined;
  const cut = list?.values.every(isConstant) === true ? cutOf(tokens, list.span) : undefined;
  const kept = tokens.count - (cut === undefined ? 0 : cut.end - cut.first);
  if (kept > limits.maxTokens || depthOf(tokens) > limits.maxDepth) return undefined;
  const masked = write(text.toString('latin1'), tokens, cut);
  return masked.length > limits.maxBytes ? undefined : masked;
}

/** Only constants are left out; an expression in the list has to pass the grammar. */
function isConstant(value: KeyList['values'][number]): boolean {
  return value.kind === 'parameter' || value.kind === 'string' || value.kind === 'number';
}

interface Cut {
  first: number;
  end: number;
}

function depthOf(tokens: Tokens): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < tokens.count; i++) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) deepest = Math.max(deepest, ++depth);
    else if (kind === T.Close || kind === T.CloseBracket) depth--;
  }
  return deepest;
}

/** The tokens of the list behind its first element (IN, ARRAY) or behind its second part (OR) that are safe to leave out. */
function cutOf(tokens: Tokens, list: Span): Cut | undefined {
  let separators = 0;
  let depth = 0;
  let first = -1;
  let end = -1;
  let openDepth = 0;
  for (
    let i = firstToken(tokens, list.start);
    i < tokens.count && (tokens.end[i] as number) <= list.end;
    i++
  ) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) depth++;
    else if (kind === T.Close || kind === T.CloseBracket) {
      depth--;
      if (first >= 0 && end < 0 && depth < openDepth) end = i;
    } else if (kind === T.Comma && first < 0) {
      first = i;
      openDepth = depth;
    } else if (kind === T.Word && isOr(tokens, i) && first < 0 && ++separators === 2 && depth === 0) {
      first = i;
      openDepth = 0;
    }
    if (first >= 0 && end < 0 && !isPlain(tokens, i)) return undefined;
  }
  if (first < 0) return undefined;
  if (end < 0) end = firstToken(tokens, list.end);
  return { first, end };
}

function isOr(tokens: Tokens, i: number): boolean {
  return (
    (tokens.end[i] as number) - (tokens.start[i] as number) === 2 && tokens.raw(i).toLowerCase() === 'or'
  );
}

/** Index of the first token at or behind a byte offset. */
function firstToken(tokens: Tokens, offset: number): number {
  let low = 0;
  let high = tokens.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens.start[middle] as number) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isPlain(tokens: Tokens, i: number): boolean {
  return tokens.kind[i] !== T.String || isPlainString(tokens, i);
}

/** `'…'` without prefix, and nothing inside that any lexer treats specially. */
function isPlainString(tokens: Tokens, i: number): boolean {
  if (tokens.detail[i] !== flavour.plain) return false;
  const end = (tokens.end[i] as number) - 1;
  for (let at = (tokens.start[i] as number) + 1; at < end; at++) {
    const byte = tokens.text[at];
    if (byte === 0x27 || byte === 0x5c) return false;
  }
  return true;
}

function write(text: string, tokens: Tokens, cut: Cut | undefined): string {
  let masked = '';
  let behind = tokens.count > 0 ? (tokens.start[0] as number) : 0;
  for (let i = 0; i < tokens.count; i++) {
    if (cut !== undefined && i === cut.first) {
      i = cut.end - 1;
      behind = tokens.end[i] as number;
      continue;
    }
    const start = tokens.start[i] as number;
    const end = tokens.end[i] as number;
    if (start > behind) masked += gap(text, behind, start);
    const kind = tokens.kind[i];
    if (kind === T.String && isPlainString(tokens, i)) masked += "'x'";
    else if (kind === T.Number && tokens.detail[i] === digitsOnly) masked += '1';
    else masked += text.slice(start, end);
    behind = end;
  }
  return masked;
}

/** Blanks and simple block comments become one blank; a gap with any other comment stays. */
function gap(text: string, start: number, end: number): string {
  let i = start;
  while (i < end) {
    if (text.startsWith('/*', i)) {
      const close = text.indexOf('*/', i + 2);
      const inner = text.indexOf('/*', i + 2);
      if (close < 0 || (inner >= 0 && inner < close)) return text.slice(start, end);
      i = close + 2;
    } else if (text.startsWith('--', i)) return text.slice(start, end);
    else i++;
  }
  return ' ';
}
