/** Statements that fail, in the simple and in the extended protocol, outside and inside a transaction. */
import { step, type Conversation } from '../conversation.ts';
import { bind, describeStatement, execute, extended, message, parse, query, sync } from '../messages.ts';

const failing: string[] = [
  'SELEC 1',
  'SELECT',
  'SELECT 1 +',
  "SELECT 'unterminated",
  'SELECT "unterminated',
  'SELECT $$unterminated',
  '/* unterminated',
  'SELECT 1 / 0',
  'SELECT * FROM nowhere',
  'SELECT nothing FROM numbered',
  'SELECT id FROM numbered n, seen s',
  'SELECT nofunction(1)',
  "SELECT 'x'::int",
  "SELECT '2026-02-30'::date",
  "SELECT 'angry'::mood",
  'SELECT 0::positive',
  'SELECT 99999999999::int4',
  'SELECT 1e400::float8',
  "SELECT '{1,2'::int[]",
  "SELECT '{'::json",
  'SELECT sqrt(-1)',
  "SELECT E'\\xff'",
  'SELECT chr(0)',
  "SELECT 'a' + 1",
  'SELECT (SELECT id FROM numbered)',
  'SELECT id FROM numbered GROUP BY label',
  'INSERT INTO numbered VALUES (1, $$again$$)',
  'INSERT INTO numbered VALUES (1000, NULL)',
  'INSERT INTO checked VALUES (2, 10)',
  "INSERT INTO checked VALUES (2, 1, NULL, 'abcd')",
  "INSERT INTO checked VALUES (2, 1, NULL, 'abc', '[2,3)')",
  'INSERT INTO checked VALUES (2, 1, 77)',
  'INSERT INTO scratch VALUES (1, 2, 3)',
  'INSERT INTO setting (name) VALUES ($$setting 1$$)',
  'DELETE FROM author WHERE id = 1',
  'DELETE FROM author WHERE id IN (1, 2)',
  'UPDATE seen SET nothing = 1',
  'CREATE TABLE numbered (a int)',
  'DROP TABLE author',
  'DROP TABLE nowhere',
  'ALTER TABLE numbered DROP COLUMN nothing',
  'SAVEPOINT outside',
  'ROLLBACK TO nowhere',
  'RELEASE nowhere',
  'FETCH 1 FROM nowhere',
  'EXECUTE nowhere',
  'DEALLOCATE nowhere',
  'SET nothing.at = 1; SET nothing = 1',
  'SET work_mem = $$much$$',
  'SET ROLE nobody_at_all',
  'LOCK TABLE nowhere',
  'VACUUM nowhere',
  "SELECT angry('P0001')",
  "SELECT angry('23505')",
  "SELECT angry('40001')",
  "SELECT angry('57014')",
  'CALL nothing()',
  "COPY numbered FROM '/nowhere/at/all'",
  'SELECT 1; SELECT 1/0; SELECT 2',
  "SET statement_timeout = '20ms'; SELECT pg_sleep(30)",
];

const simpleError = (sql: string): Conversation => ({
  name: `error ${sql.slice(0, 60)}`,
  steps: [
    step('Z', query(sql)),
    step('ZZZZ', query('BEGIN'), query(sql), query('SELECT 1'), query('ROLLBACK')),
    step('Z', query('SELECT 1')),
  ],
});

const extendedError = (sql: string): Conversation => ({
  name: `extended error ${sql.slice(0, 60)}`,
  steps: [
    step('Z', extended(sql), sync),
    step('ZZZ', extended('BEGIN'), sync, extended(sql), sync, extended('COMMIT'), sync),
    step('Z', extended('SELECT 1'), sync),
  ],
});

const session = (name: string, ...steps: Conversation['steps']): Conversation => ({
  name,
  steps: [...steps, step('Z', query('SELECT 1'))],
});

const wrongMessages: Conversation[] = [
  session('error Bind to no statement', step('Z', bind({ statement: 'nowhere' }), execute(), sync)),
  session('error Execute of no portal', step('Z', execute('nowhere'), sync)),
  session('error Describe of no statement', step('Z', describeStatement('nowhere'), sync)),
  session('error statement exists already', step('Z', parse('s', 'SELECT 1'), parse('s', 'SELECT 2'), sync)),
  session(
    'error portal exists already',
    step('Z', parse('', 'SELECT 1'), bind({ portal: 'p' }), bind({ portal: 'p' }), sync),
  ),
  session(
    'error too few parameters',
    step('Z', parse('', 'SELECT $1::int, $2::int'), bind({ values: ['1'] }), sync),
  ),
  session(
    'error too many parameters',
    step('Z', parse('', 'SELECT 1'), bind({ values: ['1'] }), execute(), sync),
  ),
  session(
    'error parameter formats do not add up',
    step('Z', parse('', 'SELECT $1::int'), bind({ values: ['1'], formats: [0, 1] }), sync),
  ),
  session(
    'error result formats do not add up',
    step('Z', parse('', 'SELECT 1'), bind({ resultFormats: [0, 0] }), execute(), sync),
  ),
  session(
    'error unknown format code',
    step('Z', parse('', 'SELECT 1'), bind({ resultFormats: [7] }), execute(), sync),
  ),
  session('error type of parameter unknown', step('Z', parse('', 'SELECT $1'), describeStatement(), sync)),
  session('error parameter type does not exist', step('Z', parse('', 'SELECT $1', [4_000_000]), sync)),
  session('error several statements in Parse', step('Z', parse('', 'SELECT 1; SELECT 2'), sync)),
  session(
    'error text value of a number',
    step('Z', parse('', 'SELECT $1::int'), bind({ values: ['x'] }), execute(), sync),
  ),
  session(
    'error binary value too short',
    step('Z', parse('', 'SELECT $1::int'), bind({ values: [Buffer.alloc(2)], formats: [1] }), sync),
  ),
  session(
    'error invalid UTF-8 in a query',
    step('Z', message('Q', Buffer.from("SELECT '\xff\xfe'\0", 'latin1'))),
  ),
  session(
    'error invalid UTF-8 in a parameter',
    step('Z', parse('', 'SELECT $1::text'), bind({ values: [Buffer.of(0xc3)] }), execute(), sync),
  ),
  session(
    'error bytes after the end of a query',
    step('Z', message('Q', Buffer.from('SELECT 1\0SELECT 2\0'))),
  ),
  session('error query without terminator', step('Z', message('Q', Buffer.from('SELECT 1')))),
  session('error empty query message', step('Z', message('Q'))),
  session('error empty Parse message', step('Z', message('P'), sync)),
  session('error truncated Bind', step('Z', message('B', Buffer.from('\0\0\0')), sync)),
  session('error Describe of an unknown kind', step('Z', message('D', Buffer.from('Xa\0')), sync)),
  session('error Close of an unknown kind', step('Z', message('C', Buffer.from('Xa\0')), sync)),
  { name: 'error unknown message type', raw: true, steps: [step('end', message('y', Buffer.from('what')))] },
];

export const errors: Conversation[] = [
  ...failing.map(simpleError),
  ...failing.map(extendedError),
  ...wrongMessages,
];
