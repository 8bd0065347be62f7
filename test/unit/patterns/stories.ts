/** How the cases of split-delete are told: one base sequence, and what each case changes in it. */
import type { Reason } from '../../../src/patterns/reasons.ts';
import type { Options, Step } from './scene.ts';

export interface Story {
  steps: (Step | string)[];
  options?: Options;
}

export interface Case {
  reason: Reason;
  what: string;
  refused: Story;
  found: Story;
}

export const read: Step = {
  sql: `SELECT "c"."id" FROM "c" INNER JOIN "a" ON ("c"."a_id" = "a"."id") WHERE "a"."name" = 'foo'`,
  rows: ['1', '2', '3'],
};
export const deletion: Step = { sql: 'DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3)' };
/** One table, nothing that made an ORM split it. */
export const plainRead: Step = { sql: `SELECT "c"."id" FROM "c" WHERE "c"."v" > 5`, rows: ['1', '2', '3'] };

export const base: Story = { steps: ['BEGIN', read, deletion] };

export function reading(sql: string, changes: Partial<Step> = {}): Story {
  return { steps: ['BEGIN', { ...read, sql, ...changes }, deletion] };
}

export function deleting(sql: string, changes: Partial<Step> = {}): Story {
  return { steps: ['BEGIN', read, { sql, ...changes }] };
}

export function between(...steps: (Step | string)[]): Story {
  return { steps: ['BEGIN', read, ...steps, deletion] };
}

export function withOptions(options: Options): Story {
  return { ...base, options };
}

export function chunks(sql: string, last = 'DELETE FROM "c" WHERE "c"."id" IN (1)'): Story {
  return { steps: ['BEGIN', { ...read, sql }, 'DELETE FROM "c" WHERE "c"."id" IN (3, 2)', last] };
}

export const from = `FROM "c" INNER JOIN "a" ON ("c"."a_id" = "a"."id") WHERE "a"."name" = 'foo'`;
