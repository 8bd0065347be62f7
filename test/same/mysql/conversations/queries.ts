/** COM_QUERY: every type in text, errors, warnings, several statements, several results, procedures. */
import type { Capabilities } from '../../../../src/wire/mysql/capabilities.ts';
import { writeQuery } from '../../../../src/wire/mysql/writers.ts';
import { step, type Conversation, type Step } from '../conversation.ts';

export const asked =
  ({ flags }: Capabilities) =>
  (text: string): Step =>
    step(writeQuery(Buffer.from(text), flags));

/** Each statement is a step of its own. */
export const statements = (
  name: string,
  texts: string[],
  more: Omit<Conversation, 'name' | 'steps'> = {},
): Conversation => ({
  name,
  steps: (capabilities) => texts.map(asked(capabilities)),
  ...more,
});

export const queries: Conversation[] = [
  statements('every type in text', [
    'SELECT * FROM kinds ORDER BY id',
    'SELECT * FROM kinds WHERE id = 2',
    'SELECT id, word FROM kinds WHERE id = 99',
    'SELECT tiny AS a, small b, kinds.word FROM kinds AS k JOIN kinds USING (id) ORDER BY id'
      .replace('tiny', 'k.tiny')
      .replace('small', 'k.small'),
    "SELECT NULL, 1, 1.5, 1e0, 'text', x'fe', TRUE, DATE '2024-01-01', TIME '01:02:03', TIMESTAMP '2024-01-01 01:02:03'",
    "SELECT '', REPEAT('x', 250), REPEAT('x', 251), REPEAT('x', 252), REPEAT('x', 65535), REPEAT('x', 65536)",
    'SELECT label FROM numbered ORDER BY id LIMIT 0',
    'SELECT COUNT(*), SUM(n), AVG(n), MIN(label), GROUP_CONCAT(label) FROM numbered',
    'SELECT * FROM seen',
    'SELECT one_more(41)',
    'SELECT CHAR(0xfe USING latin1), CHAR(0xfb, 0xff)',
  ]),
  statements('counts and ids', [
    "INSERT INTO scratch (t) VALUES ('a'), ('b')",
    'SELECT LAST_INSERT_ID(), ROW_COUNT()',
    "UPDATE scratch SET t = 'a' WHERE t = 'a'",
    "UPDATE scratch SET t = CONCAT(t, 'x')",
    'SELECT ROW_COUNT()',
    "INSERT INTO scratch (id, t) VALUES (1, 'again') ON DUPLICATE KEY UPDATE t = VALUES(t)",
    "REPLACE INTO scratch (id, t) VALUES (1, 'replaced')",
    "INSERT IGNORE INTO scratch (id, t) VALUES (1, 'ignored')",
    'SHOW WARNINGS',
    'INSERT INTO scratch (t) SELECT label FROM numbered WHERE id < 6',
    'DELETE FROM scratch WHERE id > 3',
    'DELETE FROM scratch ORDER BY id LIMIT 1',
    'SELECT SQL_CALC_FOUND_ROWS id FROM numbered LIMIT 2',
    'SELECT FOUND_ROWS()',
    'TRUNCATE TABLE scratch',
  ]),
  statements('errors and warnings', [
    'SELECT nothing FROM numbered',
    'SELECT * FROM missing',
    'SELECT * FROM other.missing',
    'SELEC 1',
    '',
    ' ;',
    '-- only a comment',
    '/* only a comment */',
    'SELECT 1 /* never closed',
    "SELECT 'never closed",
    "INSERT INTO numbered (label) VALUES ('label 1')",
    "INSERT INTO numbered (id, label) VALUES (1, 'other')",
    'INSERT INTO child VALUES (2, 99)',
    'DELETE FROM numbered WHERE id = 1',
    'SHOW ERRORS',
    "SELECT 1 + 'x', 1 / 0",
    'SHOW WARNINGS',
    'SHOW COUNT(*) WARNINGS',
    'INSERT INTO kinds (id, tiny) VALUES (50, 1000)',
    "INSERT INTO kinds (id, day) VALUES (50, 'nonsense')",
    'CALL angry()',
    'CALL missing_procedure()',
    'DROP TABLE IF EXISTS missing',
    'SHOW WARNINGS',
    'KILL 999999999',
    'SELECT 1',
  ]),
  statements('several statements and results', [
    'SELECT 1; SELECT 2, 3; DO 0; SELECT 4 FROM numbered WHERE id < 4',
    'SELECT 1; SELECT nothing; SELECT 3',
    'SELECT 1;',
    'SELECT 1;;SELECT 2',
    "INSERT INTO scratch (t) VALUES ('m'); SELECT LAST_INSERT_ID() > 0; DELETE FROM scratch",
    'SET @a = 1; SELECT @a',
    'CALL two_results(2)',
    'CALL two_results(2); SELECT 9',
    'CALL half_angry()',
    'SET @sum = 1; CALL doubled(4, @twice, @sum); SELECT @twice, @sum',
    'BEGIN; SELECT 1; COMMIT; SELECT 2',
  ]),
  statements('the shapes of SHOW and the like', [
    "SHOW DATABASES LIKE 'same'",
    'SHOW TABLES',
    'SHOW FULL COLUMNS FROM numbered',
    'SHOW CREATE TABLE numbered',
    'SHOW INDEX FROM child',
    "EXPLAIN SELECT * FROM numbered WHERE label = 'label 3'",
    'DESCRIBE kinds',
    "SHOW VARIABLES LIKE 'sql_mode'",
    "SHOW CHARACTER SET LIKE 'utf8mb4'",
    'CHECK TABLE numbered',
    'ANALYZE TABLE numbered',
    'HANDLER numbered OPEN',
    'HANDLER numbered READ FIRST LIMIT 2',
    'HANDLER numbered CLOSE',
    "HELP 'nothing of the kind'",
    "SELECT * FROM numbered INTO OUTFILE '/nowhere/at/all'",
    'SELECT id INTO @id FROM numbered WHERE id = 3',
    'SELECT @id',
  ]),
  statements('comments and dialect', [
    '/* a */ SELECT /*! 1 + */ 1',
    '# line\nSELECT 2',
    '-- line\nSELECT 3',
    'SELECT 4 -- end',
    "SELECT 'it''s', 'it\\'s', \"double\", `n` FROM numbered WHERE id = 1",
    "SELECT _latin1'x', N'x', x'41', 0x41, b'1'",
    'SELECT /*+ NO_RANGE_OPTIMIZATION(numbered) */ id FROM numbered WHERE id = 2',
    "PREPARE p FROM 'SELECT ? + 1'",
    'SET @x = 41',
    'EXECUTE p USING @x',
    'DEALLOCATE PREPARE p',
    'EXECUTE p USING @x',
  ]),
  {
    name: 'many queries in one write',
    steps: ({ flags }) => [
      step(
        ...Array.from({ length: 60 }, (_, i) =>
          writeQuery(`SELECT ${i}, label FROM numbered WHERE id = ${i}`, flags),
        ),
      ),
      step(writeQuery('SELECT nothing', flags), writeQuery('SELECT 1', flags), writeQuery('COMMIT', flags)),
    ],
  },
];
