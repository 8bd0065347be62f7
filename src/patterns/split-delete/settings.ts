/** Settings of the split-delete pattern. Public API: the keys are documented in docs/reference.md. */
import { z } from 'zod';
import { duration } from '../duration.ts';

export const splitDeleteSettings = z.strictObject({
  /** What the SELECT may return: only the key (the proof that the app had nothing else to work with). */
  select_list: z.literal('key-only').default('key-only'),
  /** Statements allowed between SELECT and DELETE, noise and earlier chunks aside. */
  statements_between: z.literal(0).default(0),
  /** How long the app may hold the ids: the sum of the gaps in which the server waits for it. */
  window: duration.default(1000),
  /**
   * try: polled advisory lock; wait: blocking advisory lock; none: no guard (does not close the race); all: as try, and
   * sessions outside of the rule's canary take it as well, in front of the original.
   */
  guard: z.enum(['try', 'wait', 'none', 'all']).default('try'),
  guard_wait: duration.default(2000),
  /** Put the rule's id in front of the rewritten SQL as a comment, `interlock:ID`. */
  marker: z.boolean().default(true),
});
export type SplitDeleteSettings = z.infer<typeof splitDeleteSettings>;
