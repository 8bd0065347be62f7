/** Settings of the unlocked-read pattern. Public API: the keys are documented in docs/reference.md. */
import { z } from 'zod';

export const unlockedReadSettings = z.strictObject({
  /** always: lock every such read; after-locking-lookup: only when the same lookup ran with FOR UPDATE earlier in the transaction. */
  when: z.enum(['always', 'after-locking-lookup']).default('always'),
  /**
   * MySQL, MariaDB without innodb_snapshot_isolation, under REPEATABLE READ: the plain read finds nothing there, because
   * the row is younger than its snapshot, and a locking read finds it. leave: the app gets what it would get anyway.
   */
  repeatable_read: z.enum(['rewrite', 'leave']).default('leave'),
  /** Put the rule's id in front of the rewritten SQL as a comment, `interlock:ID`. */
  marker: z.boolean().default(true),
});
export type UnlockedReadSettings = z.infer<typeof unlockedReadSettings>;
