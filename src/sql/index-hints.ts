/** MySQL, MariaDB: index hints behind a table (manual 10.9.4). Step 4 of the flow; they change no result and are skipped. */
import { keywordId } from './keywords.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const k = {
  use: keywordId('use'),
  force: keywordId('force'),
  ignore: keywordId('ignore'),
  index: keywordId('index'),
  key: keywordId('key'),
  for: keywordId('for'),
};

/** `USE | FORCE | IGNORE INDEX | KEY [FOR …] (…)` at token i: index behind it, or i when there is none. */
export function endOfIndexHint(tokens: Tokens, i: number): number {
  if (tokens.dialect === 'postgres') return i;
  const verb = tokens.keyword(i);
  if (verb !== k.use && verb !== k.force && verb !== k.ignore) return i;
  if (!tokens.is(i + 1, k.index) && !tokens.is(i + 1, k.key)) return i;
  let open = i + 2;
  // FOR JOIN, FOR ORDER BY, FOR GROUP BY
  if (tokens.is(open, k.for)) while (open < i + 5 && tokens.kind[open] === T.Word) open++;
  return tokens.kind[open] === T.Open ? (tokens.partner[open] as number) + 1 : i;
}
