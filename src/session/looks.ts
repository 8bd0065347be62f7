/** What both protocols do about the looks of a rule with `evidence`: when to ask, and what an answer, or none, means. */
import type { Reason } from '../patterns/reasons.ts';
import type { Rule } from '../patterns/rule.ts';
import type { SessionState } from './state.ts';

/** Of a look that failed, or said what it cannot say. */
export const noAnswer: { reason: Reason } = { reason: 'look-failed' };

/** The look, unless there is none, or the looks of the rule have to rest. */
export function mayLook<Look extends object>(
  { options, now }: SessionState,
  { id }: Rule,
  look: Look | { reason: Reason } | undefined,
): Look | { reason: Reason } {
  if (look === undefined) return { reason: 'look-failed' };
  if ('reason' in look) return look;
  return options.shared.looks.allows(id, now) ? look : { reason: 'breaker' };
}

export function looked({ options, now }: SessionState, { id }: Rule, answered: boolean): void {
  const { looks } = options.shared;
  if (answered) looks.succeeded(id);
  else looks.failed(id, now);
}
