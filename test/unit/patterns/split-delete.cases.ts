/**
 * Every reason that split-delete can give: the sequence that is left alone, and a twin that differs in one token, event,
 * setting or fact and is found. reasons.test.ts demands a case for each reason of the pattern.
 */
import type { Reason } from '../../../src/patterns/reasons.ts';
import { relation } from './facts.ts';
import { believer, text } from './scene.ts';
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
const plainRead: Step = { sql: `SELECT "c"."id" FROM "c" WHERE "c"."v" > 5`, rows: ['1', '2', '3'] };

const base: Story = { steps: ['BEGIN', read, deletion] };

function reading(sql: string, changes: Partial<Step> = {}): Story {
  return { steps: ['BEGIN', { ...read, sql, ...changes }, deletion] };
}

function deleting(sql: string, changes: Partial<Step> = {}): Story {
  return { steps: ['BEGIN', read, { sql, ...changes }] };
}

function between(...steps: (Step | string)[]): Story {
  return { steps: ['BEGIN', read, ...steps, deletion] };
}

function withOptions(options: Options): Story {
  return { ...base, options };
}

function chunks(sql: string, last = 'DELETE FROM "c" WHERE "c"."id" IN (1)'): Story {
  return { steps: ['BEGIN', { ...read, sql }, 'DELETE FROM "c" WHERE "c"."id" IN (3, 2)', last] };
}

const from = `FROM "c" INNER JOIN "a" ON ("c"."a_id" = "a"."id") WHERE "a"."name" = 'foo'`;

