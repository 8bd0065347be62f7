/** BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their relatives. Step 4 of the flow (text -> shape). */
import { caselessName, isName } from './names.ts';
import { keywordId } from './keywords.ts';
import type { TransactionShape } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const k = {
  begin: keywordId('begin'),
  start: keywordId('start'),
  commit: keywordId('commit'),
  end: keywordId('end'),
  abort: keywordId('abort'),
  rollback: keywordId('rollback'),
  savepoint: keywordId('savepoint'),
  release: keywordId('release'),
  work: keywordId('work'),
  transaction: keywordId('transaction'),
  and: keywordId('and'),
  no: keywordId('no'),
  chain: keywordId('chain'),
  to: keywordId('to'),
};

const is = (tokens: Tokens, i: number, word: keyof typeof k): boolean => tokens.is(i, k[word]);

/** The statement in the tokens [first, end), or undefined when it is none of these. */
export function transactionShape(tokens: Tokens, first: number, end: number): TransactionShape | undefined {
  switch (tokens.keyword(first)) {
    case k.begin:
      return modes(tokens, afterWork(tokens, first + 1), end) ? { kind: 'begin' } : undefined;
    case k.start:
      if (!is(tokens, first + 1, 'transaction')) return undefined;
      return modes(tokens, first + 2, end) ? { kind: 'begin' } : undefined;
    case k.commit:
      return ending(tokens, first, end, 'commit');
    case k.end:
    case k.abort:
      // MySQL has neither, but for the END of a block
      if (tokens.dialect !== 'postgres') return undefined;
      return ending(tokens, first, end, is(tokens, first, 'end') ? 'commit' : 'rollback');
    case k.rollback:
      return rollbackTo(tokens, first, end) ?? ending(tokens, first, end, 'rollback');
    case k.savepoint:
      return named(tokens, first + 1, end, 'savepoint');
    case k.release:
      return named(tokens, is(tokens, first + 1, 'savepoint') ? first + 2 : first + 1, end, 'release');
    default:
      return undefined;
  }
}

function afterWork(tokens: Tokens, i: number): number {
  return is(tokens, i, 'work') || is(tokens, i, 'transaction') ? i + 1 : i;
}

const modeWords = new Set(
  (
    'isolation level read write only committed uncommitted repeatable serializable not deferrable with consistent ' +
    'snapshot'
  ).split(' '),
);

/** Transaction modes only: words and commas. `BEGIN NOT ATOMIC` and other blocks are no transaction. */
function modes(tokens: Tokens, from: number, end: number): boolean {
  for (let i = from; i < end; i++) {
    if (tokens.kind[i] === T.Comma) continue;
    if (tokens.kind[i] !== T.Word || !modeWords.has(tokens.raw(i).toLowerCase())) return false;
  }
  return true;
}

/** `[WORK | TRANSACTION] [AND [NO] CHAIN] [[NO] RELEASE]` */
function ending(
  tokens: Tokens,
  first: number,
  end: number,
  kind: 'commit' | 'rollback',
): TransactionShape | undefined {
  let i = afterWork(tokens, first + 1);
  let chain = false;
  if (is(tokens, i, 'and')) {
    i++;
    const no = is(tokens, i, 'no');
    if (no) i++;
    if (!is(tokens, i, 'chain')) return undefined;
    i++;
    chain = !no;
  }
  if (tokens.dialect !== 'postgres') {
    if (is(tokens, i, 'no') && is(tokens, i + 1, 'release')) i += 2;
    else if (is(tokens, i, 'release')) i++;
  }
  return i === end ? { kind, chain } : undefined;
}

/** `ROLLBACK [WORK | TRANSACTION] TO [SAVEPOINT] name` */
function rollbackTo(tokens: Tokens, first: number, end: number): TransactionShape | undefined {
  const i = afterWork(tokens, first + 1);
  if (!is(tokens, i, 'to')) return undefined;
  const name = is(tokens, i + 1, 'savepoint') && i + 2 < end ? i + 2 : i + 1;
  return named(tokens, name, end, 'rollback-to');
}

function named(
  tokens: Tokens,
  i: number,
  end: number,
  kind: 'savepoint' | 'release' | 'rollback-to',
): TransactionShape | undefined {
  return i === end - 1 && isName(tokens, i) ? { kind, savepoint: caselessName(tokens, i) } : undefined;
}
