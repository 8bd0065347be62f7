/**
 * The lexer: one pass over a Buffer, tokens into reusable typed arrays. Step 4 of the flow (text -> shape).
 *
 * It reads PostgreSQL, MySQL and MariaDB by settings, never throws, and never guesses: what it cannot read for certain
 * sets `lexical`, `opaque` or `tooLong`, after which the statement is left alone.
 */
import { bytes, classOf, isDigit, isWordByte } from './bytes.ts';
import { findKeyword, hashStep, keywordId } from './keywords.ts';
import type { SqlLimits } from './limits.ts';
import { defaultSqlLimits } from './limits.ts';
import { endOfNumber, isLetteredNumber, isPlainNumber, isWordOfDigits } from './numbers.ts';
import { endOfMysqlOperator, endOfOperator } from './operators.ts';
import {
  continuation,
  endOfBlockComment,
  endOfDollarString,
  endOfDollarTag,
  endOfLine,
  endOfQuoted,
  holdsOptOut,
} from './scan.ts';
import type { LexerSettings } from './shape.ts';
import { digitsOnly, flavour, T, Tokens } from './tokens.ts';

const keywordAs = keywordId('as');
/** PG cuts longer names (NAMEDATALEN - 1). MySQL refuses them: 64 characters, 256 for an alias. */
const maxNameBytes = 63;
const maxMysqlNameBytes = 1024;
const maxParameter = 65_535;

class Lexer {
  private text: Buffer = Buffer.alloc(0);
  private tokens: Tokens = new Tokens(2);
  private settings: LexerSettings | undefined;
  private postgres = true;
  /** Strings in single quotes: backslash is an escape. */
  private escapes = false;
  private parameters = 0;
  private maxName = maxNameBytes;
  private depth = 0;
  private readonly open = new Int32Array(128);
  /** Set while the current statement has a token. */
  private pending = false;

  run(text: Buffer, settings: LexerSettings, limits: SqlLimits, tokens: Tokens): void {
    tokens.begin(text, settings.dialect);
    if (text.length > limits.maxBytes) {
      tokens.tooLong = true;
      tokens.finish();
      return;
    }
    this.text = text;
    this.tokens = tokens;
    this.settings = settings;
    this.postgres = settings.dialect === 'postgres';
    this.escapes = this.postgres ? !settings.standardConformingStrings : !settings.noBackslashEscapes;
    this.maxName = this.postgres ? maxNameBytes : maxMysqlNameBytes;
    this.parameters = 0;
    this.depth = 0;
    this.pending = false;
    // a C string ends at NUL: no PG server reads beyond it, so nothing here may either
    if (this.postgres && text.includes(0)) tokens.lexical = true;
    else this.scan(limits);
    tokens.finish();
    if (this.depth !== 0) tokens.lexical = true;
    if (this.pending) tokens.statements++;
  }

  private scan(limits: SqlLimits): void {
    const { text, tokens } = this;
    const length = text.length;
    const maxDepth = Math.min(limits.maxDepth, 120);
    let i = 0;
    while (i < length) {
      switch (classOf[text[i] as number]) {
        case bytes.blank:
          i++;
          continue;
        case bytes.word:
          i = this.word(i);
          break;
        case bytes.digit:
          i = this.number(i);
          break;
        case bytes.punctuation:
          i = this.punctuation(i, maxDepth);
          break;
        case bytes.quote:
          i = this.quote(i);
          break;
        case bytes.operator:
          i = this.operator(i);
          break;
        default:
          tokens.lexical = true;
          return;
      }
      if (i < 0) {
        tokens.lexical = true;
        return;
      }
      if (tokens.count > limits.maxTokens || tokens.tooLong) {
        tokens.tooLong = true;
        return;
      }
    }
  }

  private push(kind: number, start: number, end: number, detail: number, hash: number): void {
    this.pending = true;
    this.tokens.push(kind, start, end, detail, hash);
  }

  private word(start: number): number {
    const { text } = this;
    let hash = 0;
    let i = start;
    do hash = hashStep(hash, text[i++] as number);
    while (i < text.length && isWordByte[text[i] as number] === 1);
    const next = i < text.length ? (text[i] as number) : 0;
    if (next === 0x27 || next === 0x26) {
      const end = this.prefixedString(start, i, next);
      if (end !== 0) return end;
    }
    if (i - start > this.maxName) this.tokens.opaque = true;
    this.push(T.Word, start, i, this.afterName() ? 0 : findKeyword(text, start, i, hash), hash);
    return i;
  }

  /** Behind a dot or AS every word is a name: `t.from`, `x AS limit`. */
  private afterName(): boolean {
    const { tokens } = this;
    const last = tokens.count - 1;
    if (last < 0) return false;
    const kind = tokens.kind[last];
    return kind === T.Dot || (kind === T.Word && tokens.detail[last] === keywordAs);
  }

