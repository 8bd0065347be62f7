/**
 * Sequences in which Interlock sends other statements than the client did: with nobody else around, the client must not be
 * able to tell. `rewrites` says how many must have been rewritten, so that a proxy that does nothing fails here.
 */
import { step, type Conversation } from '../conversation.ts';
import {
  bind,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  extended,
  flush,
  parse,
  query,
  sync,
} from '../messages.ts';

const int8 = (n: number): Buffer => {
  const b = Buffer.alloc(8);
  b.writeBigInt64BE(BigInt(n));
  return b;
};

/** Books of one author; each conversation takes another one, so that they do not see each other's deletions. */
const books = (author: number): string =>
  `SELECT "book"."id" FROM "book" INNER JOIN "author" ON ("book"."author_id" = "author"."id") WHERE "author"."name" = 'author ${author}'`;
const booksOf = `SELECT "book"."id" FROM "book" INNER JOIN "author" ON ("book"."author_id" = "author"."id") WHERE "author"."name" = $1`;
const authors = `SELECT "author"."id" FROM "author" INNER JOIN "book" ON ("book"."author_id" = "author"."id") WHERE "author"."name" = $1`;
/** Author n has the books n - 1, n + 19, … (20 apart). */
const ids = (author: number): number[] => Array.from({ length: 10 }, (_, i) => (author - 1 || 20) + 20 * i);
const list = (author: number): string => ids(author).join(', ');
const remaining = step('Z', query('SELECT count(*), sum(id) FROM book'));

const splitDelete: Conversation[] = [
  {
    name: 'rewritten split delete, simple',
    rewrites: 1,
    steps: [
      step('Z', query('BEGIN')),
      step('Z', query(books(2))),
      step('Z', query(`DELETE FROM "book" WHERE "book"."id" IN (${list(2)})`)),
      step('Z', query('COMMIT')),
      remaining,
    ],
  },
  {
    name: 'rewritten split delete, simple, rolled back, then again',
    rewrites: 2,
    steps: [1, 2].flatMap(() => [
      step('Z', query('BEGIN')),
      step('Z', query(books(3))),
      step('Z', query(`DELETE FROM "book" WHERE "book"."id" IN (${list(3)})`)),
      step('Z', query('ROLLBACK')),
      remaining,
    ]),
  },
  {
    name: 'rewritten split delete, extended, parameters as text',
    rewrites: 1,
    steps: [
      step('Z', extended('BEGIN'), sync),
      step('Z', extended(booksOf, { values: ['author 4'] }), sync),
      step(
        'Z',
        extended(
          `DELETE FROM "book" WHERE "book"."id" IN (${ids(4)
            .map((_, i) => `$${i + 1}`)
            .join(', ')})`,
          { values: ids(4).map(String) },
        ),
        sync,
      ),
      step('Z', extended('COMMIT'), sync),
      remaining,
    ],
  },
  {
    name: 'rewritten split delete, named statements, binary',
    rewrites: 1,
    steps: [
      step('Z', parse('find', booksOf), describeStatement('find'), sync),
      step(
        'Z',
        parse(
          'drop',
          `DELETE FROM "book" WHERE "book"."id" IN (${ids(5)
            .map((_, i) => `$${i + 1}`)
            .join(', ')})`,
        ),
        describeStatement('drop'),
        sync,
      ),
      step('Z', query('BEGIN')),
      step('Z', bind({ statement: 'find', values: ['author 5'], resultFormats: [1] }), execute(), sync),
      step(
        'Z',
        bind({ statement: 'drop', values: ids(5).map(int8), formats: [1] }),
        describePortal(),
        execute(),
        sync,
      ),
      step('Z', closeStatement('drop'), closeStatement('find'), query('COMMIT')),
      step('Z', sync),
      remaining,
    ],
  },
  {
    name: 'rewritten split delete, one array parameter',
    rewrites: 1,
    steps: [
      step('Z', query('BEGIN')),
      step('Z', extended(booksOf, { values: ['author 6'] }), sync),
      step(
        'Z',
        extended('DELETE FROM "book" WHERE "book"."id" = ANY($1)', { values: [`{${ids(6).join(',')}}`] }),
        sync,
      ),
      step('Z', query('COMMIT')),
      remaining,
    ],
  },
  {
    name: 'rewritten split delete in two chunks',
    rewrites: 1,
    steps: [
      step('Z', query('BEGIN')),
      step('Z', query(books(7))),
      step('Z', query(`DELETE FROM "book" WHERE "id" IN (${ids(7).slice(0, 6).join(', ')})`)),
      step('Z', query(`DELETE FROM "book" WHERE "id" IN (${ids(7).slice(6).join(', ')})`)),
      step('Z', query('COMMIT')),
      remaining,
    ],
  },
  {
    name: 'rewritten split delete, answered by Flush',
    rewrites: 1,
    steps: [
      step('Z', query('BEGIN')),
      step('C', extended(booksOf, { values: ['author 8'] }), flush),
      step(
        'C',
        extended('DELETE FROM "book" WHERE "id" = ANY($1)', { values: [`{${ids(8).join(',')}}`] }),
        flush,
      ),
      step('Z', sync),
      step('Z', query('COMMIT')),
      remaining,
    ],
  },
  {
    name: 'split delete whose rows are referenced: the error of the original',
    looks: 1,
    steps: [
      step('Z', query('BEGIN')),
      step('Z', query('SELECT a.id FROM author a JOIN book b ON b.author_id = a.id WHERE b.id = 8')),
      step('Z', query('DELETE FROM author WHERE id IN (9)')),
      step('Z', query('ROLLBACK')),
      remaining,
    ],
  },
  {
    name: 'split delete whose rows are referenced, extended, with statements behind it in the same batch',
    looks: 1,
    steps: [
      step('Z', query('BEGIN')),
      step('Z', query('SAVEPOINT mine')),
      step('Z', extended(authors, { values: ['author 1'] }), sync),
      step(
        'Z',
        extended('DELETE FROM "author" WHERE "id" IN ($1)', { values: ['1'] }),
        extended('SELECT 1'),
        sync,
      ),
      step('Z', query('SELECT 1')),
      step('Z', query('ROLLBACK TO mine')),
      step('Z', query('SELECT 1')),
      step('Z', query('COMMIT')),
      remaining,
    ],
  },
  {
    name: 'split delete with statements behind it in the same batch',
    rewrites: 1,
    steps: [
      step('Z', query('BEGIN')),
      step('Z', extended(booksOf, { values: ['author 12'] }), sync),
      step(
        'Z',
        extended(`DELETE FROM "book" WHERE "id" IN (${list(12)})`),
        extended('SELECT count(*) FROM book'),
        sync,
      ),
      step('Z', query('ROLLBACK')),
      remaining,
    ],
  },
  {
    name: 'split delete of a filtered list is left alone',
    rewrites: 0,
    steps: [
      step('Z', query('BEGIN')),
      step('Z', query(books(10))),
      step('Z', query(`DELETE FROM book WHERE id IN (${ids(10).slice(1).join(', ')})`)),
      step('Z', query('ROLLBACK')),
      remaining,
    ],
  },
  {
    name: 'split delete without a transaction is left alone',
    rewrites: 0,
    steps: [
      step('Z', query(books(11))),
      step('Z', query(`DELETE FROM book WHERE id IN (${list(11)})`)),
      remaining,
    ],
  },
];

