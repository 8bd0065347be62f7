/** How the cases of MySQL and MariaDB are told; reasons.test.ts plays each of them in both dialects. */
import type { Parameters } from '../../../src/memory/types.ts';
import type { Options, Step } from './scene.ts';
import type { Story } from './stories.ts';

export const from = "FROM `c` INNER JOIN `a` ON (`c`.`a_id` = `a`.`id`) WHERE `a`.`name` = 'foo'";
export const read: Step = { sql: `SELECT \`c\`.\`id\` ${from}`, rows: ['1', '2', '3'] };
export const deletion: Step = { sql: 'DELETE FROM `c` WHERE `c`.`id` IN (1, 2, 3)' };
/** One table, nothing that made an ORM split it. */
export const plainRead: Step = { sql: 'SELECT `c`.`id` FROM `c` WHERE `c`.`v` > 5', rows: ['1', '2', '3'] };

export const base: Story = { steps: ['START TRANSACTION', read, deletion] };

export function reading(sql: string, changes: Partial<Step> = {}, last: Step = deletion): Story {
  return { steps: ['START TRANSACTION', { ...read, sql, ...changes }, last] };
}

export function deleting(sql: string, changes: Partial<Step> = {}): Story {
  return { steps: ['START TRANSACTION', read, { sql, ...changes }] };
}

export function between(...steps: (Step | string)[]): Story {
  return { steps: ['START TRANSACTION', read, ...steps, deletion] };
}

export function withOptions(options: Options): Story {
  return { ...base, options };
}

export function chunks(sql: string, last = 'DELETE FROM `c` WHERE `c`.`id` IN (1)'): Story {
  return {
    steps: ['START TRANSACTION', { ...read, sql }, 'DELETE FROM `c` WHERE `c`.`id` IN (3, 2)', last],
  };
}

/** Values as the session makes them of a COM_STMT_EXECUTE: text form, but for Buffers, which have none that is exact. */
export function bound(...values: (string | Buffer | null)[]): Parameters {
  return {
    formats: values.map((value) => (Buffer.isBuffer(value) ? 1 : 0)),
    values: values.map((value) => (typeof value === 'string' ? Buffer.from(value, 'latin1') : value)),
    types: [],
    binding: { types: [], values: [] },
  };
}

// -- the read after a duplicate -------------------------------------------------------------------------------------------

/** As MariaDB tells it. MySQL names the table as well. */
export const duplicate = { code: '23000', errno: 1062, constraint: 'c_key' };
export const insert: Step = { sql: "INSERT INTO `c` (`key`, `v`) VALUES ('k1', 1)", error: duplicate };
export const reread: Step = {
  sql: "SELECT `c`.`id`, `c`.`key`, `c`.`v` FROM `c` WHERE `c`.`key` = 'k1'",
};

export const lookup: Story = {
  steps: ['START TRANSACTION', 'SAVEPOINT s', insert, 'ROLLBACK TO SAVEPOINT s', reread],
};

export function rereading(sql: string, changes: Partial<Step> = {}, options: Options = {}): Story {
  return {
    steps: [
      'START TRANSACTION',
      'SAVEPOINT s',
      insert,
      'ROLLBACK TO SAVEPOINT s',
      { ...reread, sql, ...changes },
    ],
    options,
  };
}

export function inserting(sql: string, changes: Partial<Step> = {}, last: Step = reread): Story {
  return { steps: ['START TRANSACTION', { ...insert, sql, ...changes }, last] };
}

export function afterInsert(...steps: (Step | string)[]): Story {
  return { steps: ['START TRANSACTION', insert, ...steps, reread] };
}

export function lookupWith(options: Options): Story {
  return { ...lookup, options };
}