  /** `E'…'`, `N'…'`, `B'…'`, `X'…'`, `U&'…'`, `U&"…"`; 0 when the word is no prefix. */
  private prefixedString(start: number, end: number, next: number): number {
    if (end - start !== 1) return 0;
    const letter = (this.text[start] as number) | 0x20;
    if (next === 0x26) {
      const quote = this.text[end + 1];
      if (!this.postgres || letter !== 0x75 || (quote !== 0x27 && quote !== 0x22)) return 0;
      if (quote === 0x27) return this.string(start, end + 2, flavour.unicode, false);
      this.tokens.opaque = true;
      return this.quotedName(start, end + 2, 0x22);
    }
    if (letter === 0x6e) return this.string(start, end + 1, flavour.national, this.escapes);
    if (letter === 0x62 || letter === 0x78) return this.bits(start, end + 1);
    if (letter === 0x65 && this.postgres) return this.string(start, end + 1, flavour.escape, true);
    return 0;
  }

  private string(start: number, body: number, kind: number, escapes: boolean, quote = 0x27): number {
    const { text } = this;
    let end = endOfQuoted(text, body, quote, escapes);
    if (end < 0) return -1;
    let detail = kind;
    if (this.postgres) {
      for (let more = continuation(text, end); more >= 0; more = continuation(text, end)) {
        end = endOfQuoted(text, more + 1, 0x27, escapes);
        if (end < 0) return -1;
        detail = flavour.joined;
      }
    }
    this.push(T.String, start, end, detail, 0);
    return end;
  }

  /** Bit strings know no doubled quote. */
  private bits(start: number, body: number): number {
    const end = this.text.indexOf(0x27, body) + 1;
    if (end === 0) return -1;
    // a second part on another line would be joined: rare, and not worth reading
    if (this.postgres && continuation(this.text, end) >= 0) this.tokens.opaque = true;
    this.push(T.String, start, end, flavour.bits, 0);
    return end;
  }

