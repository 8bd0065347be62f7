/**
 * The clauses of a query at its own level of parentheses, found by their reserved words. Step 4 of the flow.
 *
 * The result lives in this module until the next call: one query is read at a time, and no object is made for it.
 */
import { endOfIndexHint } from './index-hints.ts';
import { keywordId } from './keywords.ts';
import { isInnerWord } from './survey.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const names = [
  'into',
  'from',
  'where',
  'group',
  'having',
  'window',
  'order',
  'limit',
  'offset',
  'fetch',
  'for',
  'union',
  'intersect',
  'except',
] as const;
export type Clause = (typeof names)[number];

const numberOf = new Int8Array(256).fill(-1);
names.forEach((name, number) => (numberOf[keywordId(name)] = number));
const index = Object.fromEntries(names.map((name, number) => [name, number])) as Record<Clause, number>;
const fromNumber = index.from;
const groupNumber = index.group;
const lock = keywordId('lock');
const inWord = keywordId('in');
/** Behind a set operation, clauses in front of this one belong to a later SELECT, the others to the whole. */
const firstOfWhole = index.order;
const firstSetOperation = index.union;

const firsts = new Int32Array(names.length);
const ends = new Int32Array(names.length);

/** Looks at the tokens [from, end); returns the index of the first clause's keyword, or `end`. */
export function findClauses(tokens: Tokens, from: number, end: number): number {
  firsts.fill(-1);
  let first = end;
  let combined = false;
  let open = -1;
  for (let i = from; i < end; i++) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.OpenBracket) i = tokens.partner[i] as number;
    if (kind !== T.Word) continue;
    const number = clauseOf(tokens, i);
    if (number === hint) {
      i = endOfIndexHint(tokens, i) - 1;
      continue;
    }
    if (number < 0 || ((number === fromNumber || number === groupNumber) && isInnerWord(tokens, i))) continue;
    if (first === end) first = i;
    if (open >= 0) ends[open] = i;
    open = -1;
    if (firsts[number] === -1 && !(combined && number < firstOfWhole)) {
      firsts[number] = i;
      ends[number] = end;
      open = number;
    }
    if (number >= firstSetOperation) combined = true;
  }
  return first;
}

const hint = -2;

/** Number of the clause that the word at token i begins, -1 for none. */
function clauseOf(tokens: Tokens, i: number): number {
  const word = tokens.detail[i] as number;
  const number = numberOf[word] as number;
  if (number >= 0 || word === 0 || tokens.dialect === 'postgres') return number;
  // LOCK IN SHARE MODE stands where FOR SHARE does
  if (word === lock && tokens.is(i + 1, inWord)) return index.for;
  return endOfIndexHint(tokens, i) > i ? hint : -1;
}

export function hasClause(clause: Clause): boolean {
  return (firsts[index[clause]] as number) >= 0;
}

/** Index of the clause's keyword, -1 without one. */
export function clauseFirst(clause: Clause): number {
  return firsts[index[clause]] as number;
}

/** Index behind the clause's last token. */
export function clauseEnd(clause: Clause): number {
  return ends[index[clause]] as number;
}
