/** Cases of the anticipated transaction: the twin is the declared SELECT, first in its transaction. */
import { mysqlFacts } from './facts.ts';
import { declared, type Options, type Step } from './scene.ts';
import type { Case, Story } from './stories.ts';

const opening: Step = { sql: declared.replace('= 1', "= 'foo'"), rows: [] };

const story = (steps: (Step | string)[], options: Options = {}): Story => ({ steps, options });
const found = story(['BEGIN', opening]);
const settings = (sql: string, more: object = {}): Options => ({ settings: { select: [sql], ...more } });

const star = 'SELECT * FROM c JOIN a ON a.id = c.a_id WHERE a.name = 1';
const union = 'SELECT id FROM c UNION SELECT id FROM d';

const everywhere: Case[] = [
  {
    reason: 'not-in-transaction',
    what: 'autocommit, or in front of BEGIN',
    refused: story([opening]),
    found,
  },
  {
    reason: 'not-in-transaction',
    what: 'the transaction is over',
    refused: story(['BEGIN', opening, 'COMMIT', opening]),
    found: story(['BEGIN', opening, 'COMMIT', 'BEGIN', opening]),
  },
  {
    reason: 'opted-out',
    what: 'a comment',
    refused: story(['BEGIN', `${opening.sql} /* interlock:off */`]),
    found: story(['BEGIN', `${opening.sql} /* interlock:on */`]),
  },
  {
    reason: 'guard-key',
    what: 'the first column is of no table in particular',
    refused: story(['BEGIN', star], settings(star)),
    found: story(['BEGIN', star], settings(star, { table: 'c' })),
  },
  {
    reason: 'guard-key',
    what: 'the first column names no table',
    refused: story(['BEGIN', declared.replace('c.id', 'id')], settings(declared.replace('c.id', 'id'))),
    found,
  },
  {
    reason: 'query-form',
    what: 'the text is not understood as a SELECT',
    refused: story(['BEGIN', 'SELECT 1; SELECT 2'], settings('SELECT 1; SELECT 2', { table: 'c' })),
    found: story(['BEGIN', union], settings(union, { table: 'c' })),
  },
  {
    reason: 'pipeline',
    what: 'the server has not said yet that a transaction is open',
    refused: story(['BEGIN', opening], { status: 'I' }),
    found,
  },
];

export const anticipateCases: Case[] = [
  ...everywhere,
  {
    reason: 'relation-kind',
    what: 'a view',
    refused: story(['BEGIN', opening], { facts: { target: relation('v') } }),
    found: story(['BEGIN', opening], { facts: { target: relation('p') } }),
  },
  {
    reason: 'catalog',
    what: 'there is no such table',
    refused: story(['BEGIN', opening], { facts: { targetResolves: false } }),
    found,
  },
];

const repeatable = { isolation: 'repeatable read' } as const;
const rowCount = 'SELECT c.id FROM c WHERE c.v = FOUND_ROWS()';

export const anticipateMysqlCases: Case[] = [
  ...everywhere,
  {
    reason: 'relation-kind',
    what: 'a view',
    refused: story(['BEGIN', opening], { facts: { target: { ...mysqlFacts.target, kind: 'v' } } }),
    found,
  },
  {
    reason: 'catalog',
    what: 'unresolved',
    refused: story(['BEGIN', opening], { facts: { unresolved: true } }),
    found,
  },
  {
    reason: 'volatile-function',
    what: 'it asks of the statement before',
    refused: story(['BEGIN', rowCount], settings(rowCount)),
    found: story(
      ['BEGIN', rowCount.replace('FOUND_ROWS', 'NOW')],
      settings(rowCount.replace('FOUND_ROWS', 'NOW')),
    ),
  },
  {
    reason: 'isolation',
    what: 'READ UNCOMMITTED was not measured',
    refused: story(['BEGIN', opening], { server: { isolation: 'read uncommitted' } }),
    found: story(['BEGIN', opening], { server: { isolation: 'serializable' } }),
  },
  {
    reason: 'isolation',
    what: 'nobody knows the level',
    refused: story(['BEGIN', 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', opening]),
    found: story(['SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', 'BEGIN', opening]),
  },
  {
    reason: 'read-only',
    what: 'nothing can be deleted',
    refused: story(['BEGIN', opening], { server: { readOnly: true } }),
    found,
  },
  {
    reason: 'read-only',
    what: 'the transaction began so',
    refused: story(['START TRANSACTION READ ONLY', opening]),
    found: story(['START TRANSACTION READ ONLY', 'COMMIT', 'START TRANSACTION READ WRITE', opening]),
  },
  {
    reason: 'snapshot-taken',
    what: 'a read stands in front, REPEATABLE READ',
    refused: story(['BEGIN', 'SELECT id FROM d', opening], { server: repeatable }),
    found: story(['BEGIN', 'SELECT @@version', 'SAVEPOINT s', opening], { server: repeatable }),
  },
  {
    reason: 'snapshot-taken',
    what: 'a read stands in front, snapshot isolation',
    refused: story(['BEGIN', 'SELECT id FROM d', opening], {
      server: { ...repeatable, snapshotIsolation: true },
    }),
    found: story(['BEGIN', opening], { server: { ...repeatable, snapshotIsolation: true } }),
  },
  {
    reason: 'snapshot-taken',
    what: 'SERIALIZABLE: what was read is locked',
    refused: story(['BEGIN', 'SELECT id FROM d', opening], { server: { isolation: 'serializable' } }),
    found: story(['BEGIN', 'SELECT id FROM d', opening], { server: { isolation: 'read committed' } }),
  },
  {
    reason: 'snapshot-taken',
    what: 'a write stands in front',
    refused: story(['BEGIN', 'INSERT INTO d (id) VALUES (1)', opening], { server: repeatable }),
    found: story(['BEGIN', 'INSERT INTO d (id) VALUES (1)', 'COMMIT', 'BEGIN', opening], {
      server: repeatable,
    }),
  },
  {
    reason: 'snapshot-taken',
    what: 'START TRANSACTION WITH CONSISTENT SNAPSHOT',
    refused: story(['START TRANSACTION WITH CONSISTENT SNAPSHOT', opening], { server: repeatable }),
    found: story(['START TRANSACTION', opening], { server: repeatable }),
  },
  {
    reason: 'snapshot-taken',
    what: 'BEGIN in place of a transaction is another one',
    refused: story(['BEGIN', 'START TRANSACTION WITH CONSISTENT SNAPSHOT', opening], { server: repeatable }),
    found: story(['BEGIN', 'SELECT id FROM d', 'BEGIN', opening], { server: repeatable }),
  },
  {
    reason: 'snapshot-taken',
    what: 'autocommit is off, which the server said behind the first read only',
    refused: story([{ sql: 'SELECT id FROM d', flags: 'T' }, opening], { server: repeatable }),
    found: story([{ sql: 'SET autocommit = 0', flags: 'T' }, opening], { server: repeatable }),
  },
  {
    reason: 'snapshot-taken',
    what: 'autocommit is off: the transaction begins with its first read',
    refused: story(['SELECT id FROM d', opening], { autocommitOff: true, server: repeatable }),
    found: story(['SELECT id FROM d', 'COMMIT', opening], { autocommitOff: true, server: repeatable }),
  },
];

function relation(kind: string) {
  return {
    schema: 'public',
    name: 'c',
    kind,
    rowSecurity: false,
    inheritance: false,
    rules: false,
    temporary: false,
  };
}
