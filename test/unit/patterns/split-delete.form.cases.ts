/** Cases of split-delete that a single statement or its result decides. */
import { base, deleting, from, read, reading, withOptions, between, deletion } from './stories.ts';
import type { Case } from './stories.ts';
import { text } from './scene.ts';

export const formCases: Case[] = [
  // -- the app's wish, the transaction --------------------------------------------------------------------------
  {
    reason: 'opted-out',
    what: 'a comment on the DELETE',
    refused: deleting('/* interlock:off */ DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3)'),
    found: deleting('/* interlock:on */ DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3)'),
  },
  {
    reason: 'opted-out',
    what: 'a comment on the SELECT',
    refused: reading(`SELECT /* interlock:off */ "c"."id" ${from}`),
    found: reading(`SELECT /* interlock:on */ "c"."id" ${from}`),
  },
  { reason: 'not-in-transaction', what: 'no BEGIN', refused: { steps: [read, deletion] }, found: base },
  {
    reason: 'across-begin',
    what: 'Django collects in autocommit, then opens its transaction',
    refused: { steps: [read, 'BEGIN', deletion] },
    found: { steps: ['BEGIN', read, deletion] },
  },
  {
    reason: 'across-transactions',
    what: 'a list page, then the confirmation',
    refused: { steps: ['BEGIN', read, 'COMMIT', 'BEGIN', deletion] },
    found: { steps: ['BEGIN', read, 'SAVEPOINT x', 'RELEASE x', deletion] },
  },
  {
    reason: 'across-transactions',
    what: 'ROLLBACK AND CHAIN begins another transaction',
    refused: between('ROLLBACK AND CHAIN'),
    found: between('SAVEPOINT x', 'ROLLBACK TO SAVEPOINT x'),
  },
  {
    reason: 'pipeline',
    what: 'the server has not said yet that a transaction is open',
    refused: withOptions({ status: 'I' }),
    found: withOptions({ status: 'T' }),
  },
  // -- the form of the DELETE -----------------------------------------------------------------------------------
  {
    reason: 'delete-form',
    what: 'another condition (Rails in_batches repeats the predicate)',
    refused: deleting('DELETE FROM "c" WHERE "c"."v" = 1 AND "c"."id" IN (1, 2, 3)'),
    found: deleting('DELETE FROM "c" WHERE 1=1 AND "c"."id" IN (1, 2, 3)'),
  },
  {
    reason: 'delete-form',
    what: 'RETURNING',
    refused: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3) RETURNING id'),
    found: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3) -- RETURNING id'),
  },
  {
    reason: 'delete-form',
    what: 'ONLY',
    refused: deleting('DELETE FROM ONLY "c" WHERE "c"."id" IN (1, 2, 3)'),
    found: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3)'),
  },
  {
    reason: 'delete-form',
    what: 'USING',
    refused: deleting('DELETE FROM "c" USING "a" WHERE "c"."id" IN (1, 2, 3)'),
    found: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3)'),
  },
  {
    reason: 'composite-key',
    what: 'row values',
    refused: deleting('DELETE FROM "c" WHERE ("a", "b") IN ((1, 1), (1, 2))'),
    found: deleting('DELETE FROM "c" WHERE ("id") IN (1, 2, 3)'),
  },
  // -- the form of the SELECT -----------------------------------------------------------------------------------
  {
    reason: 'locked-already',
    what: 'a queue that skips locked rows',
    refused: reading(`SELECT "c"."id" ${from} FOR UPDATE SKIP LOCKED`),
    found: reading(`SELECT "c"."id" ${from}`),
  },
  {
    reason: 'limit',
    what: 'LIMIT',
    refused: reading(`SELECT "c"."id" ${from} ORDER BY "c"."id" LIMIT 3`),
    found: reading(`SELECT "c"."id" ${from} ORDER BY "c"."id"`),
  },
  {
    reason: 'limit',
    what: 'FETCH FIRST',
    refused: reading(`SELECT "c"."id" ${from} FETCH FIRST 3 ROWS ONLY`),
    found: reading(`SELECT "c"."id" ${from}`),
  },
  {
    reason: 'limit',
    what: 'an OFFSET whose value comes in Bind (Prisma always sends one)',
    refused: reading(`SELECT "c"."id" ${from} OFFSET $1`, { parameters: text('1') }),
    found: reading(`SELECT "c"."id" ${from} OFFSET $1`, { parameters: text('0') }),
  },
  {
    reason: 'limit',
    what: 'OFFSET, a constant',
    refused: reading(`SELECT "c"."id" ${from} OFFSET 1`),
    found: reading(`SELECT "c"."id" ${from} OFFSET 0`),
  },
  {
    reason: 'limit',
    what: 'a batch by sub-query: the next rows would be taken',
    refused: reading(`SELECT "c"."id" ${from} AND "c"."id" IN (SELECT "id" FROM "c" ORDER BY "id" LIMIT 3)`),
    found: reading(`SELECT "c"."id" ${from} AND "c"."id" IN (SELECT "id" FROM "c" ORDER BY "id")`),
  },
  {
    reason: 'limit',
    what: 'EXISTS with LIMIT 0 is false, with LIMIT 1 it is EXISTS (Django)',
    refused: reading(`SELECT "c"."id" ${from} AND EXISTS(SELECT 1 AS "a" FROM "k" LIMIT 0)`),
    found: reading(`SELECT "c"."id" ${from} AND EXISTS(SELECT 1 AS "a" FROM "k" LIMIT 1)`),
  },
  {
    reason: 'limit',
    what: 'EXISTS with an OFFSET',
    refused: reading(`SELECT "c"."id" ${from} AND EXISTS(SELECT 1 FROM "k" LIMIT 1 OFFSET 2)`),
    found: reading(`SELECT "c"."id" ${from} AND EXISTS(SELECT 1 FROM "k" AS "offset" LIMIT 1)`),
  },
  {
    reason: 'limit',
    what: 'deeper inside an EXISTS',
    refused: reading(
      `SELECT "c"."id" ${from} AND EXISTS(SELECT 1 FROM "k" WHERE "v" IN (SELECT 1 FROM "z" LIMIT 1) LIMIT 1)`,
    ),
    found: reading(
      `SELECT "c"."id" ${from} AND EXISTS(SELECT 1 FROM "k" WHERE "v" IN (SELECT 1 FROM "z") LIMIT 1)`,
    ),
  },
  {
    reason: 'query-form',
    what: 'DISTINCT ON in a sub-query',
    refused: reading(`SELECT "c"."id" ${from} AND "c"."id" IN (SELECT DISTINCT ON ("v") "id" FROM "c")`),
    found: reading(`SELECT "c"."id" ${from} AND "c"."id" IN (SELECT DISTINCT "id" FROM "c")`),
  },
  {
    reason: 'query-form',
    what: 'UNION',
    refused: reading(`SELECT "c"."id" ${from} UNION SELECT 3`),
    found: reading(`SELECT "c"."id" ${from} AND "c"."v" <> (SELECT 3)`),
  },
  {
    reason: 'query-form',
    what: 'WITH',
    refused: reading(`WITH x AS (SELECT 1) SELECT "c"."id" ${from}`),
    found: reading(`SELECT "c"."id" ${from}`),
  },
  {
    reason: 'query-form',
    what: 'an aggregate in the place of the key',
    refused: reading(`SELECT max("c"."id") ${from}`),
    found: reading(`SELECT "c"."id" ${from} GROUP BY "c"."id" HAVING max("c"."v") > 1`),
  },
  {
    reason: 'query-form',
    what: 'DISTINCT ON picks one row of several',
    refused: reading(`SELECT DISTINCT ON ("c"."a_id") "c"."id" ${from}`),
    found: reading(`SELECT DISTINCT "c"."id" ${from}`),
  },
  {
    reason: 'query-form',
    what: 'DISTINCT ON with the order that decides',
    refused: reading(`SELECT DISTINCT ON ("c"."a_id") "c"."id" ${from} ORDER BY "c"."a_id"`),
    found: reading(`SELECT DISTINCT "c"."id" ${from} ORDER BY "c"."id"`),
  },
  {
    reason: 'query-form',
    what: 'FROM is a sub-query',
    refused: reading(`SELECT "c"."id" FROM (SELECT * FROM "c") AS "c"`),
    found: reading(`SELECT "c"."id" FROM "c" WHERE "c"."id" IN (SELECT "id" FROM "c")`),
  },
  {
    reason: 'select-list',
    what: 'the rows came along',
    refused: reading(`SELECT "c"."id", "c"."v" ${from}`, { columns: [{}, { attribute: 4 }] }),
    found: reading(`SELECT "c"."id" ${from}`),
  },
  {
    reason: 'select-list',
    what: 'all columns',
    refused: reading(`SELECT "c".* ${from}`, { columns: [{}, { attribute: 2 }] }),
    found: reading(`SELECT "c"."id" ${from}`),
  },
  {
    reason: 'select-list',
    what: 'an expression',
    refused: reading(`SELECT "c"."id" + 0 ${from}`, { columns: [{ tableId: 0 }] }),
    found: reading(`SELECT "c"."id" AS "0" ${from}`, { columns: [{ name: '0' }] }),
  },
  {
    reason: 'volatile-function',
    what: "the statement's own clock",
    refused: reading(`SELECT "c"."id" ${from} AND "c"."t" < clock_timestamp()`),
    found: reading(`SELECT "c"."id" ${from} AND "c"."t" < now()`),
  },
  {
    reason: 'volatile-function',
    what: 'a function of the app',
    refused: reading(`SELECT "c"."id" ${from} AND expired("c"."v")`),
    found: reading(`SELECT "c"."id" ${from} AND abs("c"."v") > 1`),
  },
  {
    reason: 'volatile-function',
    what: "the app's own volatile function hides a known one",
    refused: withOptions({ facts: { shadowedFunctions: true } }),
    found: withOptions({ facts: { shadowedFunctions: false } }),
  },
  // -- its result ------------------------------------------------------------------------------------------------
  {
    reason: 'over-limit',
    what: 'more ids than may be remembered',
    refused: withOptions({ limits: { rememberedIds: 2 } }),
    found: withOptions({ limits: { rememberedIds: 3 } }),
  },
  {
    reason: 'over-limit',
    what: 'more bytes than may be remembered',
    refused: withOptions({ limits: { rememberedBytes: 2 } }),
    found: withOptions({ limits: { rememberedBytes: 3 } }),
  },
  {
    reason: 'over-limit',
    what: 'the session stopped capturing',
    refused: reading(read.sql, { cut: 'limit' }),
    found: reading(read.sql),
  },
  {
    reason: 'result-cut',
    what: 'a portal was suspended',
    refused: reading(read.sql, { cut: 'suspended' }),
    found: reading(read.sql),
  },
  {
    reason: 'key-unknown',
    what: 'the column is no plain column of a table',
    refused: reading(read.sql, { columns: [{ tableId: 0, attribute: 0 }] }),
    found: reading(read.sql, { columns: [{ tableId: 100, attribute: 1 }] }),
  },
  {
    reason: 'key-unknown',
    what: 'a NULL among the keys',
    refused: { steps: ['BEGIN', { ...read, rows: ['1', null] }, 'DELETE FROM "c" WHERE "c"."id" IN (1)'] },
    found: { steps: ['BEGIN', { ...read, rows: ['1', '1'] }, 'DELETE FROM "c" WHERE "c"."id" IN (1)'] },
  },
  {
    reason: 'key-unknown',
    what: 'the catalog does not call it unique',
    refused: withOptions({ facts: { uniqueColumns: [] } }),
    found: withOptions({ facts: { uniqueColumns: ['id'] } }),
  },
  {
    reason: 'key-unknown',
    what: 'the DELETE goes by another column',
    refused: deleting('DELETE FROM "c" WHERE "c"."a_id" IN (1, 2, 3)'),
    found: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3)'),
  },
  {
    reason: 'key-type',
    what: 'floats are not compared',
    refused: reading(read.sql, { columns: [{ type: 701 }] }),
    found: reading(read.sql, { columns: [{ type: 20 }] }),
  },
  {
    reason: 'key-type',
    what: 'a value in the list that is not understood',
    refused: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 1+2)'),
    found: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, ((3)))'),
  },
  {
    reason: 'key-type',
    what: 'a parameter of a declared type that does not fit',
    refused: deleting('DELETE FROM "c" WHERE "c"."id" IN ($1, $2, $3)', {
      parameters: { ...text('1', '2', '3'), types: [25, 25, 25] },
    }),
    found: deleting('DELETE FROM "c" WHERE "c"."id" IN ($1, $2, $3)', {
      parameters: { ...text('1', '2', '3'), types: [21, 20, 23] },
    }),
  },
  {
    reason: 'target-mismatch',
    what: 'the key is qualified with another table',
    refused: reading(`SELECT "a"."id" ${from}`),
    found: reading(`SELECT "c"."id" ${from}`),
  },
  {
    reason: 'target-mismatch',
    what: 'an unqualified key and the table twice',
    refused: reading(`SELECT "id" FROM "c" JOIN "s"."c" AS "x" ON "x"."v" = 1`),
    found: reading(`SELECT "id" FROM "c" JOIN "s"."d" AS "x" ON "x"."v" = 1`),
  },
  {
    reason: 'target-mismatch',
    what: 'the name means another table than the result came from',
    refused: withOptions({ facts: { targetResolves: false } }),
    found: withOptions({ facts: { targetResolves: true } }),
  },
];
