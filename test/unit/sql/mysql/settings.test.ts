/** SET and SHOW on MySQL and MariaDB: what is noise, what sets the isolation level, what has unknown effect. */
import { describe, expect, it } from 'vitest';
import { shapeOf } from './support.ts';

const other = { kind: 'other', why: 'unknown' };

describe('noise', () => {
  it.each([
    '',
    '# only a comment',
    '-- x\n;',
    'SHOW WARNINGS',
    'SHOW CREATE TABLE t',
    'DEALLOCATE PREPARE s',
    'SET autocommit=0',
    'SET @@session.autocommit = ON',
    'SET SESSION autocommit = 1, wait_timeout = 10',
    'SET NAMES utf8mb4',
    "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci'",
    'SET @@SESSION.wait_timeout = 2147483, @@SESSION.sql_auto_is_null = 0',
    'SET innodb_lock_wait_timeout=1',
    'SET SQL_AUTO_IS_NULL = 0',
    "SET @x = 'y', @z := 1",
    'SET SESSION TRANSACTION READ ONLY',
    'SET TRANSACTION READ WRITE',
    'SET optimizer_switch = DEFAULT',
    'SELECT @@session.transaction_read_only',
    'SELECT @@version, @@sql_mode AS mode LIMIT 1',
  ])('%s', (text) => {
    expect(shapeOf(text)).toEqual({ kind: 'noise' });
  });

  it.each([
    'SET sql_mode = ""',
    "SET autocommit = 0, sql_mode = 'ANSI'",
    'SET sql_select_limit = 10',
    "SET time_zone = '+00:00'",
    'SET foreign_key_checks = 0',
    'SET SQL_SAFE_UPDATES = 1',
    'SET SQL_AUTO_IS_NULL = 1',
    'SET GLOBAL wait_timeout = 1',
    'SET @@global.wait_timeout = 1',
    'SET PERSIST wait_timeout = 1',
    'SET NAMES gbk',
    'SET NAMES latin1',
    'SET NAMES DEFAULT',
    'SET NAMES utf8mb4, sql_mode = 0',
    'SET CHARACTER SET utf8mb4',
    'SET character_set_client = utf8mb4',
    'SET @x = f()',
    'SET @x = (SELECT MAX(id) FROM t)',
    'SET @x = @y := 1',
    'SET wait_timeout = f()',
    'SET STATEMENT max_statement_time = 1 FOR SELECT 1',
    "SET PASSWORD = 'x'",
    'SET ROLE admin',
    'SET TRANSACTION SNAPSHOT 1',
    'SET TRANSACTION',
    'SET',
    'SET CONSTRAINTS ALL DEFERRED',
    "SET application_name = 'x'",
    'RESET MASTER',
    'LISTEN x',
    'DEALLOCATE x',
  ])('%s is not', (text) => {
    expect(shapeOf(text)).toEqual(other);
  });

  it.each(['SELECT @@x, @y', 'SELECT @@x FROM t', 'SELECT 1', 'SELECT @@x + 1', 'SELECT @@x, id'])(
    '%s is a query',
    (text) => {
      expect(shapeOf(text).kind).toBe('select');
    },
  );
});

describe('isolation', () => {
  const level = (text: string): unknown => {
    const shape = shapeOf(text);
    return shape.kind === 'set-isolation' ? [shape.scope, shape.level] : shape;
  };

  // scopes of the variable: observed on MySQL 9.7 and MariaDB 10.11 and 11.8
  it.each([
    ['SET TRANSACTION ISOLATION LEVEL READ COMMITTED', 'next', 'read committed'],
    ['SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;', 'session', 'repeatable read'],
    ['SET LOCAL TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE', 'session', 'serializable'],
    ['SET GLOBAL TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ WRITE', 'global', 'read uncommitted'],
    ["SET transaction_isolation = 'READ-COMMITTED'", 'session', 'read committed'],
    ["SET @@transaction_isolation = 'READ-COMMITTED'", 'next', 'read committed'],
    ["SET @@session.transaction_isolation = 'read-committed'", 'session', 'read committed'],
    ["SET @@local.tx_isolation = 'SERIALIZABLE'", 'session', 'serializable'],
    ["SET SESSION tx_isolation = 'REPEATABLE-READ'", 'session', 'repeatable read'],
    ["SET GLOBAL tx_isolation = 'REPEATABLE-READ'", 'global', 'repeatable read'],
    ['SET tx_isolation = 1', 'session', 'read committed'],
    ['SET @@`transaction_isolation` = 3', 'next', 'serializable'],
    ["SET SESSION autocommit = 1, @@tx_isolation = 'READ-COMMITTED'", 'next', 'read committed'],
    ["SET SESSION autocommit = 1, tx_isolation = 'READ-COMMITTED'", 'session', 'read committed'],
    ["SET sql_mode = '', @@tx_isolation = 'READ-COMMITTED'", 'next', 'read committed'],
    ['SET transaction_isolation = @x', 'session', undefined],
    ['SET transaction_isolation = DEFAULT', 'session', undefined],
    ["SET @@transaction_isolation = CONCAT('READ', '-COMMITTED')", 'next', undefined],
  ])('%s', (text, scope, expected) => {
    expect(level(text)).toEqual([scope, expected]);
  });

  it.each([
    "SET tx_isolation = 'READ-COMMITTED', sql_mode = ''",
    'SET TRANSACTION ISOLATION LEVEL',
    'SET TRANSACTION ISOLATION LEVEL CHAOS',
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, x',
    'SET PERSIST TRANSACTION ISOLATION LEVEL READ COMMITTED',
  ])('%s is other', (text) => {
    expect(shapeOf(text)).toEqual(other);
  });
});
