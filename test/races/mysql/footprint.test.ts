/**
 * The SQL of ticket 23576 (comment 2) and the HAVING form of #31965 through Interlock: what is deleted, and that no more
 * rows are locked than by the single statement that the ticket asks for.
 */
import { createConnection, type Connection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { decisions, FindingReader } from '../findings.ts';

const rows = 6_000;

const tables = [
  'CREATE TABLE myapp_a (id int AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL, KEY (name)) ENGINE=InnoDB',
  'CREATE TABLE myapp_b (id int AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL, KEY (name)) ENGINE=InnoDB',
  `CREATE TABLE myapp_c (id int AUTO_INCREMENT PRIMARY KEY, a_id int NOT NULL, b_id int NOT NULL, v int NOT NULL,
    KEY (a_id), KEY (b_id)) ENGINE=InnoDB`,
  'CREATE TABLE myapp_note (id int AUTO_INCREMENT PRIMARY KEY, c_id int NOT NULL, KEY (c_id)) ENGINE=InnoDB',
  `INSERT INTO myapp_a (name) VALUES ('foo'), ('other')`,
  `INSERT INTO myapp_b (name) VALUES ('bar'), ('other')`,
];

/** Rows 1 and 2 belong to foo and bar; note that rows 1 and 3 have two notes. */
const content = [
  'TRUNCATE myapp_c',
  'TRUNCATE myapp_note',
  `INSERT INTO myapp_c (a_id, b_id, v) VALUES ${Array.from({ length: rows }, (_, n) => (n < 2 ? '(1, 1, 0)' : '(2, 2, 0)')).join(', ')}`,
  'INSERT INTO myapp_note (c_id) VALUES (1), (1), (2), (3), (3)',
];

const join =
  'FROM `myapp_c` INNER JOIN `myapp_a` ON ( `myapp_c`.`a_id` = `myapp_a`.`id` ) INNER JOIN `myapp_b` ' +
  "ON ( `myapp_c`.`b_id` = `myapp_b`.`id` ) WHERE (`myapp_a`.`name` = 'foo' AND `myapp_b`.`name` = 'bar')";
const having =
  'FROM `myapp_c` INNER JOIN `myapp_note` ON (`myapp_c`.`id` = `myapp_note`.`c_id`) GROUP BY `myapp_c`.`id` ' +
  'HAVING COUNT(`myapp_note`.`id`) > 1 ORDER BY NULL';

const forms = [
  {
    name: 'the join of the ticket',
    select: `SELECT \`myapp_c\`.\`id\` ${join}`,
    ids: [1, 2],
    single: `DELETE \`myapp_c\` ${join}`,
  },
  {
    name: 'HAVING (#31965)',
    select: `SELECT \`myapp_c\`.\`id\` ${having}`,
    ids: [1, 3],
    single: `DELETE \`myapp_c\` FROM \`myapp_c\` JOIN (SELECT \`myapp_c\`.\`id\` ${having.replace(' ORDER BY NULL', '')}) AS x ON x.id = \`myapp_c\`.\`id\``,
  },
];

describe.each(await availableEngines())('%s', (engine) => {
  let server: Mysql;
  let url: string;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startMysql({ engine });
    url = server.url(undefined, undefined, await server.newDatabase());
    await ask(url, ...tables);
    proxy = await startInterlock({ server: url, rules: ['django'], tables: ['myapp_*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  /** Row locks that the connection's transaction holds, asked by another one; on MariaDB of the monitor, whose answer is live. */
  async function locked(id: number): Promise<number> {
    if (engine.startsWith('mysql')) {
      const question = `SELECT COUNT(*) AS n FROM performance_schema.data_locks l JOIN performance_schema.threads t USING (THREAD_ID)
        WHERE t.PROCESSLIST_ID = ${id} AND l.LOCK_TYPE = 'RECORD'`;
      return Number((await ask<{ n: number }>(url, question))[0]?.n);
    }
    const [monitor] = await ask<{ Status: string }>(url, 'SHOW ENGINE INNODB STATUS');
    const mine = monitor?.Status.split(/^---TRANSACTION /m).find((one) =>
      one.includes(`MariaDB thread id ${id},`),
    );
    return Number(/(\d+) row lock\(s\)/.exec(mine ?? '')?.[1]);
  }

  async function inTransaction<T>(at: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await createConnection(at);
    try {
      await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await connection.query('BEGIN');
      const result = await work(connection);
      await connection.query('ROLLBACK');
      return result;
    } finally {
      await connection.end();
    }
  }

  test.each(forms)(
    '$name deletes the same rows and locks no more than the single statement',
    async (form) => {
      await ask(url, ...content);
      const reference = await inTransaction(url, async (connection) => {
        const [{ affectedRows }] = await connection.query<ResultSetHeader>(form.single);
        return { affectedRows, locks: await locked(connection.threadId) };
      });
      const findings = new FindingReader(proxy);
      const rewritten = await inTransaction(proxy.url, async (connection) => {
        const [found] = await connection.query<RowDataPacket[]>(form.select);
        expect(found.map((row) => row.id as number).toSorted((a, b) => a - b)).toEqual(form.ids);
        const [{ affectedRows }] = await connection.query<ResultSetHeader>(
          `DELETE FROM \`myapp_c\` WHERE \`myapp_c\`.\`id\` IN (${form.ids.join(', ')})`,
        );
        const locks = await locked(connection.threadId);
        const [left] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM myapp_c');
        expect(left[0]?.n).toBe(rows - form.ids.length);
        return { affectedRows, locks };
      });
      expect(decisions(await findings.next(1))).toEqual(['rewritten']);
      expect(rewritten.affectedRows).toBe(reference.affectedRows);
      expect(rewritten.locks).toBeLessThanOrEqual(reference.locks);
      expect(rewritten.locks).toBeLessThan(50);
    },
  );
});
