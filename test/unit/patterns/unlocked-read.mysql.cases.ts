/** Cases of the unlocked read after a duplicate on MySQL and MariaDB. */
import { mysqlFacts, mysqlRelation } from './facts.ts';
import { believer } from './scene.ts';
import {
  afterInsert,
  bound,
  duplicate,
  insert,
  inserting,
  lookup,
  lookupWith,
  reread,
  rereading,
} from './stories-mysql.ts';
import type { Case, Story } from './stories.ts';

const key = { columns: ['key'], primary: false, partial: false, expression: false, deferrable: false };

function firstLookup(sql: string, rows: string[] = []): Story {
  return {
    steps: [
      'START TRANSACTION',
      { sql, rows },
      'SAVEPOINT s',
      insert,
      'ROLLBACK TO s',
      'RELEASE SAVEPOINT s',
      reread,
    ],
    options: { settings: { when: 'after-locking-lookup' } },
  };
}

export const unlockedReadMysqlCases: Case[] = [
  {
    reason: 'opted-out',
    what: 'a comment',
    refused: rereading(`${reread.sql} /* interlock:off */`),
    found: rereading(`${reread.sql} /* interlock:on */`),
  },
  // -- the transaction ------------------------------------------------------------------------------------------
  {
    reason: 'not-in-transaction',
    what: 'the transaction was rolled back',
    refused: { steps: ['START TRANSACTION', insert, 'ROLLBACK', reread] },
    found: { steps: ['START TRANSACTION', insert, reread] },
  },
  {
    reason: 'not-in-transaction',
    what: 'autocommit',
    refused: { steps: [insert, reread] },
    found: { steps: [insert, reread], options: { autocommitOff: true } },
  },
  {
    reason: 'pipeline',
    what: 'the flags have not said yet that a transaction is open',
    refused: lookupWith({ status: 'I' }),
    found: lookupWith({ status: 'T' }),
  },
  {
    reason: 'isolation',
    what: 'REPEATABLE READ is left alone',
    refused: lookupWith({ server: { isolation: 'repeatable read' } }),
    found: lookupWith({
      server: { isolation: 'repeatable read' },
      settings: { repeatable_read: 'rewrite' },
    }),
  },
  {
    reason: 'isolation',
    what: 'innodb_snapshot_isolation: error 1020 takes the transaction',
    refused: lookupWith({
      server: { isolation: 'repeatable read', snapshotIsolation: true },
      settings: { repeatable_read: 'rewrite' },
    }),
    found: lookupWith({ server: { isolation: 'read committed', snapshotIsolation: true } }),
  },
  {
    reason: 'isolation',
    what: 'SERIALIZABLE',
    refused: lookupWith({
      server: { isolation: 'serializable' },
      settings: { repeatable_read: 'rewrite' },
    }),
    found: lookup,
  },
  {
    reason: 'isolation',
    what: 'a level for this transaction alone',
    refused: {
      steps: ['SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', 'START TRANSACTION', insert, reread],
    },
    found: {
      steps: ['SET TRANSACTION ISOLATION LEVEL READ COMMITTED', 'START TRANSACTION', insert, reread],
      options: { server: { isolation: 'repeatable read' } },
    },
  },
  {
    reason: 'read-only',
    what: 'the session',
    refused: lookupWith({ server: { readOnly: true } }),
    found: lookupWith({ server: { readOnly: false } }),
  },
  {
    reason: 'unknown-effect',
    what: 'another database',
    refused: afterInsert({ sql: 'USE other', flags: 'T' }),
    found: afterInsert('SET autocommit = 0'),
  },
  {
    reason: 'unknown-effect',
    what: 'a procedure that failed may have committed, and an error tells nothing',
    refused: {
      steps: [
        'START TRANSACTION',
        { sql: 'CALL p()', error: { code: '45000', errno: 1644 } },
        insert,
        reread,
      ],
    },
    found: {
      steps: [
        'START TRANSACTION',
        { sql: 'SELECT 1 FROM z', error: { code: '42S02', errno: 1146 } },
        insert,
        reread,
      ],
    },
  },
  // -- the statements -------------------------------------------------------------------------------------------
  {
    reason: 'locked-already',
    what: 'Django from 2.0.8 on',
    refused: rereading(`${reread.sql} FOR UPDATE`),
    found: rereading(reread.sql),
  },
  {
    reason: 'locked-already',
    what: 'LOCK IN SHARE MODE',
    refused: rereading(`${reread.sql} LOCK IN SHARE MODE`),
    found: rereading(`${reread.sql} LIMIT 1`),
  },
  {
    reason: 'quiet-conflict',
    what: 'INSERT IGNORE, and nothing was inserted',
    refused: {
      steps: [
        'START TRANSACTION',
        { sql: "INSERT IGNORE INTO `c` (`key`, `v`) VALUES ('k1', 1)", tag: 'INSERT 0' },
        reread,
      ],
    },
    found: { steps: ['START TRANSACTION', insert, reread] },
  },
  {
    reason: 'insert-form',
    what: 'INSERT … SELECT',
    refused: inserting("INSERT INTO `c` (`key`, `v`) SELECT 'k1', 1"),
    found: inserting("INSERT INTO `c` (`key`, `v`) VALUES ('k1', 1)"),
  },
  {
    reason: 'query-form',
    what: 'joined tables: MariaDB has no OF',
    refused: rereading(
      "SELECT `c`.`id` FROM `c` INNER JOIN `a` ON (`c`.`a_id` = `a`.`id`) WHERE `c`.`key` = 'k1'",
    ),
    found: rereading("SELECT `c`.`id` FROM `c` WHERE `c`.`key` = 'k1'"),
  },
  {
    reason: 'query-form',
    what: 'a sub-query',
    refused: rereading(`${reread.sql} AND \`c\`.\`a_id\` IN (SELECT \`id\` FROM \`a\`)`),
    found: rereading(`${reread.sql} AND \`c\`.\`a_id\` IN (1, 2)`),
  },
  {
    reason: 'query-form',
    what: 'count(*)',
    refused: rereading("SELECT COUNT(*) FROM `c` WHERE `c`.`key` = 'k1'"),
    found: rereading("SELECT `c`.`v` FROM `c` WHERE `c`.`key` = 'k1'"),
  },
  {
    reason: 'query-form',
    what: 'nothing of the row is read',
    refused: rereading("SELECT 1 AS `a` FROM `c` WHERE `c`.`key` = 'k1' LIMIT 1"),
    found: rereading("SELECT `id` AS `a` FROM `c` WHERE `c`.`key` = 'k1' LIMIT 1"),
  },
  {
    reason: 'volatile-function',
    what: 'a stored function',
    refused: rereading("SELECT `id`, shout(`v`) FROM `c` WHERE `key` = 'k1'"),
    found: rereading("SELECT `id`, UPPER(`v`) FROM `c` WHERE `key` = 'k1'"),
  },
  {
    reason: 'key-not-pinned',
    what: 'another row',
    refused: rereading("SELECT `id` FROM `c` WHERE `key` = 'k2'"),
    found: rereading("SELECT `id` FROM `c` WHERE `key` = 'k1'"),
  },
  {
    reason: 'key-not-pinned',
    what: 'equal under the collation is not taken for the same',
    refused: rereading("SELECT `id` FROM `c` WHERE `key` = 'K1'"),
    found: rereading("SELECT `id` FROM `c` WHERE `KEY` = 'k1'"),
  },
  {
    reason: 'key-not-pinned',
    what: 'a parameter without an exact text form compares to nothing, not even to itself',
    refused: inserting(
      'INSERT INTO `c` (`key`, `v`) VALUES (?, ?)',
      { parameters: bound(Buffer.alloc(0), '1') },
      { sql: 'SELECT `id` FROM `c` WHERE `key` = ?', parameters: bound(Buffer.alloc(0)) },
    ),
    found: inserting(
      'INSERT INTO `c` (`key`, `v`) VALUES (?, ?)',
      { parameters: bound('k1', '1') },
      { sql: 'SELECT `id` FROM `c` WHERE `key` = ?', parameters: bound('k1') },
    ),
  },
  {
    reason: 'key-not-pinned',
    what: 'bytes, in a literal and in a parameter',
    refused: inserting(
      "INSERT INTO `c` (`uid`) VALUES (X'00ff')",
      {},
      { sql: 'SELECT `id` FROM `c` WHERE `uid` = ?', parameters: bound('\x00\xfe') },
    ),
    found: {
      ...inserting(
        "INSERT INTO `c` (`uid`) VALUES (X'00ff')",
        {},
        { sql: 'SELECT `id` FROM `c` WHERE `uid` = ?', parameters: bound('\x00\xff') },
      ),
      options: { facts: { violated: { ...key, columns: ['uid'] } } },
    },
  },
  {
    reason: 'key-not-pinned',
    what: 'a key that counts the first characters only',
    refused: lookupWith({ facts: { violated: { ...key, partial: true } } }),
    found: lookupWith({ facts: { violated: { ...key, partial: false } } }),
  },
  {
    reason: 'no-locking-lookup',
    what: 'get_or_create and update_or_create send the same, but for the first look-up',
    refused: firstLookup(reread.sql),
    found: firstLookup(`${reread.sql} FOR UPDATE`),
  },
  {
    reason: 'target-mismatch',
    what: "a trigger's INSERT failed (MySQL names the table)",
    refused: inserting(insert.sql, { error: { ...duplicate, table: 'log' } }),
    found: inserting(insert.sql, { error: { ...duplicate, table: 'c' } }),
  },
  {
    reason: 'target-mismatch',
    what: 'names that differ in case only are two tables on Linux',
    refused: rereading("SELECT `id` FROM `C` WHERE `key` = 'k1'"),
    found: rereading("SELECT `id` FROM `c` WHERE `key` = 'k1'"),
  },
  {
    reason: 'target-mismatch',
    what: 'a table of the same name in another schema',
    refused: {
      ...rereading("SELECT `id` FROM `old`.`c` WHERE `key` = 'k1'"),
      options: { facts: { identity: { schema: 'old', table: 'c' } } },
    },
    found: rereading("SELECT `id` FROM `shop`.`c` WHERE `key` = 'k1'"),
  },
  // -- the keys -------------------------------------------------------------------------------------------------
  {
    reason: 'primary-duplicate',
    what: 'the lock that the INSERT has left is on the row itself',
    refused: lookupWith({ facts: { violated: { ...key, primary: true } } }),
    found: lookupWith({ facts: { violated: { ...key, primary: false } } }),
  },
  {
    reason: 'key-unknown',
    what: 'no primary key to lock by',
    refused: lookupWith({ facts: { primaryKey: [] } }),
    found: lookupWith({ facts: { primaryKey: ['id'] } }),
  },
  {
    reason: 'composite-key',
    what: 'a primary key of two columns',
    refused: lookupWith({ facts: { primaryKey: ['id', 'a_id'] } }),
    found: lookupWith({
      facts: { primaryKey: ['id', 'a_id'] },
      server: { isolation: 'repeatable read' },
      settings: { repeatable_read: 'rewrite' },
    }),
  },
  {
    reason: 'key-type',
    what: 'a primary key whose values cannot be written as they are',
    refused: lookupWith({ facts: { primaryKey: ['day'] } }),
    found: lookupWith({ facts: { primaryKey: ['uid'] } }),
  },
  {
    reason: 'key-type',
    what: 'a parameter that came as long data and cannot be sent again',
    refused: rereading(`${reread.sql} AND \`v\` < ?`, { parameters: bound(Buffer.alloc(0)) }),
    found: rereading(`${reread.sql} AND \`v\` < ?`, { parameters: bound(Buffer.alloc(8)) }),
  },
  {
    reason: 'catalog',
    what: 'the error names no key',
    refused: inserting(insert.sql, { error: { code: '23000', errno: 1062 } }),
    found: inserting(insert.sql, { error: { code: '23000', errno: 1586, constraint: 'c_key' } }),
  },
  {
    reason: 'catalog',
    what: 'a key of this name is not there',
    refused: {
      ...lookup,
      options: { facts: { violated: { ...key, columns: ['nowhere'] } } },
    },
    found: { ...lookup, options: { facts: { violated: key } } },
  },
  {
    reason: 'relation-kind',
    what: 'another engine',
    refused: lookupWith({ facts: { target: { ...mysqlRelation, kind: 'e' } } }),
    found: lookupWith({ facts: { target: mysqlFacts.target } }),
  },
  {
    reason: 'witness',
    what: 'the grammar reads it otherwise',
    refused: lookupWith({ witness: { ...believer, agrees: () => false } }),
    found: lookupWith({ witness: { ...believer, agrees: () => true } }),
  },
  {
    reason: 'proof',
    what: 'the edited text is not what was meant',
    refused: lookupWith({ witness: { ...believer, provesLockingRead: () => false } }),
    found: lookupWith({ witness: { ...believer, provesLockingRead: () => true } }),
  },
];