export const splitDeleteCases: Case[] = [
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
  // -- what happened in between ----------------------------------------------------------------------------------
  {
    reason: 'cascade-by-list',
    what: 'children first, by the same list',
    refused: between('DELETE FROM "k" WHERE "k"."c_id" IN (1, 2, 3)'),
    found: between('SELECT 1 /* nothing */'.replace('SELECT 1 ', '')),
  },
  {
    reason: 'cascade-by-list',
    what: 'SET NULL by part of the list',
    refused: between('UPDATE "k" SET "c_id" = NULL WHERE "k"."c_id" IN (2, 7)'),
    found: between("SET application_name = 'x'"),
  },
  {
    reason: 'cascade-by-list',
    what: 'a child deleted by one of the keys',
    refused: between('DELETE FROM "k" WHERE "k"."c_id" = 2'),
    found: between(''),
  },
  {
    reason: 'cascade-by-list',
    what: 'two columns of the table by the same list',
    refused: between('DELETE FROM "c" WHERE "c"."parent_id" IN (1, 2, 3)'),
    found: between('SAVEPOINT x'),
  },
  {
    reason: 'own-write',
    what: 'an INSERT',
    refused: between('INSERT INTO "z" ("v") VALUES (1)'),
    found: between('DEALLOCATE ALL'),
  },
  {
    reason: 'own-write',
    what: 'an UPDATE of other rows',
    refused: between('UPDATE "a" SET "name" = $1'),
    found: { steps: ['BEGIN', 'UPDATE "a" SET "name" = $1', read, deletion] },
  },
  {
    reason: 'own-write',
    what: 'the whole list has been deleted before',
    refused: between(deletion),
    found: between('RELEASE x'),
  },
  {
    reason: 'own-write',
    what: 'a chunk that was taken back',
    refused: between('SAVEPOINT x', 'DELETE FROM "c" WHERE "c"."id" IN (1)', 'ROLLBACK TO x'),
    found: between('SAVEPOINT x', 'DELETE FROM "c" WHERE "c"."id" IN (1)', 'RELEASE x'),
  },
  {
    reason: 'own-write',
    what: 'a write that the read had seen was taken back',
    refused: {
      steps: ['BEGIN', 'SAVEPOINT x', 'UPDATE "c" SET "v" = 1', read, 'ROLLBACK TO x', deletion],
    },
    found: {
      steps: ['BEGIN', 'UPDATE "c" SET "v" = 1', read, 'SAVEPOINT x', 'ROLLBACK TO x', deletion],
    },
  },
  {
    reason: 'own-write',
    what: 'more savepoints than may be remembered',
    refused: {
      steps: [
        'BEGIN',
        'UPDATE "c" SET "v" = 1',
        read,
        'SAVEPOINT x',
        'SAVEPOINT y',
        'ROLLBACK TO y',
        deletion,
      ],
      options: { limits: { savepoints: 1 } },
    },
    found: {
      steps: [
        'BEGIN',
        'UPDATE "c" SET "v" = 1',
        read,
        'SAVEPOINT x',
        'SAVEPOINT y',
        'ROLLBACK TO y',
        deletion,
      ],
      options: { limits: { savepoints: 2 } },
    },
  },
  {
    reason: 'unknown-effect',
    what: 'another search_path',
    refused: between('SET search_path TO other'),
    found: { steps: ['BEGIN', 'SET search_path TO other', read, deletion] },
  },
  {
    reason: 'unknown-effect',
    what: 'several statements in one',
    refused: between('SELECT 1; SELECT 2'),
    found: between(';'),
  },
  {
    reason: 'unknown-effect',
    what: 'a DO block before the read may have set constraint modes',
    refused: {
      steps: ['BEGIN', 'DO $$ BEGIN END $$', read, deletion],
      options: { facts: { deferrable: [{ name: 'public.f', initiallyDeferred: true, unique: true }] } },
    },
    found: {
      steps: ['BEGIN', 'UPDATE "c" SET "v" = 1', read, deletion],
      options: { facts: { deferrable: [{ name: 'public.f', initiallyDeferred: true, unique: true }] } },
    },
  },
  {
    reason: 'set-constraints',
    what: 'the app decides itself',
    refused: { steps: ['BEGIN', 'SET CONSTRAINTS ALL IMMEDIATE', read, deletion] },
    found: { steps: ['BEGIN', "SET statement_timeout = '1s'", read, deletion] },
  },
  {
    reason: 'statement-between',
    what: 'another read',
    refused: between({ sql: 'SELECT "v" FROM "z"', rows: ['1'] }),
    found: { steps: ['BEGIN', { sql: 'SELECT "v" FROM "z"', rows: ['1'] }, read, deletion] },
  },
  {
    reason: 'statement-between',
    what: 'a statement that failed',
    refused: between(
      'SAVEPOINT x',
      { sql: 'UPDATE "z" SET "v" = 1', error: { code: '23514' } },
      'ROLLBACK TO x',
    ),
    found: between('SAVEPOINT x', { sql: 'DEALLOCATE y', error: { code: '26000' } }, 'ROLLBACK TO x'),
  },
  {
    reason: 'statement-between',
    what: 'the read is not the last one of the table',
    refused: between({ ...plainRead, rows: ['1', '2', '3', '4'] }),
    found: { steps: ['BEGIN', { ...plainRead, rows: ['1', '2', '3', '4'] }, read, deletion] },
  },
  {
    reason: 'window',
    what: 'the app held the ids for too long',
    refused: { steps: ['BEGIN', read, { ...deletion, after: 1001 }] },
    found: { steps: ['BEGIN', { ...read, after: 5000 }, { ...deletion, after: 1000 }] },
  },
  {
    reason: 'window',
    what: 'the sum of the gaps counts',
    refused: between({ sql: 'SAVEPOINT x', after: 600 }, { sql: 'RELEASE x', after: 600 }),
    found: {
      ...between({ sql: 'SAVEPOINT x', after: 600 }, { sql: 'RELEASE x', after: 600 }),
      options: { settings: { window: '2s' } },
    },
  },
  // -- the list --------------------------------------------------------------------------------------------------
  {
    reason: 'list-differs',
    what: 'a subset',
    refused: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2)'),
    found: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 3, 2, 2)'),
  },
  {
    reason: 'list-differs',
    what: 'an id more',
    refused: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3, 4)'),
    found: deleting('DELETE FROM "c" WHERE "c"."id" IN (3, 2, 1)'),
  },
  {
    reason: 'list-differs',
    what: 'a NULL in the list',
    refused: deleting('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3, NULL)'),
    found: deleting(`DELETE FROM "c" WHERE "c"."id" IN (1, 2, '3')`),
  },
  {
    reason: 'list-differs',
    what: 'an array with an id less',
    refused: deleting('DELETE FROM "c" WHERE "c"."id" = ANY($1)', { parameters: text('{1,2}') }),
    found: deleting('DELETE FROM "c" WHERE "c"."id" = ANY($1)', { parameters: text('{"3",1,2}') }),
  },
  {
    reason: 'list-differs',
    what: 'the chunks are not the whole',
    refused: chunks(read.sql.replace('foo', 'bar'), 'DELETE FROM "c" WHERE "c"."id" IN (2)'),
    found: chunks(read.sql.replace('foo', 'bar'), 'DELETE FROM "c" WHERE "c"."id" IN (1)'),
  },
  {
    reason: 'self-reference',
    what: 'chunks and a sub-query on the target',
    refused: chunks(`SELECT "c"."id" ${from} AND EXISTS (SELECT 1 FROM "c" AS "x" WHERE "x"."v" = "c"."v")`),
    found: chunks(`SELECT "c"."id" ${from} AND "c"."v" = 1`),
  },
  {
    reason: 'self-reference',
    what: 'chunks and HAVING',
    refused: chunks(`SELECT "c"."id" ${from} GROUP BY "c"."id" HAVING count(*) > 1`),
    found: reading(`SELECT "c"."id" ${from} GROUP BY "c"."id" HAVING count(*) > 1`),
  },
  // -- intent and consent ----------------------------------------------------------------------------------------
  {
    reason: 'no-join',
    what: 'one table, and nobody named it',
    refused: { steps: ['BEGIN', plainRead, deletion], options: { mode: 'observe', tablesNamed: false } },
    found: { steps: ['BEGIN', plainRead, deletion], options: { mode: 'rewrite', tablesNamed: true } },
  },
  {
    reason: 'no-join',
    what: 'a sub-query is a reason to split',
    refused: { steps: ['BEGIN', plainRead, deletion], options: { mode: 'observe', tablesNamed: false } },
    found: {
      steps: ['BEGIN', { ...plainRead, sql: `${plainRead.sql} AND EXISTS (SELECT 1 FROM "a")` }, deletion],
      options: { mode: 'observe', tablesNamed: false },
    },
  },
  {
    reason: 'payload-key',
    what: 'the key is not generated',
    refused: withOptions({
      mode: 'observe',
      tablesNamed: false,
      facts: { attributes: { 1: { name: 'id', type: 23, hasDefault: false, inForeignKey: false } } },
    }),
    found: withOptions({
      mode: 'observe',
      tablesNamed: false,
      facts: { attributes: { 1: { name: 'id', type: 23, hasDefault: true, inForeignKey: false } } },
    }),
  },
  {
    reason: 'payload-key',
    what: 'the key is a foreign key',
    refused: withOptions({
      mode: 'observe',
      tablesNamed: false,
      facts: { attributes: { 1: { name: 'id', type: 23, hasDefault: true, inForeignKey: true } } },
    }),
    found: withOptions({
      tablesNamed: true,
      facts: { attributes: { 1: { name: 'id', type: 23, hasDefault: true, inForeignKey: true } } },
    }),
  },
  {
    reason: 'table-not-named',
    what: 'rewrite mode without consent for the table',
    refused: withOptions({ mode: 'rewrite', tablesNamed: false }),
    found: withOptions({ mode: 'observe', tablesNamed: false }),
  },
  // -- the catalog, the witness, the proof -----------------------------------------------------------------------
  {
    reason: 'catalog',
    what: 'a table that is not there',
    refused: withOptions({ facts: { unresolved: true } }),
    found: withOptions({ facts: { unresolved: false } }),
  },
  {
    reason: 'relation-kind',
    what: 'a view is read',
    refused: withOptions({ facts: { relations: [relation, { ...relation, name: 'a', kind: 'v' }] } }),
    found: withOptions({ facts: { relations: [relation, { ...relation, name: 'a', kind: 'r' }] } }),
  },
  {
    reason: 'relation-kind',
    what: 'a partition is deleted from',
    refused: withOptions({ facts: { target: { ...relation, inheritance: true } } }),
    found: withOptions({ facts: { target: { ...relation, temporary: true } } }),
  },
  {
    reason: 'relation-kind',
    what: 'a rule rewrites the DELETE',
    refused: withOptions({ facts: { target: { ...relation, rules: true } } }),
    found: withOptions({ facts: { target: { ...relation, rules: false } } }),
  },
  {
    reason: 'row-security',
    what: 'of a table that is read',
    refused: withOptions({ facts: { relations: [{ ...relation, rowSecurity: true }] } }),
    found: withOptions({ facts: { relations: [{ ...relation, rowSecurity: false }] } }),
  },
  {
    reason: 'deferred-closure',
    what: 'two constraints share a name',
    refused: withOptions({
      facts: { deferrable: [{ name: 'public.f', initiallyDeferred: true, unique: false }] },
    }),
    found: withOptions({
      facts: { deferrable: [{ name: 'public.f', initiallyDeferred: true, unique: true }] },
    }),
  },
  {
    reason: 'witness',
    what: 'the grammar reads it otherwise',
    refused: withOptions({ witness: { ...believer, agrees: () => false } }),
    found: withOptions({ witness: { ...believer, agrees: () => true } }),
  },
  {
    reason: 'proof',
    what: 'the edited text is not what was meant',
    refused: withOptions({ witness: { ...believer, provesDelete: () => false } }),
    found: withOptions({ witness: { ...believer, provesDelete: () => true } }),
  },
];
