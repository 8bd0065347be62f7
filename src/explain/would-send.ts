/**
 * What would be sent in place of a statement that is only observed: the sequence is played once more, with an assumed
 * catalog in place of the server's and in mode rewrite. A hint for people, not a promise. Pure.
 */
import type { Statement } from '../memory/types.ts';
import type { Finding } from '../patterns/types.ts';
import type { Rule } from '../patterns/rule.ts';
import type { LexerSettings } from '../sql/shape.ts';
import type { Witness } from '../sql/witness/types.ts';
import { AssumedCatalog } from './assumed.ts';
import { Playback } from './playback.ts';
import { presume } from './presume.ts';
import type { Answer, Said } from './said.ts';

/** @returns the statements, or undefined where the sequence by itself does not tell */
export function wouldSend(
  { rule, began }: Pick<Finding, 'rule' | 'began'>,
  statement: Statement,
  lexer: LexerSettings,
  witness: Witness,
): Buffer[] | undefined {
  if (began === undefined) return undefined;
  const shown: Rule = { ...rule, mode: 'rewrite', tablesNamed: true };
  const playback = new Playback({
    lexer,
    witness,
    catalog: new AssumedCatalog(lexer.dialect),
    rules: { active: true, ruleFor: (pattern) => (pattern === rule.pattern ? shown : undefined) },
    isolation: 'read committed',
  });
  const texts =
    rule.pattern === 'split-delete'
      ? ['BEGIN', began, statement]
      : ['BEGIN', 'SAVEPOINT a', began, 'ROLLBACK TO SAVEPOINT a', statement];
  let sent: Buffer[] | undefined;
  for (const said of presume(texts.map(saying), lexer, false)) sent = playback.say(said).verdict?.sent;
  return sent;
}

function saying(one: Statement | string): Said {
  const unknown: Answer = { kind: 'unknown' };
  const common = { session: '', line: 0 };
  if (typeof one === 'string') return { ...common, sql: one, answer: { kind: 'done', affected: undefined } };
  const { text, parameters } = one;
  return { ...common, sql: text.toString('utf8'), answer: unknown, ...(parameters && { parameters }) };
}
