/** The look-ups on every server of MySQL and MariaDB: what they say in every sql_mode, and what they leave alone. */
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mysqlLookUps, readMysqlFacts } from '../../src/facts/mysql.ts';
import type { Facts, FactsQuestion } from '../../src/facts/types.ts';
import { knownMysqlFunctions, mysqlConstructs } from '../../src/memory/functions-mysql.ts';
import { availableEngines, startMysql, type Mysql } from '../support/mysql.ts';

const engines = await availableEngines();

const schema = [
  'CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL UNIQUE)',
  'CREATE TABLE c (id INT AUTO_INCREMENT PRIMARY KEY, a_id INT NOT NULL, FOREIGN KEY (a_id) REFERENCES a (id))',
  'CREATE VIEW v AS SELECT id FROM a',
  'INSERT INTO a (name) VALUES ("foo")',
];

/** ER_SP_DOES_NOT_EXIST, ER_FUNC_INEXISTENT_NAME_COLLISION: the server has no function of the name. */
const noFunction = new Set([1305, 1630]);
const argumentLists = ['', '1', "'a'", '1, 1', '1, 1, 1', '1, 1, 1, 1', 'DAY, 1, 1', 'DATE, 1'];

function errorOf(connection: Connection, sql: string): Promise<number | undefined> {
  return connection.query(sql).then(
    () => undefined,
    (error: unknown) => (error as { errno: number }).errno,
  );
}

function question(target: string, changes: Partial<FactsQuestion> = {}): FactsQuestion {
  return { target: { name: target }, tables: [{ name: target }], functions: [], ...changes };
}

