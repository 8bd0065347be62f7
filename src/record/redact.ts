/**
 * Takes the data out of statements and keeps what the patterns need: equal values stay equal, numbers stay numbers, uuids
 * uuids, and 0 and 1, which stand for themselves in OFFSET 0 and 1=1. Comments go, but for the opt-out. Pure: the hash is
 * given.
 */
import { binaryArray, textArray } from '../memory/arrays.ts';
import { familyOf, keyOfBinary, keyOfText } from '../memory/keys.ts';
import type { Parameters, ResultColumn } from '../memory/types.ts';
import { lex } from '../sql/lexer.ts';
import type { LexerSettings } from '../sql/shape.ts';
import { T, Tokens } from '../sql/tokens.ts';

/** A keyed hash, 32 hex digits or more. */
export type Hash = (text: string) => string;

export interface Redaction {
  /** @returns undefined: the text cannot be read, so that nobody knows where its literals are; nor can it without settings */
  sql(text: Buffer, settings: LexerSettings | undefined): string | undefined;
  /** A value in text form, as latin1. */
  value(text: string): string;
}

/** Nothing is taken out. */
export const raw: Redaction = {
  sql: (text) => text.toString('utf8'),
  value: (text) => Buffer.from(text, 'latin1').toString('utf8'),
};

const integer = /^([+-]?)(\d+)$/;
const decimal = /^[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:e[+-]?\d+)?$/i;

export function redaction(hash: Hash): Redaction {
  const tokens = new Tokens();
  const value = (text: string): string => placeholder(text, hash);
  return {
    value,
    sql(text, settings) {
      if (settings === undefined) return undefined;
      lex(text, settings, tokens);
      if (tokens.lexical || tokens.opaque || tokens.tooLong) return undefined;
      const parts: string[] = tokens.optOut ? ['/* interlock:off */ '] : [];
      for (let i = 0; i < tokens.count; i++) {
        // What stood between two tokens was blanks and comments.
        if (i > 0 && (tokens.start[i] as number) > (tokens.end[i - 1] as number)) parts.push(' ');
        parts.push(token(tokens, i, value));
      }
      return Buffer.from(parts.join(''), 'latin1').toString('utf8');
    },
  };
}

function token(tokens: Tokens, i: number, value: (text: string) => string): string {
  const text = tokens.raw(i);
  if (tokens.kind[i] === T.Number) return value(text);
  if (tokens.kind[i] !== T.String) return text;
  // The prefix tells how a string is read (E'', X'', N''); what is left is one that reads the same everywhere.
  const inner = /^[^'"$]*(['"])([\s\S]*)\1$/.exec(text);
  const content = inner?.[2]?.replaceAll(`${inner[1]}${inner[1]}`, inner[1] ?? '') ?? text;
  return `'${value(content)}'`;
}

function placeholder(text: string, hash: Hash): string {
  if (text === '' || /^[01]$/.test(text)) return text;
  const array = /^\s*\{/.test(text) ? textArray(text) : undefined;
  if (array !== undefined)
    return `{${array.map((one) => (one === null ? 'NULL' : placeholder(one, hash))).join(',')}}`;
  const [, sign, digits] = integer.exec(text) ?? [];
  if (digits !== undefined) {
    const key = keyOfText('integer', digits) ?? digits;
    return /^[01]$/.test(key) ? text : `${sign === '-' ? '-' : ''}${number(hash(key))}`;
  }
  if (decimal.test(text)) return number(hash(keyOfText('numeric', text) ?? text));
  const uuid = keyOfText('uuid', text);
  const hex = hash(uuid ?? text);
  if (uuid === undefined) return `s${hex.slice(0, 12)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

/** At least ten digits, at most fifteen: an int8, and exact in JSON. */
function number(hex: string): string {
  return String(1_000_000_000 + Number.parseInt(hex.slice(0, 12), 16));
}

/** The values of one execution in text form; null: NULL, or a value that has no text form here. */
export function textParameters({ values, formats, types }: Parameters, redact: Redaction): (string | null)[] {
  return values.map((value, at) => {
    if (value === null) return null;
    const format = (formats.length === 1 ? formats[0] : formats[at]) ?? 0;
    const text = format === 0 ? value.toString('latin1') : binaryText(value, types[at] ?? 0);
    return text === undefined ? null : redact.value(text);
  });
}

/** The values of a result's first column. */
export function textValues(
  values: (string | null)[],
  column: ResultColumn,
  redact: Redaction,
): (string | null)[] | undefined {
  const texts = values.map((value) => {
    if (value === null) return null;
    return column.format === 0 ? value : binaryText(Buffer.from(value, 'latin1'), column.type);
  });
  if (texts.includes(undefined)) return undefined;
  return texts.map((text) => (text === null || text === undefined ? null : redact.value(text)));
}

function binaryText(bytes: Buffer, type: number): string | undefined {
  const family = familyOf(type);
  if (family !== undefined) return keyOfBinary(family, type, bytes);
  const array = binaryArray(bytes);
  const of = array === undefined ? undefined : familyOf(array.type);
  if (array === undefined || of === undefined) return undefined;
  const elements = array.elements.map((one) => (one === null ? 'NULL' : keyOfBinary(of, array.type, one)));
  return elements.includes(undefined) ? undefined : `{${elements.join(',')}}`;
}
