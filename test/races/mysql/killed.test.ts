/** What ends a plan early: KILL QUERY; sql_mode ORACLE, in which bare words call functions. */
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { decisions, FindingReader } from '../findings.ts';

const read = 'SELECT item.id FROM item JOIN kind ON kind.id = item.kind_id WHERE kind.id = 1';

describe.each(await availableEngines())('%s', (engine) => {
  let server: Mysql;
  let url: string;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startMysql({ engine, isolation: 'READ COMMITTED' });
    url = server.url(undefined, undefined, await server.newDatabase());
    await ask(
      url,
      'CREATE TABLE kind (id int PRIMARY KEY) ENGINE=InnoDB',
      'CREATE TABLE item (id int AUTO_INCREMENT PRIMARY KEY, kind_id int NOT NULL) ENGINE=InnoDB',
      'INSERT INTO kind VALUES (1)',
      'INSERT INTO item VALUES (1, 1), (2, 1)',
    );
    proxy = await startInterlock({ server: url, rules: ['django'], tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  test('sql_mode ORACLE, also where the facts are known', async () => {
    const app = await createConnection(proxy.url);
    const findings = new FindingReader(proxy);
    for (const mode of engine.startsWith('mariadb') ? ['', 'ORACLE'] : ['']) {
      await app.query(`SET sql_mode = '${mode}'`);
      await app.query('START TRANSACTION');
      const [rows] = await app.query<RowDataPacket[]>(mode === '' ? read : `${read} AND ROWNUM <= 1`);
      const ids = rows.map((row) => row.id as number);
      await app.query(`DELETE FROM item WHERE id IN (${ids.join()})`);
      await app.query('ROLLBACK');
    }
    await app.end();
    const expected = engine.startsWith('mariadb') ? ['refused catalog', 'rewritten'] : ['rewritten'];
    expect(decisions(await findings.next(expected.length))).toEqual(expected);
  });

  test('KILL QUERY while the plan waits is an error of the DELETE, which does not run', async () => {
    const app = await createConnection(proxy.url);
    const other = await createConnection(url);
    await app.query('START TRANSACTION');
    const [rows] = await app.query<RowDataPacket[]>(read);
    expect(rows).toHaveLength(2);
    // A row lock makes the DELETE wait.
    await other.query('START TRANSACTION');
    await other.query('SELECT * FROM item FOR UPDATE');
    const deleted = app.query('DELETE FROM item WHERE id IN (1, 2)').then(
      () => 0,
      (error: { errno: number }) => error.errno,
    );
    const id = app.threadId;
    for (;;) {
      const [waiting] = await other.query<RowDataPacket[]>(
        `SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ${id} AND INFO LIKE '%DELETE%'`,
      );
      if (waiting.length > 0) break;
      await delay(5);
    }
    await other.query(`KILL QUERY ${id}`);
    expect(await deleted).toBe(1317);
    await app.query('ROLLBACK');
    await other.end();
    await app.end();
  });
});