const taken = "INSERT INTO setting (name, value) VALUES ('setting 5', 1)";
const reread: Conversation[] = [
  {
    name: 'rewritten read after a unique violation, simple',
    rewrites: 1,
    steps: [
      'BEGIN',
      'SAVEPOINT s',
      taken,
      'ROLLBACK TO SAVEPOINT s',
      'RELEASE SAVEPOINT s',
      "SELECT id, name, value FROM setting WHERE name = 'setting 5'",
      "UPDATE setting SET value = value + 1 WHERE name = 'setting 5' RETURNING value",
      'COMMIT',
    ].map((sql) => step('Z', query(sql))),
  },
  {
    name: 'rewritten read after a unique violation, extended',
    rewrites: 1,
    steps: [
      step('Z', extended('BEGIN'), sync),
      step('Z', extended('SAVEPOINT s'), sync),
      step(
        'Z',
        extended('INSERT INTO setting (name, value) VALUES ($1, $2) RETURNING id', {
          values: ['setting 6', '1'],
        }),
        sync,
      ),
      step('Z', extended('ROLLBACK TO SAVEPOINT s'), sync),
      step(
        'Z',
        extended('SELECT id, value FROM setting WHERE name = $1 LIMIT 1', {
          values: ['setting 6'],
          resultFormats: [1],
        }),
        sync,
      ),
      step('Z', extended('COMMIT'), sync),
    ],
  },
  {
    name: 'read of another key after a unique violation is left alone',
    rewrites: 0,
    steps: [
      'BEGIN',
      'SAVEPOINT s',
      taken,
      'ROLLBACK TO s',
      "SELECT value FROM setting WHERE name = 'setting 7'",
      'COMMIT',
    ].map((sql) => step('Z', query(sql))),
  },
];

export const rewrites: Conversation[] = [...splitDelete, ...reread];
