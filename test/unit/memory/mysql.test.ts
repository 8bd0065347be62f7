/** What a transaction of MySQL or MariaDB remembers, when it ends, and which isolation level it has. */
import { describe, expect, test } from 'vitest';
import { defaultMemoryLimits } from '../../../src/memory/limits.ts';
import { TransactionMemory } from '../../../src/memory/memory.ts';
import type { EffectiveIsolation } from '../../../src/memory/isolation.ts';
import { Scene, SceneStatement, mysqlColumn } from '../patterns/scene.ts';
import type { Step } from '../patterns/scene.ts';
import { deletion, insert, read, reread } from '../patterns/stories-mysql.ts';

const c = { name: 'c' };

function played(steps: (Step | string)[], autocommitOff = false): TransactionMemory {
  const scene = new Scene({ dialect: 'mariadb', autocommitOff });
  for (const step of steps) scene.run(typeof step === 'string' ? { sql: step } : step);
  return scene.memory;
}

describe('an error', () => {
  test('ends no transaction and costs no memory', () => {
    const memory = played([
      'BEGIN',
      read,
      { sql: 'UPDATE `z` SET `v` = 1', error: { code: 'HY000', errno: 1366 } },
    ]);
    expect(memory.status).toBe('T');
    expect(memory.readsOf(c)[0]?.between).toBe(1);
  });

  test('1213: the session says that the transaction is gone, and no flags come', () => {
    const memory = played(['BEGIN', read, insert]);
    memory.ready('I', 0);
    expect(memory.status).toBe('I');
    expect(memory.readsOf(c)).toEqual([]);
    expect(memory.failedInsert?.sameTransaction).toBe(false);
  });

  test.each([
    [1062, true],
    [1586, true],
    [1452, false],
    [1048, false],
  ])('%i of an INSERT: remembered as a duplicate: %s', (errno, remembered) => {
    const failing = { ...insert, error: { code: '23000', errno, constraint: 'k' } };
    expect(played(['BEGIN', failing]).failedInsert !== undefined).toBe(remembered);
  });

  test('of an UPDATE is no failed INSERT', () => {
    const failing = {
      sql: "UPDATE `c` SET `key` = 'k1'",
      error: { code: '23000', errno: 1062, constraint: 'k' },
    };
    expect(played(['BEGIN', failing]).failedInsert).toBeUndefined();
  });

  test.each(['CALL p()', 'ALTER TABLE `c` ADD `x` INT', 'SELECT 1; SELECT 2'])(
    'of %s leaves open what happened before it',
    (sql) => {
      const memory = played(['BEGIN', read, { sql, error: { code: '42000', errno: 1064 } }]);
      expect(memory.readsOf(c)[0]?.unknownEffect).toBe(true);
      expect(memory.unknownEffects).toBe(true);
    },
  );
});

describe('the end of a transaction', () => {
  test.each(['COMMIT', 'ROLLBACK', 'COMMIT AND CHAIN', 'BEGIN', 'START TRANSACTION READ WRITE'])(
    '%s',
    (sql) => {
      for (const autocommitOff of [false, true]) {
        const memory = played(['BEGIN', read, sql], autocommitOff);
        expect(memory.readsOf(c)).toEqual([]);
        expect(memory.earlierReadOf(c)?.across).toBe('transactions');
      }
    },
  );

  test('autocommit off: the next one is open at once', () => {
    const memory = played([read, 'COMMIT', read], true);
    expect(memory.status).toBe('T');
    expect(memory.readsOf(c)).toHaveLength(1);
  });

  test('DDL: the flags tell', () => {
    expect(played(['BEGIN', read, { sql: 'DROP TABLE z', flags: 'I' }]).status).toBe('I');
    expect(played([read, { sql: 'DROP TABLE z', flags: 'I' }], true).readsOf(c)).toEqual([]);
  });

  test('a temporary table ends none, but nothing is known any more', () => {
    const memory = played(['BEGIN', read, { sql: 'CREATE TEMPORARY TABLE z (v INT)', flags: 'T' }]);
    expect(memory.readsOf(c)[0]?.unknownEffect).toBe(true);
  });

  test('BEGIN NOT ATOMIC is a block, and the flags say that no transaction is open', () => {
    const memory = played([{ sql: 'BEGIN NOT ATOMIC SELECT 1; END', flags: 'I' }, read]);
    expect(memory.status).toBe('I');
  });

  test('ROLLBACK AND CHAIN behind a duplicate keeps it, ROLLBACK does not', () => {
    expect(played(['BEGIN', insert, 'ROLLBACK AND CHAIN']).failedInsert?.sameTransaction).toBe(true);
    expect(played(['BEGIN', insert, 'ROLLBACK']).failedInsert?.sameTransaction).toBe(false);
    expect(played(['BEGIN', insert, 'BEGIN']).failedInsert).toBeUndefined();
  });
});

