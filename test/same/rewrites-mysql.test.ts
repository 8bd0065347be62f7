/**
 * The texts that are built for MySQL and MariaDB, on real servers: a DELETE removes exactly the rows that its SELECT
 * returned, from the named database or another one, as text and prepared; a locking read returns what the read returned.
 */
import { createConnection, type Connection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classify } from '../../src/sql/classify.ts';
import {
  derivedDelete,
  keyProbe,
  lockByKey,
  lockingReadMysql,
  multiTableDelete,
} from '../../src/sql/rewrites-mysql.ts';
import type { LexerSettings, SelectShape } from '../../src/sql/shape.ts';
import { loadMysqlWitness } from '../../src/sql/witness/mysql.ts';
import { availableEngines, startMysql, type Mysql } from '../support/mysql.ts';

interface Case {
  sql: string;
  values?: unknown[];
  /** Index in FROM of the table that is meant. */
  target?: number;
  derived?: boolean;
}

/** `c` stands for a table with keys 1 to 6, `a` for its parent. */
const splits: Case[] = [
  {
    sql: 'SELECT c.id FROM c INNER JOIN a ON (c.a_id = a.id) WHERE (a.name = ? AND c.n > ?)',
    values: ['foo', 1],
  },
  {
    sql: "SELECT `x`.`id` AS `x_id` FROM `c` `x` LEFT JOIN `a` `y` ON `y`.`id` = `x`.`a_id` WHERE `y`.`name` = 'foo'",
  },
  {
    sql: 'SELECT x.id FROM a AS y, c AS x WHERE x.a_id = y.id AND y.name = ? ORDER BY x.n',
    values: ['foo'],
    target: 1,
  },
  { sql: 'SELECT c.id FROM a STRAIGHT_JOIN c ON c.a_id = a.id WHERE a.n = 1', target: 1 },
  { sql: 'SELECT c.id FROM (c JOIN a ON c.a_id = a.id) WHERE a.n = 1' },
  { sql: 'SELECT x.id FROM c AS x JOIN c AS y ON y.id = x.n WHERE y.a_id = 1' },
  { sql: 'SELECT y.id FROM c AS x JOIN c AS y ON y.id = x.n WHERE x.a_id = 1', target: 1 },
  { sql: 'SELECT id FROM c USE INDEX (PRIMARY) WHERE n IN (?, ?)', values: [1, 3] },
  { sql: 'SELECT c.id FROM c WHERE EXISTS (SELECT 1 FROM a WHERE a.id = c.a_id AND a.n = 1 LIMIT 1)' },
  { sql: 'SELECT SQL_NO_CACHE id FROM c WHERE n = 3 # end' },
  { sql: 'SELECT DISTINCT c.id FROM c JOIN a ON a.id >= c.a_id WHERE a.n = ?', values: [1], derived: true },
  {
    sql: 'SELECT c.id AS `The Id` FROM a JOIN c ON c.a_id = a.id GROUP BY c.id HAVING COUNT(a.id) > 0 AND MAX(a.n) = 1 ORDER BY NULL',
    target: 1,
    derived: true,
  },
  { sql: 'SELECT c.id FROM c HAVING c.id > ?', values: [4], derived: true },
];

const reads: Case[] = [
  { sql: 'SELECT * FROM c WHERE u = ? LIMIT 21', values: ['u3'] },
  {
    sql: 'SELECT c.n, c.u FROM c WHERE (c.u = ? OR c.u = ?) AND 1=1 ORDER BY c.n LIMIT ?',
    values: ['u3', 'x', 1],
  },
  { sql: "SELECT `x`.`u` AS `x_u` FROM c `x` WHERE `x`.`u` = 'u3' -- end" },
];

