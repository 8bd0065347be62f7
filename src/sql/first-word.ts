/**
 * The first word of a text, found in nanoseconds: decides whether a statement is looked at further. In front of step 4
 * of the flow; knows no dialect, so a text whose comments PG and MySQL read differently is 'other'.
 */
import { classOf, bytes, isWordByte } from './bytes.ts';
import { findKeyword, hashStep, keywordId } from './keywords.ts';
import { endOfBlockComment, endOfLine } from './scan.ts';

const known = [
  'select',
  'insert',
  'update',
  'delete',
  'with',
  'begin',
  'start',
  'commit',
  'end',
  'rollback',
  'abort',
  'savepoint',
  'release',
  'prepare',
  'set',
  'reset',
  'show',
  'deallocate',
  'listen',
  'unlisten',
] as const;

/** 'empty': nothing but blanks, comments and semicolons. */
export type FirstWord = (typeof known)[number] | 'other' | 'empty';

const byId: (FirstWord | undefined)[] = [];
for (const word of known) byId[keywordId(word)] = word;

/** Looks at [start, end) of the text; allocates nothing. */
export function firstWord(text: Buffer, start: number, end: number): FirstWord {
  let i = start;
  while (i < end) {
    const byte = text[i] as number;
    const kind = classOf[byte];
    if (kind === bytes.blank || byte === 0x3b) i++;
    else if (kind === bytes.word) return wordAt(text, i, end);
    else {
      const after = endOfComment(text, i);
      if (after < 0 || after > end) return 'other';
      i = after;
    }
  }
  return 'empty';
}

function wordAt(text: Buffer, start: number, end: number): FirstWord {
  let hash = 0;
  let i = start;
  do hash = hashStep(hash, text[i++] as number);
  while (i < end && isWordByte[text[i] as number] === 1);
  return byId[findKeyword(text, start, i, hash)] ?? 'other';
}

/** Offset behind the comment at i, or -1: no comment, executable, nested, or `--` without a blank behind it. */
function endOfComment(text: Buffer, i: number): number {
  const next = text[i + 1];
  if (text[i] === 0x2d && next === 0x2d) {
    return i + 2 < text.length && classOf[text[i + 2] as number] !== bytes.blank ? -1 : endOfLine(text, i);
  }
  if (
    text[i] !== 0x2f ||
    next !== 0x2a ||
    text[i + 2] === 0x21 ||
    (text[i + 2] === 0x4d && text[i + 3] === 0x21)
  )
    return -1;
  const flat = endOfBlockComment(text, i + 2, false);
  return flat === endOfBlockComment(text, i + 2, true) ? flat : -1;
}
