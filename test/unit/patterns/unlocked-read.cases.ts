/**
 * Every reason that the unlocked read after a unique violation can give, with a twin that differs in one token, event,
 * setting or fact and is found.
 */
import { facts, relation } from './facts.ts';
import { believer, text } from './scene.ts';
import type { Options, Step } from './scene.ts';
import type { Case, Story } from './stories.ts';

export const violation = { code: '23505', schema: 'public', table: 'c', constraint: 'c_key_key' };
export const insert: Step = {
  sql: `INSERT INTO "c" ("key", "v") VALUES ('k1', 1) RETURNING "c"."id"`,
  error: violation,
};
export const reread: Step = { sql: `SELECT "c"."id", "c"."key", "c"."v" FROM "c" WHERE "c"."key" = 'k1'` };

const base: Story = { steps: ['BEGIN', 'SAVEPOINT s', insert, 'ROLLBACK TO SAVEPOINT s', reread] };

function rereading(sql: string, changes: Partial<Step> = {}, options: Options = {}): Story {
  return {
    steps: ['BEGIN', 'SAVEPOINT s', insert, 'ROLLBACK TO SAVEPOINT s', { ...reread, sql, ...changes }],
    options,
  };
}

function inserting(sql: string, changes: Partial<Step> = {}, last: Step = reread): Story {
  return { steps: ['BEGIN', 'SAVEPOINT s', { ...insert, sql, ...changes }, 'ROLLBACK TO s', last] };
}

function between(...steps: (Step | string)[]): Story {
  return { steps: ['BEGIN', 'SAVEPOINT s', insert, 'ROLLBACK TO SAVEPOINT s', ...steps, reread] };
}

function withOptions(options: Options): Story {
  return { ...base, options };
}

function firstLookup(sql: string, rows: string[] = []): Story {
  return {
    steps: ['BEGIN', { sql, rows }, 'SAVEPOINT s', insert, 'ROLLBACK TO s', 'RELEASE s', reread],
    options: { settings: { when: 'after-locking-lookup' } },
  };
}

const key = { columns: ['key'], primary: false, partial: false, expression: false, deferrable: false };

