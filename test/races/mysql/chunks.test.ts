/**
 * A list that comes in chunks (Django sends 100 ids at a time): the last one is rewritten only where the first ones set
 * nothing off that the predicate may read.
 */
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { decisions, FindingReader } from '../findings.ts';

const tables = [
  'DROP TABLE IF EXISTS child, item, kind',
  'CREATE TABLE kind (id int PRIMARY KEY, hot bool NOT NULL) ENGINE=InnoDB',
  'CREATE TABLE item (id int AUTO_INCREMENT PRIMARY KEY, kind_id int NOT NULL, KEY (kind_id)) ENGINE=InnoDB',
  'INSERT INTO kind VALUES (1, true), (2, false)',
  'INSERT INTO item VALUES (1, 1), (2, 1), (3, 1), (4, 2)',
];
const heat = 'CREATE TRIGGER heat AFTER DELETE ON item FOR EACH ROW UPDATE kind SET hot = true';
const child =
  'CREATE TABLE child (id int PRIMARY KEY, item_id int, FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE SET NULL) ENGINE=InnoDB';

const cases: { story: string; more: string[]; user: string; last: string; mariadb?: string }[] = [
  { story: 'nothing is set off', more: [], user: 'root', last: 'rewritten' },
  { story: 'a trigger on the table', more: [heat], user: 'root', last: 'refused chunk-effects' },
  { story: 'a foreign key that acts on DELETE', more: [child], user: 'root', last: 'refused chunk-effects' },
  // MariaDB shows triggers to everybody.
  {
    story: 'a user who may not see triggers',
    more: [],
    user: 'plain',
    last: 'refused chunk-effects',
    mariadb: 'rewritten',
  },
];

describe.each(await availableEngines())('%s', (engine) => {
  let server: Mysql;
  let url: string;
  let database: string;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startMysql({ engine });
    database = await server.newDatabase();
    url = server.url(undefined, undefined, database);
    await ask(
      url,
      `CREATE USER IF NOT EXISTS 'plain'@'%' IDENTIFIED BY 'secret'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${database}.* TO 'plain'@'%'`,
    );
    proxy = await startInterlock({ server: url, rules: ['django'], tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  /** The rows that are left, and how many each DELETE took. */
  async function play(port: number, user: string): Promise<{ left: number[]; taken: number[] }> {
    const app = await createConnection({ host: '127.0.0.1', port, user, password: 'secret', database });
    await app.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await app.query('BEGIN');
    await app.query(
      'SELECT `item`.`id` FROM `item` INNER JOIN `kind` ON (`item`.`kind_id` = `kind`.`id`) WHERE `kind`.`hot` = 1',
    );
    const taken: number[] = [];
    for (const list of ['1, 2', '3']) {
      const [result] = await app.query(`DELETE FROM \`item\` WHERE \`item\`.\`id\` IN (${list})`);
      taken.push((result as { affectedRows: number }).affectedRows);
    }
    await app.query('COMMIT');
    const [rows] = await app.query<RowDataPacket[]>('SELECT id FROM item ORDER BY id');
    await app.end();
    return { left: rows.map((row) => row.id as number), taken };
  }

  test.each(cases)('$story', async ({ more, user, last, mariadb = last }) => {
    await ask(url, ...tables, ...more);
    const reference = await play(server.port, user);
    // DDL that passes through Interlock ends what it knows of the tables; elsewhere it would know it for a minute.
    await ask(proxy.url, ...tables, ...more);
    const findings = new FindingReader(proxy);
    expect(await play(proxy.port, user)).toEqual(reference);
    expect(reference).toEqual({ left: [4], taken: [2, 1] });
    expect(decisions(await findings.next(2))).toContain(engine.startsWith('mariadb') ? mariadb : last);
  });
});
