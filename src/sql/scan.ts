/**
 * Where a string, quoted identifier or comment ends. Pure functions over bytes, used by the lexer (step 4 of the flow).
 * All return the offset behind the construct, or -1 when it is not terminated.
 *
 * Sources: PostgreSQL 18 manual 4.1.2 (constants) and 4.1.5 (comments); MySQL 8.4 manual 11.1.1 and 11.7.
 */

const backslash = 0x5c;
const slash = 0x2f;
const star = 0x2a;
const dash = 0x2d;
const dollar = 0x24;
const newline = 0x0a;
const carriageReturn = 0x0d;

/** `from` is the offset behind the opening quote; a doubled quote stands for itself. */
export function endOfQuoted(text: Uint8Array, from: number, quote: number, escapes: boolean): number {
  const length = text.length;
  let escapeAt = escapes ? -1 : length;
  let far = from + shortString;
  for (let i = from; i < length; i++) {
    if (i >= far) {
      const quoteAt = text.indexOf(quote, i);
      if (quoteAt < 0) return -1;
      if (escapeAt < i) escapeAt = orEnd(text.indexOf(backslash, i), length);
      i = Math.min(quoteAt, escapeAt);
    }
    const byte = text[i] as number;
    if (byte === quote) {
      if (i + 1 < length && text[i + 1] === quote) i++;
      else return i + 1;
    } else if (escapes && byte === backslash) i++;
    else continue;
    far = i + shortString;
  }
  return -1;
}

/** Bytes without anything special, after which a search outside of JavaScript is faster than the loop. */
const shortString = 64;

function orEnd(found: number, length: number): number {
  return found < 0 ? length : found;
}

/** `--` and `#` comments up to a line feed, on PG up to a carriage return as well; it does not belong to the comment. */
export function endOfLine(text: Uint8Array, from: number, postgres = true): number {
  let i = from;
  while (i < text.length && text[i] !== newline && !(postgres && text[i] === carriageReturn)) i++;
  return i;
}

/** `from` is the offset behind the opening `/*`. */
export function endOfBlockComment(text: Uint8Array, from: number, nested: boolean): number {
  let depth = 1;
  for (let i = from; i + 1 < text.length; i++) {
    const byte = text[i] as number;
    const next = text[i + 1] as number;
    if (byte === star && next === slash) {
      i++;
      if (--depth === 0) return i + 1;
    } else if (nested && byte === slash && next === star) {
      i++;
      depth++;
    }
  }
  return -1;
}

/** Offset behind the opening `$tag$` at `from`, or -1 when there is none (`$1`, `$x`). */
export function endOfDollarTag(text: Uint8Array, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    const byte = text[i] as number;
    if (byte === dollar) return i + 1;
    const letter =
      (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f || byte >= 0x80;
    const digit = byte >= 0x30 && byte <= 0x39;
    if (!letter && !(digit && i > from + 1)) return -1;
  }
  return -1;
}

/** The tag, dollars included, is [from, body); returns the offset behind the closing tag. */
export function endOfDollarString(text: Uint8Array, from: number, body: number): number {
  const width = body - from;
  for (let i = body; i + width <= text.length; i++) {
    if (text[i] !== dollar) continue;
    let same = 1;
    while (same < width && text[i + same] === text[from + same]) same++;
    if (same === width) return i + width;
  }
  return -1;
}

/**
 * PG joins `'a'` and `'b'` into one literal when a line end stands between them. Returns the offset of the second
 * opening quote, or -1. Only blanks and `--` comments may stand between (scan.l: quotecontinue).
 */
export function continuation(text: Uint8Array, from: number): number {
  let lineEnd = false;
  let i = from;
  while (i < text.length) {
    const byte = text[i] as number;
    if (byte === newline || byte === carriageReturn) lineEnd = true;
    else if (byte === dash && text[i + 1] === dash) i = endOfLine(text, i) - 1;
    else if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0b && byte !== 0x0c) {
      return lineEnd && byte === 0x27 ? i : -1;
    }
    i++;
  }
  return -1;
}

const offMark = Buffer.from('interlock:off', 'latin1');

/** The comment in [start, end) holds the opt-out word. */
export function holdsOptOut(text: Buffer, start: number, end: number): boolean {
  if (end - start < offMark.length) return false;
  const comment = text.subarray(start, end);
  const at = comment.indexOf(offMark);
  if (at < 0) return false;
  const after = comment[at + offMark.length] ?? 0x20;
  return !(
    (after >= 0x30 && after <= 0x39) ||
    (after >= 0x41 && after <= 0x5a) ||
    (after >= 0x61 && after <= 0x7a)
  );
}