export const unlockedReadCases: Case[] = [
  {
    reason: 'opted-out',
    what: 'a comment',
    refused: rereading(`${reread.sql} /* interlock:off */`),
    found: rereading(`${reread.sql} /* interlock:on */`),
  },
  {
    reason: 'not-in-transaction',
    what: 'the transaction was rolled back, and the read runs outside',
    refused: { steps: ['BEGIN', insert, 'ROLLBACK', reread] },
    found: { steps: ['BEGIN', 'SAVEPOINT s', insert, 'ROLLBACK TO s', reread] },
  },
  {
    reason: 'not-in-transaction',
    what: 'ROLLBACK AND CHAIN (Rails) leaves a transaction open',
    refused: { steps: ['BEGIN', insert, 'ROLLBACK', reread] },
    found: { steps: ['BEGIN', insert, 'ROLLBACK AND CHAIN', reread] },
  },
  {
    reason: 'not-in-transaction',
    what: 'autocommit',
    refused: { steps: [insert, reread] },
    found: base,
  },
  {
    reason: 'pipeline',
    what: 'ROLLBACK TO and the read in one pipeline: the server has not said T yet',
    refused: withOptions({ status: 'E' }),
    found: withOptions({ status: 'T' }),
  },
  {
    reason: 'locked-already',
    what: 'Django from 2.0.8 on, Rails from 7.1 on',
    refused: rereading(`${reread.sql} FOR UPDATE`),
    found: rereading(reread.sql),
  },
  {
    reason: 'unknown-effect',
    what: 'another search_path',
    refused: between('SET search_path TO other'),
    found: between("SET statement_timeout = '1s'"),
  },
  {
    reason: 'quiet-conflict',
    what: 'ON CONFLICT DO NOTHING, and nothing was inserted',
    refused: {
      steps: [
        'BEGIN',
        { sql: `INSERT INTO "c" ("key", "v") VALUES ('k1', 1) ON CONFLICT DO NOTHING`, tag: 'INSERT 0 0' },
        reread,
      ],
    },
    found: base,
  },
  {
    reason: 'insert-form',
    what: 'INSERT … SELECT',
    refused: inserting(`INSERT INTO "c" ("key", "v") SELECT 'k1', 1`),
    found: inserting(`INSERT INTO "c" ("key", "v") VALUES ('k1', 1)`),
  },
  {
    reason: 'insert-form',
    what: 'no column names',
    refused: inserting(`INSERT INTO "c" VALUES ('k1', 1)`),
    found: inserting(`INSERT INTO "c" ("key") VALUES ('k1')`),
  },
  {
    reason: 'query-form',
    what: 'DISTINCT cannot be locked',
    refused: rereading(`SELECT DISTINCT "c"."id" FROM "c" WHERE "c"."key" = 'k1'`),
    found: rereading(`SELECT "c"."id" FROM "c" WHERE "c"."key" = 'k1'`),
  },
  {
    reason: 'query-form',
    what: 'count(*)',
    refused: rereading(`SELECT count(*) FROM "c" WHERE "c"."key" = 'k1'`),
    found: rereading(`SELECT "c"."v" AS "a" FROM "c" WHERE "c"."key" = 'k1' LIMIT 1`),
  },
  {
    reason: 'query-form',
    what: 'exists(): nothing of the row is read',
    refused: rereading(`SELECT 1 AS "a" FROM "c" WHERE "c"."key" = 'k1' LIMIT 1`),
    found: rereading(`SELECT "id" AS "a" FROM "c" WHERE "c"."key" = 'k1' LIMIT 1`),
  },
  {
    reason: 'query-form',
    what: 'only the row of another table is read',
    refused: rereading(`SELECT "a"."id" FROM "c" JOIN "a" ON "c"."a_id" = "a"."id" WHERE "c"."key" = 'k1'`),
    found: rereading(`SELECT "c"."id" FROM "c" JOIN "a" ON "c"."a_id" = "a"."id" WHERE "c"."key" = 'k1'`),
  },
  {
    reason: 'query-form',
    what: 'a locking clause has no effect on WITH',
    refused: rereading(`WITH x AS (SELECT 1) ${reread.sql}`),
    found: rereading(reread.sql),
  },
  {
    reason: 'outer-join',
    what: 'the row is on the nullable side',
    refused: rereading(
      `SELECT "c"."id" FROM "a" LEFT JOIN "c" ON "c"."a_id" = "a"."id" WHERE "c"."key" = 'k1'`,
    ),
    found: rereading(
      `SELECT "c"."id" FROM "c" LEFT JOIN "a" ON "c"."a_id" = "a"."id" WHERE "c"."key" = 'k1'`,
    ),
  },
  {
    reason: 'volatile-function',
    what: 'a function that nobody knows',
    refused: rereading(`SELECT "c"."id", shout("c"."v") FROM "c" WHERE "c"."key" = 'k1'`),
    found: rereading(`SELECT "c"."id", upper("c"."v") FROM "c" WHERE "c"."key" = 'k1'`),
  },
  {
    reason: 'key-not-pinned',
    what: 'a list query',
    refused: rereading(`SELECT "c"."id" FROM "c" WHERE "c"."v" > 0`),
    found: rereading(`SELECT "c"."id" FROM "c" WHERE "c"."v" > 0 AND "c"."key" = 'k1'`),
  },
  {
    reason: 'key-not-pinned',
    what: 'another row',
    refused: rereading(`SELECT "c"."id" FROM "c" WHERE "c"."key" = 'k2'`),
    found: rereading(`SELECT "c"."id" FROM "c" WHERE "c"."key" = 'k1'`),
  },
  {
    reason: 'key-not-pinned',
    what: 'another row, by parameter',
    refused: rereading(`SELECT "c"."id" FROM "c" WHERE "c"."key" = $1`, { parameters: text('k2') }),
    found: rereading(`SELECT "c"."id" FROM "c" WHERE "c"."key" = $1`, { parameters: text('k1') }),
  },
  {
    reason: 'key-not-pinned',
    what: 'one column of two',
    refused: {
      steps: [...inserting(`INSERT INTO "c" ("a_id", "key") VALUES (1, 'k1')`).steps],
      options: { facts: { violated: { ...key, columns: ['a_id', 'key'] } } },
    },
    found: {
      steps: [...inserting(`INSERT INTO "c" ("a_id", "key") VALUES (1, 'k1')`).steps],
      options: { facts: { violated: { ...key, columns: ['key'] } } },
    },
  },
  {
    reason: 'key-not-pinned',
    what: 'a column that the violated key does not have',
    refused: rereading(`SELECT "c"."id" FROM "c" WHERE "c"."v" = 1`),
    found: rereading(
      `SELECT "c"."id" FROM "c" WHERE "c"."v" = 1`,
      {},
      { facts: { violated: { ...key, columns: ['v'] } } },
    ),
  },
  {
    reason: 'key-not-pinned',
    what: 'values of two rows of the INSERT',
    refused: {
      steps: inserting(
        `INSERT INTO "c" ("a_id", "key") VALUES (1, 'k1'), (2, 'k2')`,
        {},
        { sql: `SELECT "c"."id" FROM "c" WHERE "c"."a_id" = 1 AND "c"."key" = 'k2'` },
      ).steps,
      options: { facts: { violated: { ...key, columns: ['a_id', 'key'] } } },
    },
    found: {
      steps: inserting(
        `INSERT INTO "c" ("a_id", "key") VALUES (1, 'k1'), (2, 'k2')`,
        {},
        { sql: `SELECT "c"."id" FROM "c" WHERE "c"."a_id" = 2 AND "c"."key" = 'k2'` },
      ).steps,
      options: { facts: { violated: { ...key, columns: ['a_id', 'key'] } } },
    },
  },
  {
    reason: 'key-not-pinned',
    what: 'a partial index does not identify a row',
    refused: withOptions({ facts: { violated: { ...key, partial: true } } }),
    found: withOptions({ facts: { violated: { ...key, partial: false } } }),
  },
  {
    reason: 'key-not-pinned',
    what: 'an expression index',
    refused: withOptions({ facts: { violated: { ...key, expression: true } } }),
    found: withOptions({ facts: { violated: { ...key, expression: false } } }),
  },
  {
    reason: 'key-not-pinned',
    what: 'a condition on a column of another table',
    refused: rereading(`SELECT "c"."id" FROM "c" JOIN "a" ON "c"."a_id" = "a"."id" WHERE "a"."key" = 'k1'`),
    found: rereading(`SELECT "c"."id" FROM "c" JOIN "a" ON "c"."a_id" = "a"."id" WHERE "c"."key" = 'k1'`),
  },
  {
    reason: 'no-locking-lookup',
    what: 'get_or_create and update_or_create send the same, but for the first look-up',
    refused: firstLookup(reread.sql),
    found: firstLookup(`${reread.sql} FOR UPDATE`),
  },
  {
    reason: 'no-locking-lookup',
    what: 'of another row',
    refused: firstLookup(`${reread.sql.replace('k1', 'k2')} FOR UPDATE`),
    found: firstLookup(`${reread.sql} FOR UPDATE`),
  },
  {
    reason: 'no-locking-lookup',
    what: 'that found the row',
    refused: firstLookup(`${reread.sql} FOR UPDATE`, ['1']),
    found: firstLookup(`${reread.sql} FOR UPDATE`, []),
  },
  {
    reason: 'target-mismatch',
    what: "a trigger's INSERT failed",
    refused: inserting(insert.sql, { error: { ...violation, table: 'log' } }),
    found: inserting(insert.sql, { error: { ...violation, table: 'c' } }),
  },
  {
    reason: 'target-mismatch',
    what: 'the table twice',
    refused: rereading(`SELECT x."id" FROM "c" AS x JOIN "c" AS y ON x."id" = y."v" WHERE x."key" = 'k1'`),
    found: rereading(`SELECT x."id" FROM "c" AS x JOIN "a" AS y ON x."id" = y."v" WHERE x."key" = 'k1'`),
  },
  {
    reason: 'target-mismatch',
    what: 'the name means another table',
    refused: withOptions({ facts: { targetResolves: false } }),
    found: withOptions({ facts: { targetResolves: true } }),
  },
  {
    reason: 'catalog',
    what: 'the error names no constraint',
    refused: inserting(insert.sql, { error: { code: '23505', schema: 'public', table: 'c' } }),
    found: inserting(insert.sql, { error: violation }),
  },
  {
    reason: 'catalog',
    what: 'the constraint is gone',
    refused: { ...base, options: { facts: { violated: { ...key, columns: ['nowhere'] } } } },
    found: { ...base, options: { facts: { violated: key } } },
  },
  {
    reason: 'relation-kind',
    what: 'a view',
    refused: withOptions({ facts: { relations: [{ ...relation, kind: 'v' }] } }),
    found: withOptions({ facts: { relations: [{ ...relation, kind: 'r' }] } }),
  },
  {
    reason: 'row-security',
    what: 'the UPDATE policy would hide rows',
    refused: withOptions({ facts: { target: { ...relation, rowSecurity: true } } }),
    found: withOptions({ facts: { target: { ...relation, rowSecurity: false } } }),
  },
  {
    reason: 'no-privilege',
    what: 'no UPDATE on the table',
    refused: withOptions({ facts: { mayLock: false } }),
    found: withOptions({ facts: { mayLock: true } }),
  },
  {
    reason: 'witness',
    what: 'the grammar reads it otherwise',
    refused: withOptions({ witness: { ...believer, agrees: () => false } }),
    found: withOptions({
      witness: { ...believer, agrees: () => true },
      facts: { violated: facts.violated ?? key },
    }),
  },
  {
    reason: 'proof',
    what: 'the edited text is not what was meant',
    refused: withOptions({ witness: { ...believer, provesLockingRead: () => false } }),
    found: withOptions({ witness: { ...believer, provesLockingRead: () => true } }),
  },
];
