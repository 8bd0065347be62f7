/** The answer to the question of postgres.ts -> Facts. An answer that is not understood is no answer: refuse `catalog`. */
import { z } from 'zod';
import type { Facts } from './types.ts';

/** json_agg over nothing is null. */
function listOf<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullable()
    .transform((items) => items ?? []);
}

const utf8Hex = z
  .string()
  .regex(/^([0-9a-f]{2})*$/)
  .transform((hex) => Buffer.from(hex, 'hex').toString('latin1'));

const relation = z.object({
  schema: z.string(),
  name: z.string(),
  kind: z.string(),
  rowSecurity: z.boolean(),
  inheritance: z.boolean(),
  rules: z.boolean(),
  temporary: z.boolean(),
});

const key = z.object({
  columns: listOf(z.string()),
  primary: z.boolean(),
  partial: z.boolean(),
  expression: z.boolean(),
  deferrable: z.boolean(),
});

const attribute = z.object({
  name: z.string(),
  type: z.number(),
  hasDefault: z.boolean(),
  inForeignKey: z.boolean(),
});

const answer = z.object({
  targetResolves: z.boolean(),
  identity: z.object({ schema: utf8Hex, table: utf8Hex }),
  shadowedFunctions: z.boolean(),
  chunksSafe: z.boolean(),
  target: relation,
  attributes: z.record(z.string(), attribute).nullable(),
  primaryKey: listOf(z.string()),
  uniqueColumns: listOf(z.string()),
  mayLock: z.boolean(),
  relations: listOf(relation),
  unresolved: z.boolean(),
  deferrable: listOf(
    z.object({ name: z.string(), initiallyDeferred: z.boolean(), unique: z.boolean(), trigger: z.boolean() }),
  ),
  violated: key.nullable(),
});

/** @param text the row's only column, bytes as latin1 */
export function readFacts(text: string): Facts | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = answer.safeParse(json);
  if (!parsed.success) return undefined;
  const { violated, attributes, ...rest } = parsed.data;
  return { ...rest, attributes: attributes ?? {}, ...(violated !== null && { violated }) };
}