describe.each(engines)('%s', (engine) => {
  let server: Mysql;
  let database: string;
  let app: Connection;
  let other: Connection;

  beforeAll(async () => {
    server = await startMysql({ engine });
    database = await server.newDatabase();
    app = await createConnection(server.url(undefined, undefined, database));
    other = await createConnection(server.url(undefined, undefined, database));
    for (const sql of schema) await other.query(sql);
  });
  afterAll(async () => {
    await app.end();
    await other.end();
    await server.stop();
  });

  async function ask(asked: FactsQuestion, connection = app, named = database): Promise<Facts | undefined> {
    const answers: ((string | null)[] | undefined)[] = [];
    for (const sql of mysqlLookUps(asked)) {
      const rows = await connection.query({ sql, rowsAsArray: true }).then(
        ([all]) => (all as unknown[][]).map((row) => row.map(String)),
        () => [],
      );
      answers.push(rows[0]);
    }
    return readMysqlFacts(asked, answers, named);
  }

  test.each([
    ['the usual', 'SET SESSION sql_mode = DEFAULT'],
    ['ANSI_QUOTES', "SET SESSION sql_mode = 'ANSI_QUOTES'"],
    ['NO_BACKSLASH_ESCAPES', "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'"],
  ])('sql_mode %s: the same facts', async (_mode, sql) => {
    await app.query(sql);
    const asked = question('c', { tables: [{ name: 'c' }, { schema: database, name: 'a' }, { name: 'v' }] });
    expect(await ask(asked)).toMatchObject({
      identity: { schema: database, table: 'c' },
      uniqueColumns: ['id'],
      attributes: { 1: { name: 'id', hasDefault: true }, 2: { name: 'a_id', inForeignKey: true } },
      relations: [{ kind: 'r' }, { kind: 'r', schema: database, name: 'a' }, { kind: 'v' }],
    });
    await app.query('SET SESSION sql_mode = DEFAULT');
  });

  test.each([
    ['names without quotes', 'SET SESSION sql_quote_show_create = 0'],
    ['a text without engine and AUTO_INCREMENT', "SET SESSION sql_mode = 'ANSI'"],
  ])('%s: not believed', async (_what, sql) => {
    await app.query(sql);
    expect(await ask(question('c'))).toBeUndefined();
    await app.query('SET SESSION sql_quote_show_create = 1, sql_mode = DEFAULT');
    expect(await ask(question('c'))).toBeDefined();
  });

  test("the origin of a result's column is the table that the facts name, by whatever alias", async () => {
    const [, columns] = await app.query(`SELECT x.\`ID\` AS y FROM ${database}.c AS x`);
    const [column] = columns as unknown as { schema: string; orgTable: string; orgName: string }[];
    const facts = await ask(question('c'));
    expect(facts?.identity).toEqual({ schema: column?.schema, table: column?.orgTable });
    expect(column?.orgName.toLowerCase()).toBe('id');
  });

  test('a temporary table is seen, and only by its session', async () => {
    await app.query('CREATE TEMPORARY TABLE a (x INT)');
    expect((await ask(question('a')))?.target).toMatchObject({ kind: 't', temporary: true });
    expect((await ask(question('a'), other))?.target).toMatchObject({ kind: 'r', temporary: false });
    await app.query('DROP TEMPORARY TABLE a');
  });

  test('what the user may not see is no facts', async () => {
    const user = `u_${database}`;
    await other.query(`CREATE USER ${user} IDENTIFIED BY 'secret'`);
    await other.query(`GRANT SELECT (id), DELETE ON ${database}.c TO ${user}`);
    await other.query(`GRANT SELECT ON ${database}.v TO ${user}`);
    const connection = await createConnection(server.url(user, 'secret', database));
    expect(await ask(question('a'), connection)).toBeUndefined();
    expect(await ask(question('v'), connection)).toBeUndefined();
    expect(await ask(question('c', { tables: [{ name: 'c' }, { name: 'a' }] }), connection)).toBeUndefined();
    await connection.end();
    await other.query(`DROP USER ${user}`);
  });

  describe('what a DELETE sets off by itself', () => {
    const safe = async (table: string, connection = app): Promise<boolean | undefined> =>
      (await ask(question(table, { chunks: true }), connection))?.chunksSafe;

    beforeAll(async () => {
      await other.query('CREATE TABLE p (id INT PRIMARY KEY)');
      await other.query('CREATE TABLE plain (id INT PRIMARY KEY)');
      await other.query('CREATE TABLE k (id INT, FOREIGN KEY (id) REFERENCES p (id) ON DELETE CASCADE)');
      for (const table of ['fires', 'inserts'])
        await other.query(`CREATE TABLE ${table} (id INT PRIMARY KEY)`);
      await other.query('CREATE TRIGGER t1 AFTER DELETE ON fires FOR EACH ROW DELETE FROM plain');
      await other.query('CREATE TRIGGER t2 AFTER INSERT ON inserts FOR EACH ROW DELETE FROM plain');
    });

    test('asked for chunks only', async () => {
      expect((await ask(question('plain')))?.chunksSafe).toBe(false);
      expect(mysqlLookUps(question('plain'))).toHaveLength(1);
    });

    test.each([
      ['plain', true],
      ['a', true], // c refers to it, without an action
      ['p', false],
      ['k', true],
      ['fires', false],
      ['inserts', true],
    ])('%s: chunks are safe: %s', async (table, expected) => {
      expect(await safe(table)).toBe(expected);
      const written = { schema: database, name: table };
      const named = question(table, { target: written, tables: [written], chunks: true });
      expect((await ask(named, app, ''))?.chunksSafe).toBe(expected);
    });

    test.each([
      [
        'no TRIGGER privilege',
        'GRANT SELECT, INSERT, UPDATE, DELETE ON db.* TO user',
        engine.startsWith('mariadb'),
      ],
      ['on the schema', 'GRANT ALL ON db.* TO user', true],
      ['on a pattern of schemas', 'GRANT ALL ON pattern.* TO user', true],
      ['on the table', 'GRANT SELECT, DELETE, TRIGGER ON db.plain TO user', true],
      ['on everything', 'GRANT SELECT, DELETE, TRIGGER ON *.* TO user', true],
    ])('a user with %s', async (_what, grant, expected) => {
      const user = `\`o@u_${database}\``;
      await other.query(`CREATE USER ${user} IDENTIFIED BY 'secret'`);
      const pattern = `\`${database.replace('_', '\\_')}\``;
      await other.query(`GRANT SELECT, DELETE ON ${database}.fires TO ${user}`);
      await other.query(grant.replace('user', user).replace('db', database).replace('pattern', pattern));
      const url = new URL(server.url(`o@u_${database}`, 'secret', database));
      const connection = await createConnection(url.href);
      expect(await safe('plain', connection)).toBe(expected);
      expect(await safe('fires', connection)).toBe(false);
      await connection.end();
      await other.query(`DROP USER ${user}`);
    });
  });

  test('a look-up opens no read view, and leaves the transaction as it was', async () => {
    await app.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await app.beginTransaction();
    expect(await ask(question('c', { tables: [{ name: 'c' }, { name: 'a' }] }))).toBeDefined();
    await other.query('INSERT INTO a (name) VALUES ("later")');
    const [rows] = await app.query('SELECT name FROM a WHERE name = "later"');
    expect(rows).toHaveLength(1);
    await app.rollback();
    await other.query('DELETE FROM a WHERE name = "later"');
  });

  test('every function that may be called again is one of the server', async () => {
    for (const name of knownMysqlFunctions) {
      if (mysqlConstructs.has(name)) continue;
      const errors: (number | undefined)[] = [];
      for (const list of argumentLists) errors.push(await errorOf(app, `SELECT ${name}(${list})`));
      // ER_PARSE_ERROR says that the name has a syntax of its own.
      expect(
        errors.some((error) => error === undefined || !noFunction.has(error)),
        name,
      ).toBe(true);
    }
    expect(await errorOf(app, 'SELECT nowhere(1)')).toBe(1305);
  });
});
