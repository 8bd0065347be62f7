/** Settings of the pattern `anticipate`. Public API: the keys are documented in docs/reference.md. */
import { z } from 'zod';
import { firstWord } from '../../sql/first-word.ts';
import type { Name } from '../../sql/shape.ts';
import { duration } from '../duration.ts';

const mostSelects = 100;
const fingerprint = /^[0-9a-f]{16}$/;

/** A fingerprint as findings have it, or a statement that has it. */
const select = z
  .string()
  .refine(
    (text) => fingerprint.test(text) || isSelect(text),
    'write an example of the SELECT, or its fingerprint: 16 digits of 0-9, a-f',
  );

export const anticipateSettings = z.strictObject({
  /** The SELECTs that open such a transaction: an example each, whose constants do not matter, or a fingerprint. */
  select: z.array(select).min(1).max(mostSelects),
  /** Whose guard is taken: `table` or `schema.table`. Default: the table of the SELECT's first column. */
  table: z.string().min(1).optional(),
  /** try: polled advisory lock; wait: blocking advisory lock (PostgreSQL). */
  guard: z.enum(['try', 'wait']).default('try'),
  guard_wait: duration.default(2000),
});
export type AnticipateSettings = z.infer<typeof anticipateSettings>;

/** The table that the settings name. */
export function tableOf({ table }: AnticipateSettings): Name | undefined {
  if (table === undefined) return undefined;
  const dot = table.indexOf('.');
  return dot < 0 ? { name: table } : { schema: table.slice(0, dot), name: table.slice(dot + 1) };
}

function isSelect(text: string): boolean {
  const bytes = Buffer.from(text, 'utf8');
  return firstWord(bytes, 0, bytes.length) === 'select';
}
