/**
 * A DELETE of InnoDB has no snapshot: it sees what it has deleted itself, and what foreign-key actions have written
 * meanwhile. Where the predicate could read that, the list is sent as it is. No second session takes part.
 */
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { decisions, FindingReader } from '../findings.ts';

const account = (action: string): string =>
  `CREATE TABLE account (id int AUTO_INCREMENT PRIMARY KEY, person_id int NOT NULL, referrer_id int,
     FOREIGN KEY (person_id) REFERENCES person (id) ${action}, FOREIGN KEY (referrer_id) REFERENCES person (id)) ENGINE=InnoDB`;
const people = (action: string): string[] => [
  'DROP TABLE IF EXISTS account, person',
  'CREATE TABLE person (id int AUTO_INCREMENT PRIMARY KEY, parent_id int, KEY (parent_id)) ENGINE=InnoDB',
  // Each is the parent of the one before: only 1 has no children.
  'INSERT INTO person VALUES (1, 2), (2, 3), (3, 4), (4, NULL)',
  account(action),
];
/** Each was referred by the next: only 1 has referred nobody. */
const referred = 'INSERT INTO account (person_id, referrer_id) VALUES (1, 2), (2, 3), (3, 4)';

const nobody =
  'SELECT p.id FROM person p LEFT JOIN account a ON a.referrer_id = p.id WHERE a.id IS NULL ORDER BY p.id';
const grouped =
  'SELECT p.id FROM person p LEFT JOIN account a ON a.referrer_id = p.id GROUP BY p.id HAVING COUNT(a.id) = 0';
const leaves =
  'SELECT p.id FROM person p LEFT JOIN person c ON c.parent_id = p.id GROUP BY p.id HAVING COUNT(c.id) = 0';

const cases = [
  {
    story: 'a cascade feeds an anti-join',
    rows: [...people('ON DELETE CASCADE'), referred],
    read: nobody,
    last: 'refused chunk-effects',
  },
  {
    story: 'a cascade feeds a group',
    rows: [...people('ON DELETE CASCADE'), referred],
    read: grouped,
    last: 'refused chunk-effects',
  },
  {
    story: 'no action, no cascade',
    rows: people('ON DELETE NO ACTION'),
    read: `${nobody} DESC`,
    last: 'rewritten',
  },
  { story: 'a tree without its leaves', rows: people(''), read: leaves, last: 'rewritten' },
];

describe.each(await availableEngines())('%s', (engine) => {
  let server: Mysql;
  let url: string;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startMysql({ engine, isolation: 'READ COMMITTED' });
    url = server.url(undefined, undefined, await server.newDatabase());
    proxy = await startInterlock({ server: url, rules: ['django'], tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  async function play(at: string, read: string): Promise<{ read: number[]; taken: number }> {
    const app = await createConnection(at);
    await app.query('BEGIN');
    const [rows] = await app.query<RowDataPacket[]>(read);
    const ids = rows.map((row) => row.id as number);
    const [result] = await app.query(`DELETE FROM person WHERE id IN (${ids.join()})`);
    await app.query('ROLLBACK');
    await app.end();
    return { read: ids, taken: (result as { affectedRows: number }).affectedRows };
  }

  test.each(cases)('$story', async ({ rows, read, last }) => {
    // DDL that passes through Interlock ends what it knows of the tables.
    await ask(proxy.url, ...rows);
    const findings = new FindingReader(proxy);
    const through = await play(proxy.url, read);
    expect(through).toEqual(await play(url, read));
    expect(through.taken).toBe(through.read.length);
    expect(decisions(await findings.next(1))).toEqual([last]);
  });
});
