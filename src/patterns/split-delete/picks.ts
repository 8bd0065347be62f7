/**
 * Does a SELECT pick some of its rows, somewhere inside? Step 6 of the flow.
 *
 * A LIMIT in a sub-query is as dangerous as one outside: after a rival's DELETE a fresh evaluation takes the next rows,
 * which nobody has seen (`WHERE id IN (SELECT id … ORDER BY id LIMIT 100)` is how apps work through a table). DISTINCT
 * ON takes one row of each group, and without an order not always the same one. `EXISTS (… LIMIT 1)` is neutral: Django
 * writes it, and no row gets out.
 *
 * Works on tokens, because a shape knows the outermost LIMIT only. Asked for candidates, not for every statement.
 */
import { keywordId } from '../../sql/keywords.ts';
import { lex } from '../../sql/lexer.ts';
import type { LexerSettings } from '../../sql/shape.ts';
import { T, Tokens } from '../../sql/tokens.ts';

const k = {
  select: keywordId('select'),
  exists: keywordId('exists'),
  limit: keywordId('limit'),
  offset: keywordId('offset'),
  fetch: keywordId('fetch'),
  distinct: keywordId('distinct'),
  on: keywordId('on'),
};

const tokens = new Tokens();

export function picksRows(text: Buffer, settings: LexerSettings): 'limit' | 'distinct-on' | undefined {
  lex(text, settings, tokens);
  /** One entry an open parenthesis: is it the sub-query of an EXISTS? */
  const exists: boolean[] = [];
  for (let i = 0; i < tokens.count; i++) {
    if (tokens.kind[i] === T.Open) {
      exists.push(tokens.is(i + 1, k.select) && i > 0 && tokens.is(i - 1, k.exists));
    } else if (tokens.kind[i] === T.Close) exists.pop();
    else if (tokens.is(i, k.distinct) && tokens.is(i + 1, k.on)) return 'distinct-on';
    else if (exists.length > 0 && isLimit(i) && !(exists.at(-1) === true && isNeutral(i))) return 'limit';
  }
  return undefined;
}

function isLimit(i: number): boolean {
  return tokens.is(i, k.limit) || tokens.is(i, k.offset) || tokens.is(i, k.fetch);
}

/** LIMIT with a number that is not zero, and no offset: EXISTS says the same without it. MySQL: `LIMIT 5, 1` has one. */
function isNeutral(i: number): boolean {
  if (!tokens.is(i, k.limit) || tokens.kind[i + 1] !== T.Number || tokens.kind[i + 2] === T.Comma)
    return false;
  return /^[1-9]\d*$/.test(tokens.raw(i + 1));
}
