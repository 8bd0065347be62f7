/**
 * The text that the MySQL and MariaDB grammars parse: the statement with its plain constants replaced, lists of constants
 * cut to their first element, comments and blanks narrowed, and identifiers in backticks even where the session writes
 * them in double quotes. Equal masked texts have equal trees but for the constants, so verdicts are kept by masked text.
 *
 * Invariant: only what no lexer can read differently is masked. A string with a quote or backslash inside reaches the
 * grammar as it is, and so does a comment up to the end of a line.
 */
import { keywordId } from '../keywords.ts';
import { lexMysql } from '../lex-mysql.ts';
import type { KeyList, LexerSettings } from '../shape.ts';
import { T, Tokens } from '../tokens.ts';
import type { WitnessLimits } from './limits.ts';

const inWord = keywordId('in');
const orWord = keywordId('or');

export interface Masked {
  text: string;
  /** Question marks in it. */
  parameters: number;
}

/** Lexed and masked, or undefined: not one statement, not readable for certain, or over a limit. */
export function maskMysql(
  text: Buffer,
  tokens: Tokens,
  limits: WitnessLimits,
  settings?: LexerSettings,
  list?: KeyList,
): Masked | undefined {
  if (!lexMysql(text, tokens, settings)) return undefined;
  const whole = text.toString('latin1');
  const chain = list?.form === 'or' ? orChain(tokens, list) : undefined;
  let masked = '';
  let parameters = 0;
  let kept = 0;
  let depth = 0;
  let behind = tokens.start[0] as number;
  for (let i = 0; i < tokens.count; i++) {
    if (chain !== undefined && i === chain.first) {
      i = chain.end - 1;
      behind = tokens.end[i] as number;
      continue;
    }
    if (++kept > limits.maxTokens) return undefined;
    const kind = tokens.kind[i];
    if (kind === T.Open && ++depth > limits.maxDepth) return undefined;
    if (kind === T.Close) depth--;
    if (kind === T.Parameter) parameters++;
    const written = write(tokens, i, settings);
    if (written === undefined) return undefined;
    const start = tokens.start[i] as number;
    if (start > behind) masked += gap(whole, behind, start);
    masked += written;
    behind = tokens.end[i] as number;
    const cut = kind === T.Comma ? constantsFrom(tokens, i) : 0;
    if (cut > 0) {
      // the comma goes too
      masked = masked.slice(0, -1);
      i = cut - 1;
      behind = tokens.end[i] as number;
    }
  }
  if (masked.length > limits.maxBytes) return undefined;
  return { text: masked, parameters };
}

/** The token as the grammar gets it; undefined when the grammar would read it in another way. */
function write(tokens: Tokens, i: number, settings: LexerSettings | undefined): string | undefined {
  const raw = tokens.raw(i);
  switch (tokens.kind[i]) {
    case T.Number:
      return /^\d+$/.test(raw) ? '1' : raw;
    case T.String: {
      if (/^(?:'[^'\\]*'|"[^"\\]*")$/.test(raw)) return "'x'";
      return raw.includes('\\') && settings?.noBackslashEscapes === true ? undefined : raw;
    }
    case T.Quoted: {
      if (raw.startsWith('`')) return raw;
      const name = raw.slice(1, -1).replaceAll('""', '"');
      return `\`${name.replaceAll('`', '``')}\``;
    }
    default:
      return raw;
  }
}

/** Blanks and simple block comments become one blank; other comments stay. */
function gap(text: string, start: number, end: number): string {
  if (end - start === 1) return ' ';
  const between = text.slice(start, end);
  return /^(?:\s|\/\*(?:(?!\/\*|\*\/)[^])*\*\/)*$/.test(between) ? ' ' : between;
}

/** The comma at token i separates the constants of an IN list: index of the list's end, else 0. */
function constantsFrom(tokens: Tokens, comma: number): number {
  const open = comma - 2;
  const first = tokens.kind[comma - 1];
  if (tokens.kind[open] !== T.Open || !tokens.is(open - 1, inWord) || !isConstant(first)) return 0;
  const end = tokens.partner[open] as number;
  for (let i = comma; i < end; i += 2) {
    if (tokens.kind[i] !== T.Comma || !isConstant(tokens.kind[i + 1])) return 0;
  }
  return end;
}

function isConstant(kind: number | undefined): boolean {
  return kind === T.Parameter || kind === T.Number || kind === T.String;
}

/** The tokens of `key = a OR key = b OR …` from the second OR on, if they are nothing but names and constants. */
function orChain(tokens: Tokens, list: KeyList): { first: number; end: number } | undefined {
  let first = -1;
  let ors = 0;
  for (let i = 0; i < tokens.count; i++) {
    if ((tokens.start[i] as number) < list.span.start) continue;
    if ((tokens.end[i] as number) > list.span.end) return first < 0 ? undefined : { first, end: i };
    if (tokens.is(i, orWord) && ++ors === 2) first = i;
    if (first >= 0 && !mayBeCut(tokens, i)) return undefined;
  }
  return first < 0 ? undefined : { first, end: tokens.count };
}

function mayBeCut(tokens: Tokens, i: number): boolean {
  const kind = tokens.kind[i];
  if (isConstant(kind) || kind === T.Quoted || kind === T.Dot || kind === T.Equals) return true;
  if (kind === T.Open || kind === T.Close) return true;
  return kind === T.Word && (tokens.is(i, orWord) || tokens.detail[i] === 0);
}
