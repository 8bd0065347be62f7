/** Servers' logs: which statements of which session they hold, and what `explain` makes of what they do not hold. */
import { describe, expect, test } from 'vitest';
import { explain } from '../../../src/explain/explain.ts';
import { readInput } from '../../../src/explain/read.ts';
import { loadWitnesses } from '../../../src/sql/witness/load.ts';
import { anybody, ruleSet } from '../../streams/session.ts';

const witness = await loadWitnesses(['postgres', 'mysql']);
const rules = ruleSet({
  mode: 'rewrite',
  tablesNamed: true,
  unlockedRead: { repeatable_read: 'rewrite' },
}).forSession(anybody);

function findings(text: string): string[] {
  const input = readInput(text);
  return explain(input, { dialect: input.dialect, witness: witness(input.dialect), rules }).flatMap(
    ({ session, line, finding }) =>
      finding === undefined
        ? []
        : [`${session} ${line} ${finding.decision} ${finding.reason ?? finding.after?.at(-1) ?? ''}`],
  );
}
const presumed = (text: string): (string | undefined)[] => {
  const input = readInput(text);
  return explain(input, { dialect: input.dialect, witness: witness(input.dialect), rules })
    .map((one) => one.presumed)
    .filter((one) => one !== undefined);
};

const stderrLog = `2026-11-25 04:15:00.000 UTC [1] LOG:  starting PostgreSQL 18.4 on x86_64, compiled by gcc, 64-bit
2026-11-25 04:15:06.001 UTC [71] LOG:  statement: BEGIN
2026-11-25 04:15:06.002 UTC [72] LOG:  statement: BEGIN
2026-11-25 04:15:06.003 UTC [71] LOG:  execute <unnamed>: SELECT b.id
\tFROM book b JOIN author a ON a.id = b.author_id WHERE a.name = $1
2026-11-25 04:15:06.003 UTC [71] DETAIL:  parameters: $1 = 'it''s'
2026-11-25 04:15:06.004 UTC [72] LOG:  duration: 0.052 ms  statement: SAVEPOINT s
2026-11-25 04:15:06.005 UTC [71] LOG:  execute S_1: DELETE FROM book WHERE id IN ($1, $2)
2026-11-25 04:15:06.005 UTC [71] DETAIL:  Parameters: $1 = '3', $2 = '4'
2026-11-25 04:15:06.006 UTC [72] LOG:  statement: INSERT INTO account (email) VALUES ('a@x')
2026-11-25 04:15:06.006 UTC [72] ERROR:  duplicate key value violates unique constraint "account_email_key"
2026-11-25 04:15:06.006 UTC [72] DETAIL:  Key (email)=(a@x) already exists.
2026-11-25 04:15:06.006 UTC [72] STATEMENT:  INSERT INTO account (email) VALUES ('a@x')
2026-11-25 04:15:06.007 UTC [72] LOG:  statement: ROLLBACK TO s
2026-11-25 04:15:06.008 UTC [72] LOG:  statement: SELECT id, email FROM account WHERE email = 'a@x'
2026-11-25 04:15:06.009 UTC [1] LOG:  checkpoint starting: time
`;

const expected = [
  '71 8 rewritten /* interlock:test/split-delete */ DELETE FROM book WHERE id IN (SELECT b.id\nFROM book b JOIN author a ON a.id = b.author_id WHERE a.name = $1 FOR UPDATE OF b)',
  "72 15 rewritten /* interlock:test/unlocked-read */ SELECT id, email FROM account WHERE email = 'a@x' FOR UPDATE",
];

describe('PostgreSQL', () => {
  test('stderr: two sessions, several lines, parameters, an error', () => {
    expect(readInput(stderrLog)).toMatchObject({
      format: 'log of PostgreSQL',
      dialect: 'postgres',
      lacks: 'results',
    });
    expect(findings(stderrLog)).toEqual(expected);
    expect(presumed(stderrLog)).toEqual(['the SELECT returned exactly the keys that are deleted']);
  });

  /** The same as the two other formats have it. */
  const entries = [
    ['71', 'LOG', '00000', 'statement: BEGIN', ''],
    [
      '71',
      'LOG',
      '00000',
      'execute <unnamed>: SELECT b.id\nFROM book b JOIN author a ON a.id = b.author_id WHERE a.name = $1',
      "parameters: $1 = 'it''s'",
    ],
    [
      '71',
      'LOG',
      '00000',
      'execute <unnamed>: DELETE FROM book WHERE id IN ($1, $2)',
      "parameters: $1 = '3', $2 = '4'",
    ],
    ['72', 'LOG', '00000', 'statement: BEGIN', ''],
    ['72', 'LOG', '00000', 'statement: SAVEPOINT s', ''],
    ['72', 'LOG', '00000', "statement: INSERT INTO account (email) VALUES ('a@x')", ''],
    ['72', 'ERROR', '23505', 'doppelter Schlüsselwert verletzt Unique-Constraint »account_email_key«', 'x'],
    ['72', 'LOG', '00000', 'statement: ROLLBACK TO s', ''],
    ['72', 'LOG', '00000', "statement: SELECT id, email FROM account WHERE email = 'a@x'", ''],
  ];
  const texts = expected.map((one) => one.replace(/^(\d+) \d+/, '$1'));
  const withoutLines = (text: string): string[] =>
    findings(text).map((one) => one.replace(/^(\d+) \d+/, '$1'));

  test('csvlog', () => {
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const csv = entries
      .map(([session = '', severity, code, message = '', detail = '']) =>
        [
          '2026-11-25 04:15:06.001 UTC,"app","shop",71,"127.0.0.1:1"',
          session,
          `1,"SELECT",2026-11-25 04:15:00 UTC,3/7,0,${severity},${code}`,
          quoted(message),
          quoted(detail),
          ',,,,,,,"psql","client backend",,0',
        ].join(','),
      )
      .join('\n');
    expect(readInput(csv).format).toBe('csvlog of PostgreSQL');
    expect(withoutLines(csv)).toEqual(texts);
    // A record of several lines counts them.
    expect(readInput(csv).said.map(({ line }) => line)).toEqual([1, 2, 4, 5, 6, 7, 9, 10]);
    expect(() => readInput(`${csv}"`)).toThrow(/not closed|behind a quoted field/);
  });

  test('jsonlog', () => {
    const json = entries
      .map(([session, severity, code, message, detail]) =>
        JSON.stringify({
          timestamp: 't',
          session_id: session,
          error_severity: severity,
          state_code: code,
          message,
          ...(detail && { detail }),
        }),
      )
      .join('\n');
    expect(readInput(json).format).toBe('jsonlog of PostgreSQL');
    expect(withoutLines(json)).toEqual(texts);
    expect(() => readInput(`${json}\n{broken`)).toThrow(/line 10: not a JSON object/);
  });

  test('isolation and access mode are read off the statements', () => {
    const at = (begin: string): string => stderrLog.replaceAll('statement: BEGIN', `statement: ${begin}`);
    expect(findings(at('BEGIN ISOLATION LEVEL REPEATABLE READ'))).toEqual([
      '71 8 refused isolation',
      '72 15 refused isolation',
    ]);
    expect(findings(at('START TRANSACTION READ ONLY'))[0]).toBe('71 8 refused read-only');
    expect(findings(at('BEGIN ISOLATION LEVEL READ COMMITTED'))).toEqual(expected);
  });
});

