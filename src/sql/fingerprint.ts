/**
 * A statement's fingerprint: a hash of its tokens in which constants, parameters and the length of lists do not count.
 * For reports and counters; nothing that decides about a rewrite relies on it. Serves step 4 of the flow.
 */
import { keywordId } from './keywords.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const nullWord = keywordId('null');
const trueWord = keywordId('true');
const falseWord = keywordId('false');
const defaultWord = keywordId('default');

/** 16 hexadecimal digits. */
export function fingerprint(tokens: Tokens): string {
  const { kind, count } = tokens;
  let high = 0x811c9dc5 | 0;
  let low = 0x1b873593 | 0;
  let i = 0;
  while (i < count) {
    let code = kind[i] as number;
    if (code === T.Open || code === T.OpenBracket) {
      const close = endOfConstants(tokens, i);
      if (close > 0) {
        i = repeated(tokens, close);
        code = T.Open + 0x100;
      } else i++;
    } else if (code === T.Semicolon) {
      i++;
      continue;
    } else {
      code = isConstant(code) ? T.Parameter : code ^ (tokens.hash[i] as number);
      i++;
    }
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul((low << 13) | (low >>> 19), 5) + Math.imul(code, 0x2c1b3c6d);
    high ^= high >>> 15;
  }
  return hex(mix(high ^ (low >>> 16))) + hex(mix(low ^ high));
}

export function isConstant(kind: number): boolean {
  return kind === T.String || kind === T.Number || kind === T.Parameter;
}

/** `(constant, …)` or `[constant, …]` at `open`: index of the closing token, else 0. */
export function endOfConstants(tokens: Tokens, open: number): number {
  let i = endOfElement(tokens, open + 1);
  if (i === 0) return 0;
  while (tokens.kind[i] === T.Comma) {
    i = endOfElement(tokens, i + 1);
    if (i === 0) return 0;
  }
  return tokens.kind[i] === T.Close || tokens.kind[i] === T.CloseBracket ? i : 0;
}

/** `[-]constant[::type]`; index behind it, or 0. */
function endOfElement(tokens: Tokens, first: number): number {
  let i = first;
  if (tokens.kind[i] === T.Operator && tokens.kind[i + 1] === T.Number) i++;
  const kind = tokens.kind[i] as number;
  if (kind === T.Word) {
    const word = tokens.detail[i];
    if (word === nullWord || word === trueWord || word === falseWord || word === defaultWord) return i + 1;
    return 0;
  }
  if (!isConstant(kind)) return 0;
  i++;
  if (tokens.kind[i] === T.Cast && tokens.kind[i + 1] === T.Word) i += 2;
  return i;
}

/** Behind `(…)` at `close`: skips further `, (…)` of constants. */
function repeated(tokens: Tokens, close: number): number {
  let i = close + 1;
  while (tokens.kind[i] === T.Comma && tokens.kind[i + 1] === T.Open) {
    const next = endOfConstants(tokens, i + 1);
    if (next === 0) break;
    i = next + 1;
  }
  return i;
}

function mix(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hex(word: number): string {
  return (word + 0x1_0000_0000).toString(16).slice(1);
}
