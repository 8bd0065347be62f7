/** Cases of split-delete that the course of the transaction, the list, the rule or the catalog decides. */
import { mostConstraints } from '../../../src/patterns/split-delete/plan.ts';
import { relation } from './facts.ts';
import { believer, text } from './scene.ts';
import {
  base,
  between,
  chunks,
  deleting,
  deletion,
  from,
  plainRead,
  read,
  reading,
  withOptions,
} from './stories.ts';
import type { Case } from './stories.ts';

function constraints(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    name: `public.f${i}`,
    initiallyDeferred: true,
    unique: true,
    trigger: false,
  }));
}

export const courseCases: Case[] = [
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
    reason: 'row-loop',
    what: 'one by one',
    refused: {
      steps: ['BEGIN', read, 'DELETE FROM "c" WHERE "c"."id" = 3', 'DELETE FROM "c" WHERE "c"."id" = 1'],
    },
    found: base,
  },
  {
    reason: 'row-loop',
    what: 'of whole rows, whose keys are not remembered, with statements of hooks in between',
    refused: {
      steps: [
        'BEGIN',
        { sql: 'SELECT c.* FROM c WHERE c.v > 5', rows: ['1', '2'], columns: [{}, { name: 'v' }] },
        'DELETE FROM k WHERE k.c_id = 1',
        'DELETE FROM c WHERE c.id = 1',
        'SELECT k.id FROM k WHERE k.c_id = 2',
        'DELETE FROM c WHERE c.id = 2',
      ],
    },
    found: base,
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
      options: {
        facts: { deferrable: [{ name: 'public.f', initiallyDeferred: true, unique: true, trigger: false }] },
      },
    },
    found: {
      steps: ['BEGIN', 'UPDATE "c" SET "v" = 1', read, deletion],
      options: {
        facts: { deferrable: [{ name: 'public.f', initiallyDeferred: true, unique: true, trigger: false }] },
      },
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
  {
    reason: 'chunk-effects',
    what: 'chunks, and a foreign key or trigger of the target writes what the predicate reads',
    refused: { ...chunks(read.sql), options: { facts: { chunksSafe: false } } },
    found: { ...chunks(read.sql), options: { facts: { chunksSafe: true } } },
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
      facts: { deferrable: [{ name: 'public.f', initiallyDeferred: true, unique: false, trigger: false }] },
    }),
    found: withOptions({
      facts: { deferrable: [{ name: 'public.f', initiallyDeferred: true, unique: true, trigger: false }] },
    }),
  },
  {
    reason: 'deferred-closure',
    what: 'more constraints than one statement should name',
    refused: withOptions({ facts: { deferrable: constraints(mostConstraints + 1) } }),
    found: withOptions({ facts: { deferrable: constraints(mostConstraints) } }),
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