describe('MySQL and MariaDB', () => {
  const time = '2026-11-25T04:15:06.123456Z\t   ';
  const log = `/usr/sbin/mysqld, Version: 9.7.0 (Debian). started with:
Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock
Time                 Id Command    Argument
${time} 8 Connect\tapp@localhost on shop using TCP/IP
${time} 8 Query\tSTART TRANSACTION
${time} 8 Query\tSELECT \`b\`.\`id\`
FROM \`book\` \`b\` JOIN \`author\` \`a\` ON \`a\`.\`id\` = \`b\`.\`author_id\`
${time} 9 Query\tSET autocommit=0
${time} 8 Prepare\tDELETE FROM \`book\` WHERE \`id\` IN (?, ?)
${time} 8 Execute\tDELETE FROM \`book\` WHERE \`id\` IN (3, 4)
${time} 9 Query\tSELECT id, email FROM account WHERE email = 'a@x' FOR UPDATE
${time} 9 Query\tSAVEPOINT s
${time} 9 Query\tINSERT INTO account (email) VALUES ('a@x')
${time} 9 Query\tROLLBACK TO s
${time} 9 Query\tSELECT id, email FROM account WHERE email = 'a@x'
${time} 8 Quit\t
`;
  const mariadb = log
    .replace('9.7.0 (Debian)', '10.11.19-MariaDB-log')
    .replaceAll(time, '\t\t    ')
    .replace('\t\t     8 Connect', '251125  4:15:06\t     8 Connect');

  test.each([
    ['mysql', log],
    ['mariadb', mariadb],
  ])('%s: general log, with what has to be presumed', (dialect, text) => {
    expect(readInput(text)).toMatchObject({ format: 'general log of MySQL or MariaDB', dialect });
    expect(findings(text)).toEqual([
      '8 10 rewritten /* interlock:test/split-delete */ DELETE `b` FROM `book` `b` JOIN `author` `a` ON `a`.`id` = `b`.`author_id`',
      "9 15 rewritten /* interlock:test/unlocked-read */ SELECT id, email FROM account WHERE email = 'a@x' FOR UPDATE",
    ]);
    expect(presumed(text)).toEqual([
      'the SELECT returned exactly the keys that are deleted',
      'the look-up found no row, because an INSERT follows',
      'the INSERT met a duplicate key, because it was rolled back and the row is read',
    ]);
  });

  test('nothing is presumed where another sequence stands', () => {
    expect(findings(log.replace('`id` IN (3, 4)\n', '`id` IN (3, 4) AND `n` = 1\n'))).toEqual([
      '8 10 refused delete-form',
      expect.stringContaining('9 15 rewritten'),
    ]);
    expect(presumed(log.replace('\tROLLBACK TO s\n', '\tRELEASE SAVEPOINT s\n'))).toHaveLength(2);
  });
});

describe('what is no input', () => {
  test.each([
    ['nothing', '', /no statement was found/],
    ['bytes', 'a\0b', /not a text in UTF-8/],
    ['other encodings', 'SELECT \uFFFD', /not a text in UTF-8/],
    ['JSON that breaks off', '{"events": [', /line 1: not a JSON object/],
    ['JSON of several lines that breaks off', '{\n"events": [', /line 1: not a JSON object/],
    [
      'a recording without statements',
      '{"c":1,"m":"note","text":"x"}',
      /no statement was found \(read as recording\)/,
    ],
    ['an open quote', "SELECT 'x", /line 1: a quote, comment or parenthesis is not closed/],
  ])('%s', (_, text, says) => expect(() => readInput(text)).toThrow(says));
});

test('the dialect of plain SQL is guessed by its quoting, outside strings', () => {
  expect(readInput('SELECT `a` FROM t;').dialect).toBe('mysql');
  expect(readInput('SELECT "a" FROM t;').dialect).toBe('postgres');
  expect(readInput("SELECT a FROM t WHERE b = '`';").dialect).toBe('postgres');
  expect(readInput('SET autocommit=0;').dialect).toBe('mysql');
  expect(readInput('SELECT "a" FROM t;', 'mariadb').dialect).toBe('mariadb');
});
