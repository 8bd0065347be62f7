/**
 * Rules match on the database; a session may leave it by USE, in a text that is not followed. The plan asks the server, and a
 * rule that does not match where the session is now rewrites nothing.
 */
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { decisions, FindingReader } from '../findings.ts';

describe.each(await availableEngines(['mariadb-10.11', 'mysql-9.7']))('%s', (engine) => {
  let server: Mysql;
  let proxy: Proxy;
  let shop: string;
  let other: string;
  beforeAll(async () => {
    server = await startMysql({ engine });
    [shop, other] = [await server.newDatabase(), await server.newDatabase()];
    for (const database of [shop, other])
      await ask(
        server.url(undefined, undefined, database),
        'CREATE TABLE item (id int AUTO_INCREMENT PRIMARY KEY, kind_id int NOT NULL, KEY (kind_id)) ENGINE=InnoDB',
        'CREATE TABLE kind (id int PRIMARY KEY) ENGINE=InnoDB',
        'INSERT INTO kind VALUES (1)',
      );
    proxy = await startInterlock({
      server: server.url(),
      config: `
listeners:
  - { name: main, listen: 127.0.0.1:0, server: '${server.url()}' }
rules:
  packs: []
  custom:
    - id: shop-only
      pattern: split-delete
      mode: rewrite
      match: { databases: ['${shop}'], tables: ['item'] }
`,
    });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  test('a rule for one database does not follow the session into another, and is back when the session is', async () => {
    const app = await createConnection({
      host: '127.0.0.1',
      port: proxy.port,
      user: 'root',
      password: 'secret',
      database: shop,
    });
    const splitDelete = async (): Promise<void> => {
      await app.query('INSERT INTO item VALUES (1, 1)');
      await app.query('BEGIN');
      const [rows] = await app.query<RowDataPacket[]>(
        'SELECT `item`.`id` FROM `item` INNER JOIN `kind` ON `item`.`kind_id` = `kind`.`id`',
      );
      expect(rows).toEqual([{ id: 1 }]);
      await app.query('DELETE FROM `item` WHERE `item`.`id` IN (1)');
      await app.query('COMMIT');
    };
    await app.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    const seen: string[] = [];
    for (const database of [shop, other]) {
      await app.query(`USE ${database}`);
      const findings = new FindingReader(proxy);
      await splitDelete();
      seen.push(...decisions(await findings.next(1)));
    }
    await app.end();
    expect(seen).toEqual(['rewritten', 'refused database-changed']);
  });
});
