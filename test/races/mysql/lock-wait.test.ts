/**
 * A rewritten DELETE reads, and on InnoDB locks, the joined rows, which the original by ids never touches. Where somebody holds
 * one of them for longer than innodb_lock_wait_timeout, the original is sent.
 */
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, describe, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { decisions, FindingReader } from '../findings.ts';

describe.each(await availableEngines())('%s', (engine) => {
  let server: Mysql;
  let url: string;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startMysql({ engine });
    url = server.url(undefined, undefined, await server.newDatabase());
    await ask(
      url,
      'CREATE TABLE kind (id int PRIMARY KEY, hot bool NOT NULL) ENGINE=InnoDB',
      'CREATE TABLE item (id int AUTO_INCREMENT PRIMARY KEY, kind_id int NOT NULL, KEY (kind_id)) ENGINE=InnoDB',
      'INSERT INTO kind VALUES (1, true), (2, false)',
      'INSERT INTO item VALUES (1, 1), (2, 1), (3, 2)',
    );
    proxy = await startInterlock({ server: url, rules: ['django'], tables: ['item'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  async function connect(at: string): Promise<Connection> {
    const connection = await createConnection(at);
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await connection.query('SET SESSION innodb_lock_wait_timeout = 1');
    await connection.query('BEGIN');
    return connection;
  }

  test('the original takes its place, in the same transaction', async () => {
    const findings = new FindingReader(proxy);
    const [holder, app] = [await connect(url), await connect(proxy.url)];
    await app.query('INSERT INTO item VALUES (9, 2)');
    await app.query(
      'SELECT `item`.`id` FROM `item` INNER JOIN `kind` ON `item`.`kind_id` = `kind`.`id` WHERE `kind`.`hot` = 1',
    );
    await holder.query('UPDATE kind SET hot = false WHERE id = 1');
    const [result] = await app.query('DELETE FROM `item` WHERE `item`.`id` IN (1, 2)');
    expect(result).toMatchObject({ affectedRows: 2 });
    await app.query('COMMIT');
    await holder.query('ROLLBACK');
    expect(decisions(await findings.next(1))).toEqual(['fell-back plan-failed']);
    expect(await ask(url, 'SELECT id FROM item ORDER BY id')).toEqual([{ id: 3 }, { id: 9 }]);
    await Promise.all([holder.end(), app.end()]);
  });
});
