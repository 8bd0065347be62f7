/** A small shop for the drivers, the MySQL form of ../shop.ts. */
import { ask, type Mysql } from '../../support/mysql.ts';

/** A new database with the shop in it. */
export async function openShop(server: Mysql): Promise<string> {
  const database = await server.newDatabase();
  const numbers = (count: number, values: (n: number) => string): string =>
    Array.from({ length: count }, (_, i) => `(${values(i + 1)})`).join(', ');
  await ask(
    server.url(undefined, undefined, database),
    'CREATE TABLE author (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL)',
    `CREATE TABLE book (id BIGINT AUTO_INCREMENT PRIMARY KEY, author_id INT NOT NULL, title VARCHAR(80) NOT NULL,
       FOREIGN KEY (author_id) REFERENCES author (id)) CHARSET utf8mb4`,
    `CREATE TABLE setting (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL, value INT NOT NULL, UNIQUE KEY setting_name (name))`,
    `CREATE TABLE every_type (b BOOL, i SMALLINT, u BIGINT UNSIGNED, n DECIMAL(20,4), f DOUBLE, t TEXT, v VARCHAR(9), y BLOB,
       d DATE, c TIME(3), ts DATETIME(6), e ENUM('a','b'), j JSON, bits BIT(9)) CHARSET utf8mb4`,
    'CREATE TABLE loaded (id INT AUTO_INCREMENT PRIMARY KEY, n INT, t VARCHAR(200)) CHARSET utf8mb4',
    `INSERT INTO author (name) VALUES ${numbers(20, (n) => `'author ${n}'`)}`,
    `INSERT INTO book (author_id, title) VALUES ${numbers(200, (n) => `${1 + (n % 20)}, 'book ${n} “ü”'`)}`,
    `INSERT INTO setting (name, value) VALUES ${numbers(20, (n) => `'setting ${n}', 0`)}`,
    `INSERT INTO every_type VALUES (TRUE, -2, 18446744073709551615, 4.50, 0.1, 'text', 'varchar', x'00FF', '2026-01-02',
       '-01:02:03.004', '2026-01-02 03:04:05.000006', 'b', '{"a": [1, null]}', b'100000001'), (${Array(14).fill('NULL').join(', ')})`,
    'CREATE PROCEDURE two_results() BEGIN SELECT 1 AS one; SELECT id FROM author WHERE id < 4; END',
  );
  return database;
}
