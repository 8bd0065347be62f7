/**
 * Constants out of tokens: what `=`, IN, VALUES and LIMIT compare with. Step 4 of the flow (text -> shape).
 *
 * Only constants whose value is certain get kind 'string' or 'number'; every other expression is kind 'other' and keeps
 * its bytes as text.
 */
import { keywordId } from './keywords.ts';
import type { Value } from './shape.ts';
import { digitsOnly, flavour, T } from './tokens.ts';
import type { Tokens } from './tokens.ts';
import { typeName } from './type-names.ts';
import { hexBytes, isBinaryIntroducer } from './values-mysql.ts';

const k = {
  null: keywordId('null'),
  true: keywordId('true'),
  false: keywordId('false'),
  default: keywordId('default'),
  cast: keywordId('cast'),
  as: keywordId('as'),
};

/** The constant that is exactly the tokens [first, end), or undefined. */
export function constant(tokens: Tokens, first: number, end: number): Value | undefined {
  if (end - first === 1) {
    // nearly every element of a long list
    if (tokens.kind[first] === T.Number) return numberValue(tokens, first, first);
    if (tokens.kind[first] === T.Parameter) return parameterValue(tokens, first);
  }
  let from = first;
  let to = end;
  while (tokens.kind[from] === T.Open && tokens.partner[from] === to - 1 && to - from > 2) {
    from++;
    to--;
  }
  if (from >= to) return undefined;
  if (tokens.is(from, k.cast)) return castCall(tokens, from, to);
  const bare = bareConstant(tokens, from);
  if (bare !== undefined) return bare.end === to ? bare.value : withCast(tokens, bare.value, bare.end, to);
  // ($1)::int, (-5)::bigint
  if (tokens.kind[from] !== T.Open) return undefined;
  const close = tokens.partner[from] as number;
  if (close >= to) return undefined;
  const inner = constant(tokens, from + 1, close);
  return inner === undefined ? undefined : withCast(tokens, inner, close + 1, to);
}

/** Like `constant`, with kind 'other' for what is not understood. */
export function value(tokens: Tokens, first: number, end: number): Value {
  return constant(tokens, first, end) ?? other(tokens, first, end);
}

function other(tokens: Tokens, first: number, end: number): Value {
  const start = tokens.start[first] as number;
  // `(, 1)`: nothing stands there
  const span = end > first ? tokens.span(first, end - 1) : { start, end: start };
  return { kind: 'other', text: tokens.text.toString('latin1', span.start, span.end), span };
}

interface Bare {
  value: Value;
  end: number;
}

function bareConstant(tokens: Tokens, i: number): Bare | undefined {
  switch (tokens.kind[i]) {
    case T.Parameter:
      return { value: parameterValue(tokens, i), end: i + 1 };
    case T.Number:
      return { value: numberValue(tokens, i, i), end: i + 1 };
    case T.Operator: {
      // only `-5`: a cast binds tighter than the sign, and `+5` is an operator call
      const minus =
        tokens.text[tokens.start[i] as number] === 0x2d &&
        (tokens.end[i] as number) - (tokens.start[i] as number) === 1;
      if (!minus || tokens.kind[i + 1] !== T.Number || tokens.kind[i + 2] === T.Cast) return undefined;
      return { value: numberValue(tokens, i, i + 1), end: i + 2 };
    }
    case T.String: {
      const span = tokens.span(i, i);
      const hex = tokens.dialect === 'postgres' ? undefined : hexBytes(tokens, i);
      if (hex !== undefined)
        return { value: { kind: 'string', text: hex, cast: 'binary', span }, end: i + 1 };
      const text = stringText(tokens, i);
      if (text === undefined) return { value: { kind: 'other', text: tokens.raw(i), span }, end: i + 1 };
      return { value: { kind: 'string', text, span }, end: i + 1 };
    }
    case T.Word:
      return wordConstant(tokens, i);
    default:
      return undefined;
  }
}

function wordConstant(tokens: Tokens, i: number): Bare | undefined {
  const word = tokens.detail[i];
  const span = tokens.span(i, i);
  if (word === k.null) return { value: { kind: 'null', text: 'null', span }, end: i + 1 };
  if (word === k.true) return { value: { kind: 'boolean', text: 'true', span }, end: i + 1 };
  if (word === k.false) return { value: { kind: 'boolean', text: 'false', span }, end: i + 1 };
  if (word === k.default) return { value: { kind: 'default', text: 'default', span }, end: i + 1 };
  if (tokens.dialect !== 'postgres' && isBinaryIntroducer(tokens, i)) {
    const text = stringText(tokens, i + 1);
    if (text !== undefined)
      return { value: { kind: 'string', text, cast: 'binary', span: tokens.span(i, i + 1) }, end: i + 2 };
  }
  return undefined;
}

