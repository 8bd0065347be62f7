/** Cases of split-delete on MySQL and MariaDB: what is different there, and what has to be the same. */
import { mysqlKey } from '../../../src/memory/keys-mysql.ts';
import { mysqlRelation } from './facts.ts';
import { believer, mysqlColumn } from './scene.ts';
import type { Step } from './scene.ts';
import {
  base,
  between,
  bound,
  chunks,
  deleting,
  deletion,
  from,
  plainRead,
  read,
  reading,
  withOptions,
} from './stories-mysql.ts';
import type { Case, Story } from './stories.ts';

const origin = { schema: 'shop', table: 'c', column: 'id', collation: 63 };
const text = { ...mysqlColumn, type: 253, origin: { ...origin, collation: 45 } };
const bytes = { ...mysqlColumn, type: 254 };

/** Keys of another type: what comes back, and the list that is sent. */
function keyed(
  column: Partial<typeof mysqlColumn>,
  rows: string[],
  list: string,
  last?: Partial<Step>,
): Story {
  return reading(
    read.sql,
    { columns: [column], rows },
    { sql: `DELETE FROM \`c\` WHERE \`c\`.\`id\` IN (${list})`, ...last },
  );
}

export const splitDeleteMysqlCases: Case[] = [
  {
    reason: 'opted-out',
    what: 'a comment',
    refused: deleting('/* interlock:off */ DELETE FROM `c` WHERE `c`.`id` IN (1, 2, 3)'),
    found: deleting('/* interlock:on */ DELETE FROM `c` WHERE `c`.`id` IN (1, 2, 3)'),
  },
  {
    reason: 'row-loop',
    what: 'one by one',
    refused: {
      steps: [
        'START TRANSACTION',
        read,
        'DELETE FROM `c` WHERE `c`.`id` = 3',
        'DELETE FROM `c` WHERE `c`.`id` = 1',
      ],
    },
    found: base,
  },
  // -- the transaction ------------------------------------------------------------------------------------------
  {
    reason: 'across-begin',
    what: 'Django collects in autocommit, then turns autocommit off',
    refused: { steps: [read, 'START TRANSACTION', deletion] },
    found: base,
  },
  {
    reason: 'across-begin',
    what: 'a driver asks for variables in between',
    refused: {
      steps: [read, { sql: 'SELECT @@session.autocommit', rows: ['1'] }, 'START TRANSACTION', deletion],
    },
    found: {
      steps: ['START TRANSACTION', { sql: 'SELECT @@session.autocommit', rows: ['1'] }, read, deletion],
    },
  },
  {
    reason: 'across-transactions',
    what: 'autocommit off: a COMMIT ends one transaction, and the next is open at once',
    refused: { steps: [read, 'COMMIT', deletion], options: { autocommitOff: true } },
    found: { steps: ['COMMIT', read, deletion], options: { autocommitOff: true } },
  },
  {
    reason: 'across-transactions',
    what: 'START TRANSACTION inside a transaction commits it',
    refused: between('START TRANSACTION'),
    found: between('SAVEPOINT x', 'ROLLBACK TO x'),
  },
  {
    reason: 'across-transactions',
    what: 'DDL has committed: the flags say so',
    refused: between({ sql: 'TRUNCATE z', flags: 'I' }, 'START TRANSACTION'),
    found: between({ sql: 'SHOW WARNINGS', rows: [] }),
  },
  {
    reason: 'across-transactions',
    what: 'COMMIT AND CHAIN',
    refused: between('COMMIT AND CHAIN'),
    found: between('RELEASE SAVEPOINT x'),
  },
  {
    reason: 'not-in-transaction',
    what: 'autocommit',
    refused: { steps: [read, deletion] },
    found: { steps: [read, deletion], options: { autocommitOff: true } },
  },
  {
    reason: 'pipeline',
    what: 'the flags have not said yet that a transaction is open',
    refused: withOptions({ status: 'I' }),
    found: withOptions({ status: 'T' }),
  },
  {
    reason: 'isolation',
    what: 'SERIALIZABLE: the SELECT has locked, and a guard would deadlock unseen',
    refused: withOptions({ server: { isolation: 'serializable' } }),
    found: withOptions({ server: { isolation: 'repeatable read' } }),
  },
  {
    reason: 'isolation',
    what: 'READ UNCOMMITTED is not measured',
    refused: withOptions({ server: { isolation: 'read uncommitted' } }),
    found: withOptions({ server: { isolation: 'read committed' } }),
  },
  {
    reason: 'isolation',
    what: 'REPEATABLE READ with innodb_snapshot_isolation (MariaDB from 11.6.2 on)',
    refused: withOptions({ server: { isolation: 'repeatable read', snapshotIsolation: true } }),
    found: withOptions({ server: { isolation: 'read committed', snapshotIsolation: true } }),
  },
  {
    reason: 'isolation',
    what: 'a level for this transaction alone, which the server does not show',
    refused: {
      steps: ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'START TRANSACTION', read, deletion],
    },
    found: {
      steps: ['SET TRANSACTION ISOLATION LEVEL READ COMMITTED', 'START TRANSACTION', read, deletion],
      options: { server: { isolation: 'serializable' } },
    },
  },
  {
    reason: 'isolation',
    what: 'the level of the session changed inside the transaction: the server shows that of the next one',
    refused: {
      steps: ['START TRANSACTION', 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', read, deletion],
    },
    found: {
      steps: ['SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', 'START TRANSACTION', read, deletion],
    },
  },
  {
    reason: 'isolation',
    what: 'several statements in one may hold a SET TRANSACTION',
    refused: {
      steps: [
        { sql: 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; START TRANSACTION', flags: 'T' },
        read,
        deletion,
      ],
    },
    found: { steps: [{ sql: 'START TRANSACTION;' }, read, deletion] },
  },
  {
    reason: 'read-only',
    what: 'the session',
    refused: withOptions({ server: { readOnly: true } }),
    found: withOptions({ server: { readOnly: false } }),
  },
  {
    reason: 'safe-updates',
    what: 'error 1175 for a DELETE that names no key',
    refused: withOptions({ server: { safeUpdates: true } }),
    found: withOptions({ server: { safeUpdates: false } }),
  },
  // -- the forms ------------------------------------------------------------------------------------------------
  {
    reason: 'delete-form',
    what: 'LIMIT (Laravel MassPrunable)',
    refused: deleting('DELETE FROM `c` WHERE `c`.`id` IN (1, 2, 3) LIMIT 1000'),
    found: deleting('DELETE FROM `c` WHERE `c`.`id` IN (1, 2, 3)'),
  },
  {
    reason: 'delete-form',
    what: 'IGNORE',
    refused: deleting('DELETE IGNORE FROM `c` WHERE `c`.`id` IN (1, 2, 3)'),
    found: deleting('DELETE FROM `c` WHERE (`c`.`id` IN (1, 2, 3))'),
  },
  {
    reason: 'composite-key',
    what: 'row values',
    refused: deleting('DELETE FROM `c` WHERE (`a`, `b`) IN ((1, 1), (1, 2))'),
    found: deleting('DELETE FROM `c` WHERE `id` IN (1, 2, 3)'),
  },
  {
    reason: 'locked-already',
    what: 'LOCK IN SHARE MODE',
    refused: reading(`SELECT \`c\`.\`id\` ${from} LOCK IN SHARE MODE`),
    found: reading(`SELECT \`c\`.\`id\` ${from}`),
  },
  {
    reason: 'limit',
    what: 'LIMIT',
    refused: reading(`SELECT \`c\`.\`id\` ${from} LIMIT 3`),
    found: reading(`SELECT \`c\`.\`id\` ${from} ORDER BY NULL`),
  },
  {
    reason: 'limit',
    what: 'sql_select_limit has cut the SELECT short',
    refused: withOptions({ server: { selectLimited: true } }),
    found: withOptions({ server: { selectLimited: false } }),
  },
  {
    reason: 'limit',
    what: 'EXISTS with an offset in front of a comma',
    refused: reading(`SELECT \`c\`.\`id\` ${from} AND EXISTS(SELECT 1 FROM \`k\` LIMIT 5, 1)`),
    found: reading(`SELECT \`c\`.\`id\` ${from} AND EXISTS(SELECT 1 FROM \`k\` LIMIT 1)`),
  },
  {
    reason: 'query-form',
    what: 'a user variable',
    refused: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`v\` > @x`),
    found: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`v\` > 7`),
  },
  {
    reason: 'query-form',
    what: 'UNION',
    refused: reading(`SELECT \`c\`.\`id\` ${from} UNION SELECT 3`),
    found: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`v\` <> (SELECT 3)`),
  },
  {
    reason: 'select-list',
    what: 'the rows came along',
    refused: reading(`SELECT \`c\`.\`id\`, \`c\`.\`v\` ${from}`, { columns: [{}, {}] }),
    found: reading(`SELECT \`c\`.\`id\` ${from}`),
  },
  {
    reason: 'volatile-function',
    what: 'NOW() is that of the statement',
    refused: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`t\` < NOW()`),
    found: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`t\` < DATE('2026-01-01')`),
  },
  {
    reason: 'volatile-function',
    what: 'CURRENT_TIMESTAMP is one without parentheses',
    refused: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`t\` < CURRENT_TIMESTAMP`),
    found: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`t\` < \`c\`.\`current\``),
  },
  {
    reason: 'volatile-function',
    what: 'RAND()',
    refused: reading(`SELECT \`c\`.\`id\` ${from} AND RAND() < 0.5`),
    found: reading(`SELECT \`c\`.\`id\` ${from} AND ABS(\`c\`.\`v\`) < 0.5`),
  },
  {
    reason: 'volatile-function',
    what: 'a stored function',
    refused: reading(`SELECT \`c\`.\`id\` ${from} AND expired(\`c\`.\`v\`)`),
    found: reading(`SELECT \`c\`.\`id\` ${from} AND IF(\`c\`.\`v\`, 1, 0)`),
  },
  // -- the key --------------------------------------------------------------------------------------------------
  {
    reason: 'over-limit',
    what: 'more ids than may be remembered',
    refused: withOptions({ limits: { rememberedIds: 2 } }),
    found: withOptions({ limits: { rememberedIds: 3 } }),
  },
  {
    reason: 'result-cut',
    what: 'a cursor',
    refused: reading(read.sql, { cut: 'suspended' }),
    found: reading(read.sql),
  },
  {
    reason: 'key-unknown',
    what: 'the metadata names no column of a table',
    refused: reading(read.sql, { columns: [{ origin: { ...origin, column: '' } }] }),
    found: reading(read.sql, { columns: [{ origin }] }),
  },
  {
    reason: 'key-unknown',
    what: 'the DELETE goes by another column than the result came from',
    refused: reading(read.sql, { columns: [{ origin: { ...origin, column: 'a_id' } }] }),
    found: reading(read.sql, { columns: [{ origin: { ...origin, column: 'ID' } }] }),
  },
  {
    reason: 'key-unknown',
    what: 'no unique key of one column',
    refused: withOptions({ facts: { uniqueColumns: [] } }),
    found: withOptions({ facts: { uniqueColumns: ['id'] } }),
  },
  {
    reason: 'key-type',
    what: 'DOUBLE',
    refused: reading(read.sql, { columns: [{ type: 5 }] }),
    found: reading(read.sql, { columns: [{ type: 8 }] }),
  },
  {
    reason: 'key-type',
    what: 'BIT',
    refused: reading(read.sql, { columns: [{ type: 16 }] }),
    found: reading(read.sql, { columns: [{ type: 1 }] }),
  },
  {
    reason: 'key-type',
    what: 'a number for a column of characters compares as a number',
    refused: keyed(text, ['1', '2'], '1, 2'),
    found: keyed(text, ['1', '2'], "'1', '2'"),
  },
  {
    reason: 'key-type',
    what: 'bytes for a column of characters depend on its charset',
    refused: keyed(text, ['ab'], "X'6162'"),
    found: keyed(bytes, ['ab'], "X'6162'"),
  },
  {
    reason: 'key-type',
    what: 'a parameter without an exact text form',
    refused: deleting('DELETE FROM `c` WHERE `c`.`id` IN (?, ?, ?)', {
      parameters: bound('1', '2', Buffer.from('3')),
    }),
    found: deleting('DELETE FROM `c` WHERE `c`.`id` IN (?, ?, ?)', { parameters: bound('3', '2', '1') }),
  },
  {
    reason: 'key-type',
    what: "a parameter of the SELECT's came as long data and cannot be sent again",
    refused: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`v\` > ?`, {
      parameters: bound(Buffer.alloc(0)),
    }),
    found: reading(`SELECT \`c\`.\`id\` ${from} AND \`c\`.\`v\` > ?`, {
      parameters: bound(Buffer.alloc(8)),
    }),
  },
  {
    reason: 'list-differs',
    what: 'equal under the collation, but not what came back',
    refused: keyed(text, ['a', 'b'], "'A', 'b'"),
    found: keyed(text, ['a', 'b'], "'b', 'a'"),
  },
  {
    reason: 'list-differs',
    what: 'trailing blanks',
    refused: keyed(text, ['a', 'b'], "'a ', 'b'"),
    found: keyed(text, ['a ', 'b'], "'a ', 'b'"),
  },
  {
    reason: 'list-differs',
    what: 'ZEROFILL shows zeros in text and none in binary',
    refused: keyed({}, ['00001', '00002'], '1, 3'),
    found: keyed({}, ['00001', '00002'], '?, ?', { parameters: bound('1', '2') }),
  },
  {
    reason: 'list-differs',
    what: 'binary(16)',
    refused: keyed(bytes, ['\x00\xff', 'b'], "0x00fe, _binary'b'"),
    found: keyed(bytes, ['\x00\xff', 'b'], "0x00ff, _binary'b'"),
  },
  {
    reason: 'list-differs',
    what: 'decimals',
    refused: keyed({ type: 246 }, ['1.50', '2.00'], "1.5, '2.1'"),
    found: keyed({ type: 246 }, ['1.50', '2.00'], "1.5, '2'"),
  },
  {
    reason: 'list-differs',
    what: 'a subset',
    refused: deleting('DELETE FROM `c` WHERE `c`.`id` IN (1, 2)'),
    found: deleting('DELETE FROM `c` WHERE `c`.`id` IN (3, 1, 2)'),
  },
  {
    reason: 'target-mismatch',
    what: 'the result came from another table',
    refused: reading(read.sql, { columns: [{ origin: { ...origin, table: 'd' } }] }),
    found: reading(read.sql, { columns: [{ origin: { ...origin, table: 'c' } }] }),
  },
  {
    reason: 'target-mismatch',
    what: 'the result came from another schema (USE, a temporary table)',
    refused: reading(read.sql, { columns: [{ origin: { ...origin, schema: 'old' } }] }),
    found: reading(read.sql, { columns: [{ origin: { ...origin, schema: 'shop' } }] }),
  },
  {
    reason: 'target-mismatch',
    what: 'names that differ in case only are two tables on Linux',
    refused: deleting('DELETE FROM `C` WHERE `C`.`id` IN (1, 2, 3)'),
    found: deleting('DELETE FROM `c` WHERE `c`.`ID` IN (1, 2, 3)'),
  },
  {
    reason: 'target-mismatch',
    what: 'an unqualified key and the table twice, as far as the case of names tells',
    refused: reading('SELECT `id` FROM `c` JOIN `C` AS `x` ON `x`.`v` = 1'),
    found: reading('SELECT `id` FROM `c` JOIN `d` AS `x` ON `x`.`v` = 1'),
  },
  // -- what happened in between ---------------------------------------------------------------------------------
  {
    reason: 'cascade-by-list',
    what: 'children first, by the same list',
    refused: between('DELETE FROM `k` WHERE `k`.`c_id` IN (1, 2, 3)'),
    found: between('/* nothing */'),
  },
  {
    reason: 'own-write',
    what: 'an UPDATE of other rows',
    refused: between('UPDATE `a` SET `name` = 7'),
    found: { steps: ['START TRANSACTION', 'UPDATE `a` SET `name` = 7', read, deletion] },
  },
  {
    reason: 'own-write',
    what: 'the savepoint of a read was taken back, and another of the same name is newer',
    refused: {
      steps: ['START TRANSACTION', 'SAVEPOINT x', 'UPDATE `c` SET `v` = 1', read, 'ROLLBACK TO x', deletion],
    },
    found: {
      steps: [
        'START TRANSACTION',
        'SAVEPOINT x',
        'UPDATE `c` SET `v` = 1',
        read,
        'SAVEPOINT x',
        'ROLLBACK TO x',
        deletion,
      ],
    },
  },
  {
    reason: 'unknown-effect',
    what: 'USE',
    refused: between({ sql: 'USE other', flags: 'T' }),
    found: between('SET autocommit = 0'),
  },
  {
    reason: 'unknown-effect',
    what: 'CREATE TEMPORARY TABLE',
    refused: between({ sql: 'CREATE TEMPORARY TABLE `a` (`id` INT)', flags: 'T' }),
    found: between({ sql: 'SHOW CREATE TABLE `a`', rows: ['a'] }),
  },
  {
    reason: 'unknown-effect',
    what: 'DDL that failed has committed first, and an error tells nothing',
    refused: between({ sql: 'CREATE TABLE `a` (`id` INT)', error: { code: '42S01', errno: 1050 } }),
    found: between({ sql: 'SHOW CREATE TABLE `nowhere`', error: { code: '42S02', errno: 1146 } }),
  },
  {
    reason: 'unknown-effect',
    what: 'the first of several statements may have run',
    refused: between({
      sql: 'UPDATE `c` SET `v` = 1; SELECT nonsense',
      error: { code: '42S22', errno: 1054 },
    }),
    found: between(';'),
  },
  {
    reason: 'statement-between',
    what: 'a statement that failed ends no transaction here, but was one',
    refused: between({ sql: 'UPDATE `z` SET `v` = 1', error: { code: '23000', errno: 1452 } }),
    found: {
      steps: [
        'START TRANSACTION',
        { sql: 'UPDATE `z` SET `v` = 1', error: { code: '23000', errno: 1452 } },
        read,
        deletion,
      ],
    },
  },
  {
    reason: 'window',
    what: 'the app held the ids for too long',
    refused: { steps: ['START TRANSACTION', read, { ...deletion, after: 1001 }] },
    found: { steps: ['START TRANSACTION', read, { ...deletion, after: 1000 }] },
  },
  {
    reason: 'self-reference',
    what: 'chunks and the target joined with itself, in letters of another case',
    refused: chunks('SELECT x.`id` FROM `c` AS x JOIN `C` AS y ON y.`v` = x.`v`'),
    found: chunks('SELECT x.`id` FROM `c` AS x JOIN `d` AS y ON y.`v` = x.`v`'),
  },
  {
    reason: 'chunk-effects',
    what: 'chunks, and triggers or foreign-key actions cannot be excluded',
    refused: { ...chunks(read.sql), options: { facts: { chunksSafe: false } } },
    found: { ...chunks(read.sql), options: { facts: { chunksSafe: true } } },
  },
  // -- intent, consent, catalog ---------------------------------------------------------------------------------
  {
    reason: 'no-join',
    what: 'one table, and nobody named it',
    refused: {
      steps: ['START TRANSACTION', plainRead, deletion],
      options: { mode: 'observe', tablesNamed: false },
    },
    found: { steps: ['START TRANSACTION', plainRead, deletion], options: { tablesNamed: true } },
  },
  {
    reason: 'payload-key',
    what: 'no AUTO_INCREMENT',
    refused: withOptions({
      mode: 'observe',
      tablesNamed: false,
      facts: {
        attributes: { 1: { name: 'id', type: mysqlKey.integer, hasDefault: false, inForeignKey: false } },
      },
    }),
    found: withOptions({ mode: 'observe', tablesNamed: false }),
  },
  {
    reason: 'table-not-named',
    what: 'rewrite mode without consent for the table',
    refused: withOptions({ mode: 'rewrite', tablesNamed: false }),
    found: withOptions({ mode: 'observe', tablesNamed: false }),
  },
  {
    reason: 'catalog',
    what: 'a table that cannot be seen',
    refused: withOptions({ facts: { unresolved: true } }),
    found: withOptions({ facts: { unresolved: false } }),
  },
  {
    reason: 'relation-kind',
    what: 'another engine: what fails there has done half of its work',
    refused: withOptions({ facts: { target: { ...mysqlRelation, kind: 'e' } } }),
    found: withOptions({ facts: { target: { ...mysqlRelation, kind: 'r' } } }),
  },
  {
    reason: 'relation-kind',
    what: 'a view is read',
    refused: withOptions({ facts: { relations: [{ ...mysqlRelation, kind: 'v' }] } }),
    found: withOptions({ facts: { relations: [{ ...mysqlRelation, kind: 'r' }] } }),
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
