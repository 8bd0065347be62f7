/** What both protocols do about the looks of a rule with `evidence`: when to ask, and what an answer, or none, means. */
import type { Looks } from '../patterns/evidence.ts';
import type { Reason } from '../patterns/reasons.ts';
import type { Plan } from '../patterns/types.ts';
import type { SessionState } from './state.ts';

/** The looks of a plan, unless they have to rest. */
export function mayLook({ options, now }: SessionState, { looks, rule }: Plan): Looks | { reason: Reason } {
  if (looks === undefined) return { reason: 'look-failed' };
  if ('reason' in looks) return looks;
  return options.shared.looks.allows(rule.id, now) ? looks : { reason: 'breaker' };
}

export function looked({ options, now }: SessionState, { rule }: Plan, answered: boolean): void {
  const { looks } = options.shared;
  if (answered) looks.succeeded(rule.id);
  else looks.failed(rule.id, now);
}
