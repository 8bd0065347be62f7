/** What a session has the process learn from a transaction that has ended: see patterns/anticipate/learner.ts. */
import { endingOf } from '../patterns/anticipate/ending.ts';
import type { Learner } from '../patterns/anticipate/learner.ts';
import type { RememberedRead } from '../memory/read.ts';
import { masked } from '../sql/masked.ts';
import type { SessionState } from './state.ts';

export function learnFrom(state: SessionState, learner: Learner, reads: readonly RememberedRead[]): void {
  const { rules, settings, info, now, output } = state;
  const { listener, database } = info;
  for (const read of reads) {
    const { statement, at } = read;
    const found = endingOf(read, settings.dialect);
    if (found === undefined || statement.head.optOut) continue;
    const { schema, name } = found.table;
    const table = schema === undefined ? name : `${schema}.${name}`;
    const { fingerprint } = statement.head;
    const which = { listener, database, table, fingerprint };
    const known = learner.knows(which);
    if (found.ending === 'alone' && !known) continue;
    // There is a rule for it already.
    if (rules.ruleFor('anticipate', found.table, fingerprint) !== undefined) continue;
    const text = known || !state.readable ? undefined : masked(statement.text, settings);
    const proposed = learner.add({ ...which, ending: found.ending, opening: at.opening, text }, now);
    if (proposed !== undefined) output.event({ type: 'suggestion', table, fingerprint });
  }
}