  private quotedName(start: number, body: number, quote: number): number {
    const { text } = this;
    const end = endOfQuoted(text, body, quote, false);
    if (end < 0) return -1;
    if (end - body - 1 > this.maxName || end - body === 1) this.tokens.opaque = true;
    let hash = 1;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (text[i] as number)) | 0;
    this.push(T.Quoted, start, end, 0, hash);
    return end;
  }

  private quote(start: number): number {
    const byte = this.text[start] as number;
    if (byte === 0x27)
      return this.string(start, start + 1, this.escapes ? flavour.escape : flavour.plain, this.escapes);
    if (byte === 0x60) return this.postgres ? -1 : this.quotedName(start, start + 1, 0x60);
    if (this.postgres || this.settings?.ansiQuotes === true) return this.quotedName(start, start + 1, 0x22);
    return this.string(start, start + 1, this.escapes ? flavour.escape : flavour.plain, this.escapes, 0x22);
  }

  private number(start: number): number {
    const { text } = this;
    let plain = start;
    while (plain < text.length && isDigit(text[plain] as number)) plain++;
    // nearly every number is nothing but digits
    if (plain === text.length || (text[plain] !== 0x2e && isWordByte[text[plain] as number] === 0)) {
      this.push(T.Number, start, plain, digitsOnly, 0);
      return plain;
    }
    const end = endOfNumber(text, start);
    if (end < 0) return -1;
    if (isPlainNumber(text, start, end)) this.push(T.Number, start, end, 0, 0);
    else if (!this.postgres && isWordOfDigits(text, start, end)) this.push(T.Word, start, end, 0, 0);
    else if (isLetteredNumber(text, start, end)) this.push(T.Number, start, end, 0, 0);
    else return -1;
    return end;
  }

  private punctuation(start: number, maxDepth: number): number {
    const { tokens } = this;
    switch (this.text[start]) {
      case 0x28:
        this.opening(T.Open, start, maxDepth);
        break;
      case 0x5b:
        this.opening(T.OpenBracket, start, maxDepth);
        break;
      case 0x29:
        return this.closing(T.Close, T.Open, start);
      case 0x5d:
        return this.closing(T.CloseBracket, T.OpenBracket, start);
      case 0x2c:
        this.push(T.Comma, start, start + 1, 0, 0);
        break;
      case 0x3b:
        tokens.push(T.Semicolon, start, start + 1, 0, 0);
        if (this.pending) tokens.statements++;
        this.pending = false;
        if (this.depth !== 0) return -1;
        break;
      default:
        return this.dot(start);
    }
    return start + 1;
  }

  private dot(start: number): number {
    const next = this.text[start + 1] ?? 0;
    const last = this.tokens.count - 1;
    if (next === 0x2e) return -1;
    // `.5` is a number; on MySQL `t.5x` holds a name
    const afterWord =
      !this.postgres &&
      last >= 0 &&
      this.tokens.end[last] === start &&
      (this.tokens.kind[last] as number) <= T.Quoted;
    if (isDigit(next) && !afterWord) return this.number(start);
    this.push(T.Dot, start, start + 1, 0, 0);
    return start + 1;
  }

  private opening(kind: number, start: number, maxDepth: number): void {
    if (this.depth >= maxDepth) this.tokens.tooLong = true;
    else this.open[this.depth++] = this.tokens.count;
    this.push(kind, start, start + 1, 0, 0);
  }

  private closing(kind: number, opening: number, start: number): number {
    const { tokens } = this;
    if (this.depth === 0) return -1;
    const partner = this.open[--this.depth] as number;
    if (tokens.kind[partner] !== opening) return -1;
    const i = tokens.count;
    this.push(kind, start, start + 1, 0, 0);
    tokens.partner[i] = partner;
    tokens.partner[partner] = i;
    return start + 1;
  }

  /** Comments, parameters, variables, `:` and operators. */
  private operator(start: number): number {
    const { text } = this;
    const byte = text[start] as number;
    const next = text[start + 1] ?? 0;
    if (
      byte === 0x2d &&
      next === 0x2d &&
      (this.postgres || classOf[text[start + 2] ?? 0x20] === bytes.blank)
    ) {
      return this.lineComment(start);
    }
    if (byte === 0x2f && next === 0x2a) return this.blockComment(start);
    if (byte === 0x24) return this.dollar(start);
    if (byte === 0x3a) return this.colon(start, next);
    if (!this.postgres) {
      if (byte === 0x23) return this.lineComment(start);
      if (byte === 0x3f) return this.parameter(start, start + 1, ++this.parameters);
      if (byte === 0x40) return this.variable(start);
    }
    const end = this.postgres ? endOfOperator(text, start) : endOfMysqlOperator(text, start);
    let kind: number = T.Operator;
    if (end === start + 1) {
      if (byte === 0x3d) kind = T.Equals;
      else if (byte === 0x2a) kind = T.Star;
    }
    let hash = 2;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (text[i] as number)) | 0;
    this.push(kind, start, end, 0, hash);
    return end;
  }

  private lineComment(start: number): number {
    const end = endOfLine(this.text, start, this.postgres);
    // MySQL reads on behind a NUL in ways of its own
    return !this.postgres && this.text.subarray(start, end).includes(0) ? -1 : this.comment(start, end);
  }

  private comment(start: number, end: number): number {
    if (end >= 0 && holdsOptOut(this.text, start, end)) this.tokens.optOut = true;
    return end;
  }

  private blockComment(start: number): number {
    const { text, tokens } = this;
    const end = endOfBlockComment(text, start + 2, this.postgres);
    if (!this.postgres) {
      const mark = text[start + 2];
      if (mark === 0x21 || (mark === 0x4d && text[start + 3] === 0x21)) tokens.executableComment = true;
      // Optimizer hints change no result, but for SET_VAR(sql_select_limit = 2) and its like (MySQL manual, 10.9.3).
      if (mark === 0x2b) tokens.setsVariable ||= /set_var/i.test(text.toString('latin1', start, end));
    }
    return this.comment(start, end);
  }

  /** `$1`, `$$…$$`, `$tag$…$tag$`; a `$` inside a word never comes here. */
  private dollar(start: number): number {
    if (!this.postgres) return -1;
    const { text } = this;
    let i = start + 1;
    let index = 0;
    while (i < text.length && isDigit(text[i] as number)) {
      index = Math.min(index * 10 + (text[i] as number) - 0x30, maxParameter + 1);
      i++;
    }
    if (i > start + 1) {
      if (i < text.length && isWordByte[text[i] as number] === 1) return -1;
      return index > maxParameter || index === 0 ? -1 : this.parameter(start, i, index);
    }
    const body = endOfDollarTag(text, start);
    if (body < 0) return -1;
    const end = endOfDollarString(text, start, body);
    if (end < 0) return -1;
    this.push(T.String, start, end, flavour.dollar, 0);
    return end;
  }

  private parameter(start: number, end: number, index: number): number {
    if (index > maxParameter) return -1;
    this.push(T.Parameter, start, end, index, 0);
    return end;
  }

  private colon(start: number, next: number): number {
    if (next === 0x3a && this.postgres) this.push(T.Cast, start, start + 2, 0, 0);
    else if (next === 0x3d) this.push(T.Assign, start, start + 2, 0, 0);
    else {
      this.push(T.Colon, start, start + 1, 0, 0);
      return start + 1;
    }
    return start + 2;
  }

  /** `@v`, `@@session.v`, `@'v'`, `` @`v` ``. */
  private variable(start: number): number {
    const { text } = this;
    let i = start + 1;
    if (text[i] === 0x40) i++;
    const quote = text[i] ?? 0;
    if (quote === 0x27 || quote === 0x22 || quote === 0x60) {
      i = endOfQuoted(text, i + 1, quote, this.escapes && quote !== 0x60);
      if (i < 0) return -1;
    } else while (i < text.length && (isWordByte[text[i] as number] === 1 || text[i] === 0x2e)) i++;
    this.push(T.Variable, start, i, 0, 0);
    return i;
  }
}

const lexer = new Lexer();

/** Fills `tokens` with the tokens of `text`. Linear in the text; throws nothing. */
export function lex(
  text: Buffer,
  settings: LexerSettings,
  tokens: Tokens,
  limits: SqlLimits = defaultSqlLimits,
): void {
  lexer.run(text, settings, limits, tokens);
}