describe.each(await availableEngines())('%s', (engine) => {
  const dialect = engine.startsWith('mysql') ? 'mysql' : 'mariadb';
  const settings: LexerSettings = {
    dialect,
    standardConformingStrings: true,
    ansiQuotes: false,
    noBackslashEscapes: false,
  };
  const witness = loadMysqlWitness(dialect);
  let server: Mysql;
  let connection: Connection;
  let database: string;
  let elsewhere: string;

  beforeAll(async () => {
    server = await startMysql({ engine });
    database = await server.newDatabase();
    elsewhere = await server.newDatabase();
    connection = await createConnection(server.url(undefined, undefined, database));
    await connection.query('CREATE TABLE a (id INT PRIMARY KEY, name VARCHAR(20), n INT)');
    await connection.query('CREATE TABLE c (id INT PRIMARY KEY, a_id INT, n INT, u VARCHAR(20) UNIQUE)');
    await connection.query("INSERT INTO a VALUES (1, 'foo', 1), (2, 'bar', 2)");
    await connection.query(
      "INSERT INTO c VALUES (1, 1, 1, 'u1'), (2, 1, 2, 'u2'), (3, 2, 3, 'u3'), (4, 1, 3, 'u4'), (5, 2, 1, 'u5'), (6, NULL, 6, 'u6')",
    );
  });
  afterAll(async () => {
    await connection?.end();
    await server?.stop();
  });

  const select = (sql: string): { text: Buffer; shape: SelectShape } => {
    const text = Buffer.from(sql);
    const { shape } = classify(text, settings);
    if (shape.kind !== 'select') throw new Error(`no SELECT: ${sql}`);
    return { text, shape };
  };
  const rows = async (sql: string, values: unknown[], prepared: boolean): Promise<RowDataPacket[]> => {
    const [found] = prepared
      ? await connection.execute<RowDataPacket[]>(sql, values as string[])
      : await connection.query<RowDataPacket[]>(sql, values);
    return found;
  };

  const built = (one: Case): string => {
    const { text, shape } = select(one.sql);
    const target = shape.tables[one.target ?? 0];
    if (target === undefined) throw new Error(`no target: ${one.sql}`);
    const deleteText = Buffer.from(
      `DELETE FROM ${text.toString('latin1', target.nameSpan.start, target.nameSpan.end)} WHERE id IN (1, 2)`,
    );
    const deletion = classify(deleteText, settings).shape;
    if (deletion.kind !== 'delete') throw new Error('no DELETE');
    const options = { settings, marker: 'split-delete' };
    const out =
      one.derived === true
        ? derivedDelete(deleteText, deletion, text, shape, target, 'id', options)
        : multiTableDelete(deleteText, deletion, text, shape, target, options);
    expect(out, one.sql).toBeDefined();
    return out?.text.toString() ?? '';
  };

  const deletes = async (one: Case, prepared: boolean): Promise<void> => {
    const values = one.values ?? [];
    const expected = (await rows(one.sql, values, prepared)).map((row) => Number(Object.values(row)[0]));
    expect(expected.length, one.sql).toBeGreaterThan(0);
    const all = (await rows(`SELECT id FROM ${database}.c ORDER BY id`, [], false)).map((row) =>
      Number(row['id']),
    );
    await connection.query('START TRANSACTION');
    const text = built(one);
    const [result] = prepared
      ? await connection.execute<ResultSetHeader>(text, values as string[])
      : await connection.query<ResultSetHeader>(text, values);
    const left = (await rows(`SELECT id FROM ${database}.c ORDER BY id`, [], false)).map((row) =>
      Number(row['id']),
    );
    await connection.query('ROLLBACK');
    expect(left, text).toEqual(all.filter((id) => !expected.includes(id)));
    expect(result.affectedRows).toBe(new Set(expected).size);
  };

  it.each(splits)('$sql', async (one) => {
    await deletes(one, false);
    await deletes(one, true);
  });

  it.each(splits)('from another database: $sql', async (one) => {
    const named = one.sql.replace(
      /(FROM|JOIN|,|\() ?(`?)(a|c)\2(?= |\b(?!\.))/g,
      (_, word, quote, table) => `${word} ${quote}${database}${quote}.${quote}${table}${quote}`,
    );
    await connection.query(`USE ${elsewhere}`);
    try {
      await deletes({ ...one, sql: named }, false);
    } finally {
      await connection.query(`USE ${database}`);
    }
  });

  it.each(reads)('$sql', async ({ sql, values = [] }) => {
    const { text, shape } = select(sql);
    const target = shape.tables[0];
    if (target === undefined) throw new Error('no table');
    const locked = lockingReadMysql(text, shape, { settings });
    const probe = keyProbe(text, shape, target, 'id', { settings });
    const byKey = lockByKey(text, shape, target, 'id', '3', { settings });
    const other = lockByKey(text, shape, target, 'id', '4', { settings });
    expect(witness.agrees(text, shape, settings)).toBe(true);
    for (const prepared of [false, true]) {
      const plain = await rows(sql, values, prepared);
      expect(plain).toHaveLength(1);
      expect(await rows(locked.toString(), values, prepared)).toEqual(plain);
      expect(await rows(probe?.text.toString() ?? '', values, prepared)).toEqual([{ id: 3 }]);
      expect(await rows(byKey?.text.toString() ?? '', values, prepared)).toEqual(plain);
      expect(await rows(other?.text.toString() ?? '', values, prepared)).toEqual([]);
    }
  });
});