describe('outside a transaction', () => {
  test('what has a result but is no read of a table leaves the note of the last read', () => {
    const memory = played([
      read,
      { sql: 'SELECT @@session.transaction_read_only', rows: ['0'], columns: [expression] },
      { sql: 'SHOW WARNINGS', rows: [], columns: [expression] },
      'START TRANSACTION',
    ]);
    expect(memory.earlierReadOf(c)?.across).toBe('begin');
  });

  test('a write takes it away', () => {
    expect(played([read, 'UPDATE `c` SET `v` = 1', 'BEGIN']).earlierReadOf(c)).toBeUndefined();
  });

  test('nothing is lexed that does not set anything', () => {
    const memory = new TransactionMemory(defaultMemoryLimits);
    memory.speak('mysql');
    const statements = [read.sql, 'UPDATE `c` SET `v` = 1;', 'INSERT INTO `z` VALUES (1)'].map(
      (sql) => new SceneStatement(sql, undefined, 'mysql'),
    );
    for (const statement of statements) {
      memory.completed(statement, { tag: 'UPDATE 1' }, 0);
      memory.ready('I', 0);
    }
    expect(statements.map(({ lexed }) => lexed)).toEqual([0, 0, 0]);
  });
});

const expression = { ...mysqlColumn };
delete expression.origin;

describe('names that differ in case only', () => {
  test('are possibly one table', () => {
    const memory = played(['BEGIN', read]);
    expect(memory.readsOf({ name: 'C' })).toHaveLength(1);
    expect(memory.readsOf({ schema: 'SHOP', name: 'c' })).toHaveLength(1);
    expect(memory.readsOf({ name: 'd' })).toHaveLength(0);
  });

  test('columns are one: a chunk by `ID` belongs to the list', () => {
    const memory = played(['BEGIN', read, 'DELETE FROM `c` WHERE `ID` IN (1)']);
    expect(memory.readsOf(c)[0]?.consumedBy(c, 'id')).toEqual(new Set(['1']));
  });

  test('tables are not, where that would allow something: the chunk is another use of the keys', () => {
    const memory = played(['BEGIN', read, 'DELETE FROM `C` WHERE `id` IN (1)']);
    expect(memory.readsOf(c)[0]?.consumedBy(c, 'id')).toBe('elsewhere');
  });
});

const serializable = 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE';
const session = 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED';