function parameterValue(tokens: Tokens, i: number): Value {
  return { kind: 'parameter', index: tokens.detail[i] as number, span: tokens.span(i, i) };
}

const plainNumber = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function numberValue(tokens: Tokens, first: number, last: number): Value {
  const span = tokens.span(first, last);
  const digits = tokens.raw(last);
  // 1_000 and 0x1F are numbers on some versions only
  if (tokens.detail[last] !== digitsOnly && !plainNumber.test(digits)) {
    const hex = tokens.dialect === 'postgres' || first !== last ? undefined : hexBytes(tokens, last);
    if (hex !== undefined) return { kind: 'string', text: hex, cast: 'binary', span };
    return { kind: 'other', text: digits, span };
  }
  return { kind: 'number', text: first === last ? digits : `-${digits}`, span };
}

/** `[::type]` behind a constant; a chain of casts, or anything else behind it, is not understood. */
function withCast(tokens: Tokens, bare: Value, from: number, to: number): Value | undefined {
  if (tokens.kind[from] !== T.Cast) return undefined;
  const type = typeName(tokens, from + 1);
  if (type === undefined || type.end !== to) return undefined;
  return cast(bare, type.name, { start: bare.span.start, end: tokens.end[to - 1] as number });
}

function cast(bare: Value, type: string, span: { start: number; end: number }): Value | undefined {
  if (bare.kind === 'null') return { ...bare, span };
  if (bare.kind !== 'parameter' && bare.kind !== 'string' && bare.kind !== 'number') return undefined;
  return bare.cast === undefined ? { ...bare, cast: type, span } : undefined;
}

/** CAST(constant AS type) */
function castCall(tokens: Tokens, first: number, end: number): Value | undefined {
  const open = first + 1;
  // MySQL's types convert in ways of their own
  if (tokens.dialect !== 'postgres') return undefined;
  if (tokens.kind[open] !== T.Open || tokens.partner[open] !== end - 1) return undefined;
  for (let i = open + 1; i < end - 1; i++) {
    if (tokens.kind[i] === T.Open) i = tokens.partner[i] as number;
    else if (tokens.is(i, k.as)) {
      const bare = constant(tokens, open + 1, i);
      const type = typeName(tokens, i + 1);
      if (bare === undefined || type === undefined || type.end !== end - 1) return undefined;
      return cast(bare, type.name, tokens.span(first, end - 1));
    }
  }
  return undefined;
}

/** The text that a string literal stands for, or undefined when it takes more than this file knows to tell. */
function stringText(tokens: Tokens, i: number): string | undefined {
  const raw = tokens.raw(i);
  switch (tokens.detail[i]) {
    case flavour.plain: {
      const quote = raw.charAt(0);
      const body = raw.slice(1, -1);
      return body.includes(quote) ? body.replaceAll(quote + quote, quote) : body;
    }
    case flavour.escape:
      return unescape(raw, tokens.dialect === 'postgres');
    case flavour.dollar: {
      const tag = raw.indexOf('$', 1) + 1;
      return raw.slice(tag, raw.length - tag);
    }
    default:
      return undefined;
  }
}

const postgresEscapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const mysqlEscapes: Record<string, string> = { b: '\b', n: '\n', r: '\r', t: '\t', 0: '\0', Z: '\x1a' };

/** Backslash escapes of one letter; octal, hexadecimal and unicode escapes, and MySQL's `\%` and `\_`, are not decoded. */
function unescape(raw: string, postgres: boolean): string | undefined {
  const start = raw.search(/['"]/);
  const quote = raw.charAt(start);
  const body = raw.slice(start + 1, -1);
  if (!body.includes('\\') && !body.includes(quote)) return body;
  const hard = postgres ? /[0-7xuU]/ : /[%_]/;
  const easy = postgres ? postgresEscapes : mysqlEscapes;
  let text = '';
  for (let i = 0; i < body.length; i++) {
    const character = body.charAt(i);
    if (character === '\\') {
      const next = body.charAt(++i);
      if (hard.test(next)) return undefined;
      text += easy[next] ?? next;
    } else {
      if (character === quote) i++;
      text += character;
    }
  }
  return text;
}
