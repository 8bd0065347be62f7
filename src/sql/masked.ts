/**
 * A text as it may be shown to people: every constant is `?`, comments are gone, lists of constants have one entry. What
 * cannot be read for certain is not shown at all. Nothing that decides about a rewrite relies on it.
 */
import { endOfConstants, isConstant } from './fingerprint.ts';
import { lex } from './lexer.ts';
import type { LexerSettings } from './shape.ts';
import { T, Tokens } from './tokens.ts';

/** In characters; the rest is `...`. */
const longest = 2_000;

const tokens = new Tokens();

/** @returns undefined: nobody knows where its constants are */
export function masked(text: Buffer, settings: LexerSettings): string | undefined {
  lex(text, settings, tokens);
  if (tokens.lexical || tokens.opaque || tokens.tooLong || tokens.executableComment) return undefined;
  const parts: string[] = [];
  let length = 0;
  let behind = 0;
  for (let i = 0; i < tokens.count && length < longest; i++) {
    let part = shown(i, settings);
    const start = tokens.start[i] as number;
    const open = tokens.kind[i] === T.Open || tokens.kind[i] === T.OpenBracket;
    const close = open ? endOfConstants(tokens, i) : 0;
    if (tokens.kind.subarray(i, close).includes(T.Comma)) {
      part = `${tokens.raw(i)}?, ...${tokens.raw(close)}`;
      i = close;
    }
    // What stood between two tokens was blanks and comments.
    if (parts.length > 0 && start > behind) part = ` ${part}`;
    behind = tokens.end[i] as number;
    length += part.length;
    parts.push(part);
  }
  const whole = Buffer.from(parts.join(''), 'latin1').toString('utf8');
  return length < longest ? whole : `${whole.slice(0, longest)}...`;
}

function shown(i: number, { dialect }: LexerSettings): string {
  const kind = tokens.kind[i] as number;
  if (isConstant(kind)) return kind === T.Parameter ? tokens.raw(i) : '?';
  const text = tokens.raw(i);
  // Whether it is a name depends on ANSI_QUOTES, which MySQL does not always tell.
  return dialect !== 'postgres' && text.startsWith('"') ? '?' : text;
}
