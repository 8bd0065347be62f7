/**
 * Records what SHOW CREATE TABLE answers on real servers, as the data of mysql.test.ts: `npx tsx test/unit/facts/record.ts`.
 * One JSON file an engine: table -> first row of the answer, or null for an error.
 */
import { writeFileSync } from 'node:fs';
import { createConnection } from 'mysql2/promise';
import { availableEngines, startMysql, type MysqlEngine } from '../../support/mysql.ts';

const common = [
  'CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) NOT NULL, UNIQUE KEY name (name))',
  'CREATE TABLE b (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, PRIMARY KEY (id))',
  `CREATE TABLE c (id INT NOT NULL AUTO_INCREMENT, a_id INT NOT NULL, b_id BIGINT UNSIGNED DEFAULT NULL,
     v INT DEFAULT '0' COMMENT 'it''s, a "PRIMARY KEY" (x) \\\\ ', PRIMARY KEY (id), UNIQUE KEY a_b (a_id, b_id),
     CONSTRAINT c_a FOREIGN KEY (A_ID) REFERENCES a (id) ON DELETE CASCADE,
     CONSTRAINT c_b FOREIGN KEY (b_id) REFERENCES b (id) ON DELETE SET NULL) COMMENT='PARTITION BY nothing'`,
  `CREATE TABLE kinds (id BINARY(16) NOT NULL, vb VARBINARY(20) NOT NULL, z INT(5) UNSIGNED ZEROFILL NOT NULL,
     d DECIMAL(10,3) NOT NULL, ch CHAR(5) CHARACTER SET ascii NOT NULL, t TINYINT(1) NOT NULL DEFAULT 1, y YEAR,
     f DOUBLE, e ENUM('a','b,)','c''d') NOT NULL, s SET('x','y'),
     ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, tx TEXT,
     g INT GENERATED ALWAYS AS (z + 1) VIRTUAL, g2 INT AS (z + 2) STORED, bi BIT(8), js JSON, dt DATETIME(3),
     big BIGINT, med MEDIUMINT, sm SMALLINT UNSIGNED, PRIMARY KEY (id), UNIQUE KEY z (z), UNIQUE KEY pre (tx(10)),
     UNIQUE KEY \`Q\` (ch, vb), KEY plain (med))`,
  `CREATE TABLE \`we\`\`ird na.me\` (\`Id\` INT NOT NULL AUTO_INCREMENT,
     \`co\`\`l, (x\` VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ')', PRIMARY KEY (\`Id\`),
     UNIQUE KEY \`ke\`\`y\` (\`co\`\`l, (x\`))`,
  'CREATE TABLE parts (id INT NOT NULL, PRIMARY KEY (id)) PARTITION BY HASH (id) PARTITIONS 4',
  'CREATE TABLE isam (id INT NOT NULL PRIMARY KEY) ENGINE=MyISAM',
  'CREATE TABLE nokey (id INT)',
  'CREATE TABLE composite (x INT NOT NULL, y INT NOT NULL, PRIMARY KEY (x, y), CHECK (x > 0))',
  'CREATE TABLE loose (u VARCHAR(36) NOT NULL, n INT DEFAULT NULL, PRIMARY KEY (u), UNIQUE KEY n (n))',
  'CREATE VIEW v AS SELECT id, name FROM a',
  'CREATE TABLE hidden (id INT NOT NULL PRIMARY KEY)',
  'CREATE TEMPORARY TABLE hidden (id INT NOT NULL, x INT)',
];
const mysql = [
  `CREATE TABLE ids (id BINARY(16) NOT NULL DEFAULT (uuid_to_bin(uuid())), email VARCHAR(100) NOT NULL, x INT,
     PRIMARY KEY (id), UNIQUE KEY low ((lower(email))), UNIQUE KEY em (email DESC), UNIQUE KEY inv (x) INVISIBLE)`,
  `CREATE TABLE special (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY INVISIBLE, e INT,
     CONSTRAINT chk CHECK (e > 0) NOT ENFORCED)`,
];
const mariadb = [
  'CREATE TABLE ids (id UUID NOT NULL DEFAULT uuid(), email VARCHAR(100) NOT NULL, ip INET6, PRIMARY KEY (id), UNIQUE KEY em (email))',
  'CREATE TABLE special (id INT NOT NULL PRIMARY KEY) WITH SYSTEM VERSIONING',
  'CREATE SEQUENCE numbers',
  'CREATE TABLE hashed (id INT NOT NULL AUTO_INCREMENT, tx TEXT NOT NULL, PRIMARY KEY (id), UNIQUE KEY tx (tx))',
];
const tables =
  'a b c kinds parts isam nokey composite loose v hidden ids special numbers hashed nowhere'.split(' ');

async function record(engine: MysqlEngine): Promise<void> {
  const server = await startMysql({ engine });
  try {
    const database = await server.newDatabase();
    const connection = await createConnection(server.url(undefined, undefined, database));
    for (const text of [...common, ...(engine.startsWith('mysql') ? mysql : mariadb)])
      await connection.query(text);
    const answers: Record<string, unknown> = {};
    for (const table of [...tables, 'we`ird na.me']) {
      const sql = `SHOW CREATE TABLE \`${table.replaceAll('`', '``')}\``;
      try {
        const [rows] = await connection.query({ sql, rowsAsArray: true });
        answers[table] = (rows as unknown[][])[0];
      } catch {
        answers[table] = null;
      }
    }
    writeFileSync(
      new URL(`show-create/${engine}.json`, import.meta.url),
      JSON.stringify(answers, undefined, 2),
    );
    await connection.end();
  } finally {
    await server.stop();
  }
}

for (const engine of await availableEngines()) await record(engine);
