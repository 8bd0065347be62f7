/** The events of a recording: messages of both protocols, as far as `explain` reads them. What it does not know is skipped. */
import { z } from 'zod';

const c = z.number().int();
const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.object({ bin: z.string() })]);
export type Value = z.output<typeof value>;
const numbers = z.array(z.number());

const event = z.discriminatedUnion('m', [
  z.object({ c, m: z.literal(['Query', 'COM_QUERY']), sql: z.string() }),
  z.object({ c, m: z.literal('Parse'), name: z.string(), sql: z.string(), oids: numbers.optional() }),
  z.object({
    c,
    m: z.literal('Bind'),
    portal: z.string(),
    stmt: z.string(),
    /** Of a statement that was prepared before the recording began. */
    sql: z.string().optional(),
    pfmt: numbers.default([]),
    params: z.array(value),
  }),
  z.object({ c, m: z.literal('Execute'), portal: z.string() }),
  z.object({
    c,
    m: z.literal('COM_STMT_EXECUTE'),
    sql: z.string().optional(),
    params: z.array(value).optional(),
  }),
  z.object({
    c,
    m: z.literal('rows'),
    n: z.number(),
    /** The first rows. */
    sample: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
    oids: numbers.optional(),
    types: numbers.optional(),
    /** PostgreSQL: a digit a column, 1 is binary. */
    fmt: z.string().optional(),
    flags: z.string().optional(),
  }),
  z.object({ c, m: z.literal('done'), tag: z.string() }),
  z.object({ c, m: z.literal('ok'), affected: z.number(), flags: z.string().optional() }),
  z.object({ c, m: z.literal('EmptyQuery') }),
  z.object({
    c,
    m: z.literal('error'),
    code: z.union([z.string(), z.number()]),
    msg: z.string().optional(),
    schema: z.string().optional(),
    table: z.string().optional(),
    constraint: z.string().optional(),
  }),
  z.object({ c, m: z.literal('Z'), tx: z.enum(['I', 'T', 'E']) }),
]);
export type Event = z.output<typeof event>;

/** Undefined: a note, or a message that changes nothing here. */
export function readEvent(raw: unknown): Event | undefined {
  const result = event.safeParse(raw);
  return result.success ? result.data : undefined;
}
