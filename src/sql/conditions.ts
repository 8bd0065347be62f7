/**
 * WHERE conditions: splitting at AND and OR, and equalities column = constant. Step 4 of the flow (text -> shape).
 *
 * Invariant: what comes out of `conjuncts` must all hold for every row that WHERE lets through; nothing below OR, NOT
 * or CASE is ever taken out. Every token is looked at once at its own level of parentheses.
 */
import { keywordId } from './keywords.ts';
import { columnRef, endOfName } from './names.ts';
import type { ColumnRef, Equality } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';
import { constant } from './values.ts';

const k = {
  and: keywordId('and'),
  or: keywordId('or'),
  xor: keywordId('xor'),
  case: keywordId('case'),
  end: keywordId('end'),
  between: keywordId('between'),
  true: keywordId('true'),
  select: keywordId('select'),
  with: keywordId('with'),
  values: keywordId('values'),
  table: keywordId('table'),
};

/** Token indexes [first, end). */
export interface Range {
  first: number;
  end: number;
}

/** Takes away parentheses around the whole range, unless they are a sub-query's. */
export function unwrap(tokens: Tokens, range: Range): Range {
  let { first, end } = range;
  while (
    tokens.kind[first] === T.Open &&
    tokens.partner[first] === end - 1 &&
    !beginsQuery(tokens, first + 1)
  ) {
    first++;
    end--;
  }
  return { first, end };
}

/** Token i, behind an opening parenthesis, makes it a sub-query's. */
export function beginsQuery(tokens: Tokens, i: number): boolean {
  const word = tokens.keyword(i);
  return word === k.select || word === k.with || word === k.values || word === k.table;
}

/** The range at its top level: parts between OR, or else parts between AND, or else one condition. */
export interface Split {
  kind: 'or' | 'and' | 'one' | 'unknown';
  parts: Range[];
}

export function split(tokens: Tokens, range: Range): Split {
  const ors: number[] = [];
  const ands: number[] = [];
  let cases = 0;
  let betweens = 0;
  for (let i = range.first; i < range.end; i++) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) i = tokens.partner[i] as number;
    else if (kind === T.Word) {
      const word = tokens.detail[i];
      if (word === k.case) cases++;
      else if (word === k.end && cases > 0) cases--;
      else if (cases > 0) continue;
      else if (word === k.or) ors.push(i);
      else if (word === k.between) betweens++;
      else if (word === k.and && betweens > 0) betweens--;
      else if (word === k.and) ands.push(i);
      else if (word === k.xor && tokens.dialect !== 'postgres') return { kind: 'unknown', parts: [] };
    } else if (kind === T.Operator && tokens.dialect !== 'postgres' && isLogical(tokens, i)) {
      return { kind: 'unknown', parts: [] };
    }
  }
  if (ors.length > 0) return { kind: 'or', parts: between(range, ors) };
  if (ands.length > 0) return { kind: 'and', parts: between(range, ands) };
  return { kind: 'one', parts: [range] };
}

/** MySQL's `&&` and `||`; the second depends on sql_mode, so neither is taken apart. */
function isLogical(tokens: Tokens, i: number): boolean {
  const operator = tokens.raw(i);
  return operator === '&&' || operator === '||';
}

function between(range: Range, separators: number[]): Range[] {
  const parts: Range[] = [];
  let first = range.first;
  for (const separator of separators) {
    parts.push({ first, end: separator });
    first = separator + 1;
  }
  parts.push({ first, end: range.end });
  return parts;
}

/** Top-level AND conjuncts through all parentheses; `1=1` and TRUE are left out. Undefined when a part cannot be told. */
export function conjuncts(tokens: Tokens, range: Range): Range[] | undefined {
  const found: Range[] = [];
  return collect(tokens, range, found) ? found : undefined;
}

function collect(tokens: Tokens, range: Range, found: Range[]): boolean {
  const inner = unwrap(tokens, range);
  if (inner.first >= inner.end) return false;
  const { kind, parts } = split(tokens, inner);
  if (kind === 'unknown') return false;
  if (kind === 'and') return parts.every((part) => collect(tokens, part, found));
  if (!isAlwaysTrue(tokens, inner)) found.push(inner);
  return true;
}

/** TRUE, or one integer compared with itself. */
function isAlwaysTrue(tokens: Tokens, { first, end }: Range): boolean {
  if (end - first === 1) return tokens.is(first, k.true);
  return (
    end - first === 3 &&
    tokens.kind[first] === T.Number &&
    tokens.kind[first + 1] === T.Equals &&
    tokens.kind[first + 2] === T.Number &&
    /^\d+$/.test(tokens.raw(first)) &&
    tokens.raw(first) === tokens.raw(first + 2)
  );
}

/** `column = constant`, either way round, and nothing else. */
export function equality(tokens: Tokens, range: Range): Equality | undefined {
  const { first, end } = unwrap(tokens, range);
  const left = columnAt(tokens, first);
  if (left !== undefined && tokens.kind[left.end] === T.Equals) {
    const value = constant(tokens, left.end + 1, end);
    if (value !== undefined && value.kind !== 'default') return { column: left.column, value };
  }
  let from = end - 1;
  while (from - 2 > first && tokens.kind[from - 1] === T.Dot) from -= 2;
  if (from - 1 <= first || tokens.kind[from - 1] !== T.Equals) return undefined;
  const column = columnRef(tokens, from, end);
  if (column === undefined) return undefined;
  const value = constant(tokens, first, from - 1);
  return value === undefined || value.kind === 'default' ? undefined : { column, value };
}

/** A column, in parentheses or not, that begins at token i; `end` is the index behind it. */
export function columnAt(tokens: Tokens, i: number): { column: ColumnRef; end: number } | undefined {
  let first = i;
  while (tokens.kind[first] === T.Open) first++;
  const depth = first - i;
  let end = endOfName(tokens, first);
  const column = columnRef(tokens, first, end);
  if (column === undefined) return undefined;
  for (let level = 0; level < depth; level++) {
    if (tokens.kind[end] !== T.Close) return undefined;
    end++;
  }
  return { column, end };
}

/** Equalities among the top-level AND conjuncts of a WHERE. */
export function equalities(tokens: Tokens, range: Range): Equality[] {
  const found: Equality[] = [];
  for (const part of conjuncts(tokens, range) ?? []) {
    const one = equality(tokens, part);
    if (one !== undefined) found.push(one);
  }
  return found;
}
