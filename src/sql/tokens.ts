/**
 * The tokens of one text, in typed arrays that are used again for the next text: no object per token. Filled by
 * lexer.ts, read by everything else in this folder; valid until the next call of `lex` on the same Tokens.
 *
 * Invariant: 0 <= start[i] < end[i] <= text.length, tokens are in order and do not overlap, and every opening
 * parenthesis or bracket knows its partner (unless `lexical` is set).
 */
import type { Dialect, Span } from './shape.ts';

/** Kinds of token. `End` stands behind the last one. */
export const T = {
  End: 0,
  /** Unquoted word; detail is the keyword id or 0. */
  Word: 1,
  /** Quoted identifier, quotes included. */
  Quoted: 2,
  /** String literal with prefix and quotes; detail is the flavour. */
  String: 3,
  /** detail is digitsOnly where it is nothing but digits. */
  Number: 4,
  /** `$1`, `?`; detail is the 1-based index. */
  Parameter: 5,
  /** Any operator without a kind of its own. */
  Operator: 6,
  Equals: 7,
  Star: 8,
  Comma: 9,
  Dot: 10,
  Semicolon: 11,
  Open: 12,
  Close: 13,
  OpenBracket: 14,
  CloseBracket: 15,
  Colon: 16,
  /** `::` */
  Cast: 17,
  /** `:=` */
  Assign: 18,
  /** MySQL `@v`, `@@v`. */
  Variable: 19,
} as const;

/** Flavours of a string literal. */
export const flavour = {
  /** Only the doubled quote is special. */
  plain: 0,
  /** Backslash escapes are active. */
  escape: 1,
  national: 2,
  unicode: 3,
  dollar: 4,
  bits: 5,
  /** Several adjacent literals that the server joins. */
  joined: 6,
} as const;

/** Detail of a number without dot, exponent or letters. */
export const digitsOnly = 1;

export class Tokens {
  text: Buffer = Buffer.alloc(0);
  dialect: Dialect = 'postgres';
  count = 0;
  kind: Uint8Array;
  detail: Uint16Array;
  start: Int32Array;
  end: Int32Array;
  /** Hash of the bytes; for words without regard to case. */
  hash: Int32Array;
  /** Parentheses and brackets: index of the other one. */
  partner: Int32Array;
  /** Texts between semicolons that hold a token. */
  statements = 0;
  executableComment = false;
  /** MySQL: an optimizer hint sets a variable for this statement. */
  setsVariable = false;
  optOut = false;
  /** Unterminated or impossible token, unbalanced parentheses. */
  lexical = false;
  /** A token that this lexer reads but does not interpret: identifiers with unicode escapes or longer than a name may be. */
  opaque = false;
  tooLong = false;

  constructor(capacity = 1024) {
    this.kind = new Uint8Array(capacity);
    this.detail = new Uint16Array(capacity);
    this.start = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
    this.hash = new Int32Array(capacity);
    this.partner = new Int32Array(capacity);
  }

  begin(text: Buffer, dialect: Dialect): void {
    this.text = text;
    this.dialect = dialect;
    this.count = 0;
    this.statements = 0;
    this.executableComment = false;
    this.setsVariable = false;
    this.optOut = false;
    this.lexical = false;
    this.opaque = false;
    this.tooLong = false;
  }

  push(kind: number, start: number, end: number, detail: number, hash: number): void {
    const i = this.count++;
    if (i + 4 >= this.kind.length) this.grow();
    this.kind[i] = kind;
    this.detail[i] = detail;
    this.start[i] = start;
    this.end[i] = end;
    this.hash[i] = hash;
  }

  /** Marks the end; some tokens behind it are read by look-ahead. */
  finish(): void {
    this.kind.fill(T.End, this.count, this.count + 4);
    this.detail.fill(0, this.count, this.count + 4);
  }

  private grow(): void {
    const capacity = this.kind.length * 2;
    const kind = new Uint8Array(capacity);
    kind.set(this.kind);
    this.kind = kind;
    const detail = new Uint16Array(capacity);
    detail.set(this.detail);
    this.detail = detail;
    this.start = widen(this.start, capacity);
    this.end = widen(this.end, capacity);
    this.hash = widen(this.hash, capacity);
    this.partner = widen(this.partner, capacity);
  }

  /** Keyword id of token i, 0 for everything that is not an unquoted keyword. */
  keyword(i: number): number {
    return this.kind[i] === T.Word ? (this.detail[i] as number) : 0;
  }

  is(i: number, keyword: number): boolean {
    return this.kind[i] === T.Word && this.detail[i] === keyword;
  }

  /** The token's bytes, latin1-decoded. */
  raw(i: number): string {
    return this.text.toString('latin1', this.start[i] as number, this.end[i] as number);
  }

  /** Span from the first byte of token `first` to the last byte of token `last`. */
  span(first: number, last: number): Span {
    return { start: this.start[first] as number, end: this.end[last] as number };
  }
}

function widen(old: Int32Array, capacity: number): Int32Array {
  const wide = new Int32Array(capacity);
  wide.set(old);
  return wide;
}