describe('the isolation level of the transaction', () => {
  test.each<[EffectiveIsolation, string, (Step | string)[]]>([
    ['session', 'as the server says', ['BEGIN']],
    ['session', 'set for the session before it', [session, 'BEGIN']],
    ['serializable', 'set for it alone', [serializable, 'BEGIN']],
    [
      'serializable',
      'SET @@transaction_isolation is for one, too',
      ["SET @@transaction_isolation = 'SERIALIZABLE'", 'BEGIN'],
    ],
    ['session', 'and is gone with it', [serializable, 'BEGIN', 'COMMIT', 'BEGIN']],
    ['session', 'and is gone with it when BEGIN ends it', [serializable, 'BEGIN', 'ROLLBACK', 'BEGIN']],
    ['serializable', 'a chained one keeps it', [serializable, 'BEGIN', 'COMMIT AND CHAIN']],
    [
      'session',
      'SET GLOBAL is for sessions to come',
      ['SET GLOBAL TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'BEGIN'],
    ],
    ['unknown', 'the session changed it inside', ['BEGIN', session]],
    ['unknown', 'and chains', ['BEGIN', session, 'COMMIT AND CHAIN']],
    ['session', 'and is over', ['BEGIN', session, 'COMMIT', 'BEGIN']],
    ['unknown', 'the session changed it inside one that has its own', [serializable, 'BEGIN', session]],
    ['unknown', 'which of the two counts is not asked', [serializable, session, 'BEGIN']],
    [
      'unknown',
      'a statement in autocommit may have been the one',
      [serializable, 'UPDATE `c` SET `v` = 1', 'BEGIN'],
    ],
    [
      'unknown',
      'SHOW TABLES is the one on MySQL 9.7',
      [serializable, { sql: 'SHOW TABLES', rows: ['c'] }, 'BEGIN'],
    ],
    [
      'serializable',
      'a look at variables was not',
      [serializable, { sql: 'SELECT @@autocommit', rows: ['1'], columns: [expression] }, 'BEGIN'],
    ],
    ['session', 'COMMIT uses it up, although nothing had begun', [serializable, 'COMMIT', 'BEGIN']],
    ['unknown', 'a procedure may set it', ['CALL p()', 'BEGIN']],
    ['unknown', 'so may a prepared text', ["PREPARE x FROM 'SET TRANSACTION …'", 'EXECUTE x', 'BEGIN']],
    ['unknown', 'several statements in one', [{ sql: `${serializable}; BEGIN`, flags: 'T' }]],
    ['unknown', 'inside as well', ['BEGIN', { sql: 'CALL p()', flags: 'T' }]],
    [
      'unknown',
      'another SET that names it',
      ['BEGIN', { sql: "SET x = 1, SESSION transaction_isolation = 'READ-COMMITTED'", flags: 'T' }],
    ],
    [
      'session',
      'other variables are not levels',
      ['BEGIN', { sql: 'SET foreign_key_checks = 0', flags: 'T' }],
    ],
    ['session', 'a SET that failed', [{ sql: serializable, error: { code: '42000', errno: 1064 } }, 'BEGIN']],
    ['unknown', 'COMMIT AND CHAIN begins one where there was none', ['COMMIT AND CHAIN', session]],
    ['session', 'DDL in front', ['CREATE TABLE z (v INT)', 'BEGIN']],
    [
      'session',
      'a failed SET sets nothing',
      ['BEGIN', { sql: serializable, error: { code: '25001', errno: 1568 } }],
    ],
  ])('%s: %s', (expected, _what, steps) => {
    expect(played(steps).isolation).toBe(expected);
  });

  test.each<[EffectiveIsolation, string, (Step | string)[]]>([
    ['session', 'for the session, in front of the first statement', [session]],
    ['serializable', 'for the next one, which is the present one', [serializable]],
    ['serializable', 'and its first statement does not end it', [serializable, read]],
    ['session', 'its COMMIT does', [serializable, read, 'COMMIT']],
    ['session', 'even where nothing had begun', [serializable, 'COMMIT', read]],
    ['unknown', 'for the session, behind a statement', [read, session]],
    ['unknown', 'for the session, behind a statement that failed', [insert, session]],
    ['session', 'and the next one has it', [read, session, 'COMMIT']],
    ['unknown', 'SHOW may have opened it', [{ sql: 'SHOW TABLES', rows: ['c'] }, session]],
    ['unknown', 'BEGIN in place of one that has a level', [serializable, 'BEGIN']],
    ['session', 'BEGIN in place of one that has none', ['BEGIN']],
    ['unknown', 'one for it alone, then one for the session', [serializable, session]],
  ])('autocommit off, %s: %s', (expected, _what, steps) => {
    expect(played(steps, true).isolation).toBe(expected);
  });

  test('a new user starts from nothing', () => {
    const memory = played([serializable]);
    memory.reset();
    memory.ready('T', 0);
    expect(memory.isolation).toBe('session');
  });
});

test('a found sequence survives what drivers send in between', () => {
  const scene = new Scene({ dialect: 'mysql' });
  const steps = [
    'START TRANSACTION',
    { ...read },
    'SET NAMES utf8mb4',
    { sql: 'SELECT @@session.transaction_isolation', rows: ['x'], columns: [expression] },
    { sql: 'SHOW WARNINGS', rows: [], columns: [expression] },
    'SAVEPOINT x',
    'RELEASE SAVEPOINT x',
  ];
  for (const step of steps) scene.run(typeof step === 'string' ? { sql: step } : step);
  expect(scene.verdict(deletion)).toBe('found');
});

test('Sequelize: no ROLLBACK TO; the SAVEPOINT is left as it is', () => {
  const scene = new Scene({ dialect: 'mysql' });
  for (const step of [{ sql: 'START TRANSACTION;' }, { sql: 'SAVEPOINT `x-sp-1`;' }, insert]) scene.run(step);
  expect(scene.verdict(reread)).toBe('found');
});
