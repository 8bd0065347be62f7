/** Settings of the unlocked-read pattern. Public API: the keys are documented in docs/reference.md. */
import { z } from 'zod';

export const unlockedReadSettings = z.strictObject({
  /** always: lock every such read; after-locking-lookup: only when the same lookup ran with FOR UPDATE earlier in the transaction. */
  when: z.enum(['always', 'after-locking-lookup']).default('always'),
  marker: z.boolean().default(true),
});
export type UnlockedReadSettings = z.infer<typeof unlockedReadSettings>;
