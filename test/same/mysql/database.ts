/** What the conversations find: made anew for every run, so that all see the same rows, ids and counters. */
import { ask, type Mysql } from '../../support/mysql.ts';

export const database = 'same';

const schema = (mariadb: boolean): string[] => [
  `DROP DATABASE IF EXISTS ${database}`,
  `CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`,
  `USE ${database}`,
  `CREATE TABLE kinds (
    id INT PRIMARY KEY, tiny TINYINT, small SMALLINT UNSIGNED, medium MEDIUMINT, plain INT UNSIGNED, big BIGINT UNSIGNED,
    amount DECIMAL(20,4), ratio FLOAT, precise_ratio DOUBLE, bits BIT(13), day DATE, at_time TIME(3), moment DATETIME(6),
    stamp TIMESTAMP NULL, years YEAR, fixed CHAR(5), word VARCHAR(40), raw_fixed BINARY(16), raw VARBINARY(20),
    note TEXT, lump BLOB, choice ENUM('a','b'), some SET('x','y','z'), doc JSON, place POINT
    ${mariadb ? ', own UUID, address INET6' : ''})`,
  `INSERT INTO kinds (id) VALUES (1)`,
  `INSERT INTO kinds (id, tiny, small, medium, plain, big, amount, ratio, precise_ratio, bits, day, at_time, moment, stamp,
    years, fixed, word, raw_fixed, raw, note, lump, choice, some, doc, place ${mariadb ? ', own, address' : ''})
    VALUES (2, -128, 65535, -8388608, 4294967295, 18446744073709551615, -1234567.8901, 0.5, 1e300, b'1010101010101',
    '2024-02-29', '-838:59:58.123', '9999-12-31 23:59:59.999999', '2024-02-29 01:02:03', 2155, 'abc', 'ü“”😀',
    UNHEX('00112233445566778899AABBCCDDEEFF'), UNHEX('FE00FF'), REPEAT('n', 300), REPEAT(UNHEX('FB'), 60000), 'b', 'x,z',
    '{"a": [1, null]}', ST_GeomFromText('POINT(1 2)') ${mariadb ? `, '123e4567-e89b-12d3-a456-426655440000', '2001:db8::1'` : ''})`,
  `INSERT INTO kinds (id, day, moment, at_time, word, note) VALUES (3, '1000-01-01', '2024-01-01', '00:00:00', '', '')`,
  `CREATE TABLE numbered (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, label VARCHAR(40), n INT, UNIQUE KEY by_label (label))`,
  ...Array.from(
    { length: 20 },
    (_, i) => `INSERT INTO numbered (label, n) VALUES ('label ${i + 1}', ${(i + 1) % 4})`,
  ),
  `CREATE TABLE child (id INT PRIMARY KEY, parent BIGINT UNSIGNED, FOREIGN KEY (parent) REFERENCES numbered (id))`,
  `INSERT INTO child VALUES (1, 1)`,
  `CREATE TABLE scratch (id INT AUTO_INCREMENT PRIMARY KEY, t VARCHAR(200))`,
  `CREATE TABLE lumps (id INT PRIMARY KEY, content LONGBLOB)`,
  `CREATE VIEW seen AS SELECT id, label FROM numbered WHERE id <= 3`,
  `CREATE PROCEDURE two_results(n INT) BEGIN SELECT n; SELECT n, label FROM numbered WHERE id = n; END`,
  `CREATE PROCEDURE doubled(IN n INT, OUT twice INT, INOUT sum INT) BEGIN SET twice = 2 * n; SET sum = sum + n; SELECT 'inside'; END`,
  `CREATE PROCEDURE angry() SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'angry', MYSQL_ERRNO = 5000`,
  `CREATE PROCEDURE half_angry() BEGIN SELECT 1; SIGNAL SQLSTATE '45001' SET MESSAGE_TEXT = 'later'; END`,
  `CREATE FUNCTION one_more(n INT) RETURNS INT DETERMINISTIC RETURN n + 1`,
];

/** Also puts root's password into the cache of caching_sha2_password, so that every run takes the fast path. */
export async function fill(server: Mysql): Promise<void> {
  await ask(server.url(), ...schema(server.engine.startsWith('mariadb')));
}
