/**
 * Evidence on MySQL and MariaDB, looked for in front of the DELETE only: what is committed by then is shown, and the app can
 * ask the server nothing that would tell it of the look.
 */
import { createConnection, type Connection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { asked, counted, evidenceConfig, lostIn, quiet, shownBy, sum, UpdateReader } from '../evidence.ts';
import { FindingReader, repeated } from '../findings.ts';
import { sentLike } from '../runner.ts';
import { createTables, runSplitDelete, runUpdateOrCreate, type Bench } from './runner.ts';
import { splitDeletes, updateOrCreates } from './schedules.ts';
import { protocols } from '../../../src/verify/mysql/session.ts';

const long = process.env.INTERLOCK_TEST_LONG === '1';

describe.each(await availableEngines())('%s', (engine) => {
  let server: Mysql;
  let direct: string;
  let proxy: Proxy;
  let hasty: Proxy;
  beforeAll(async () => {
    server = await startMysql({ engine });
    direct = server.url(undefined, undefined, await server.newDatabase());
    await createTables(direct);
    proxy = await startInterlock({ server: direct, config: evidenceConfig(direct) });
    hasty = await startInterlock({
      server: direct,
      config: evidenceConfig(direct, 'limits: {evidence_timeout: 20ms}\nbreaker: {failures: 2}'),
    });
  });
  afterAll(async () => {
    await Promise.all([proxy?.stop(), hasty?.stop()]);
    await server?.stop();
  });

  // The two MariaDBs differ too little for both to be worth both.
  const one = { 'mariadb-10.11': 'text', 'mariadb-11.8': 'prepared', 'mysql-9.7': undefined }[engine];
  const spoken = protocols.filter((protocol) => long || one === undefined || protocol === one);
  describe.each(spoken)('%s protocol', (protocol) => {
    const bench = (isolation: Bench['isolation']): Bench => ({ direct, app: proxy.url, protocol, isolation });

    test.each(splitDeletes)('$id: $story', async (schedule) => {
      const findings = new FindingReader(proxy);
      const before = await counted(proxy);
      const { verdict, rows, waited, sent } = await runSplitDelete(bench('READ COMMITTED'), schedule);
      expect({ verdict, rows, waited }).toEqual({
        ...schedule.direct['READ COMMITTED'],
        waited: schedule.waits,
      });
      const deletes = sentLike(sent, /^DELETE/);
      const lines = await findings.next(deletes);
      expect(asked(lines)).toEqual(repeated('observed asked', deletes));
      const expected = shownBy(schedule.id, 'in front');
      expect(sum(lines)).toEqual(expected);
      const after = await counted(proxy);
      expect(after.missed - before.missed).toBe(expected.missed);
      expect(after.wronglyDeleted - before.wronglyDeleted).toBe(expected.wronglyDeleted);
    });

    test.each(quiet)('one after the other: nothing is shown', async (schedule) => {
      const findings = new FindingReader(proxy);
      await runSplitDelete(bench('READ COMMITTED'), schedule);
      const lines = await findings.next(2);
      expect(asked(lines)).toEqual(repeated('observed asked', 2));
      expect(sum(lines)).toEqual({ missed: 0, wronglyDeleted: 0 });
    });

    test('REPEATABLE READ: a snapshot shows nothing, so nothing is asked', async () => {
      const schedule = splitDeletes.find(({ id }) => id === 'vi5');
      if (schedule === undefined) throw new Error('no such schedule');
      const findings = new FindingReader(proxy);
      await runSplitDelete(bench('REPEATABLE READ'), schedule);
      const [line] = asked(await findings.next(1));
      // With innodb_snapshot_isolation the pattern is refused as a whole.
      expect(line).toBe(engine === 'mariadb-11.8' ? 'refused isolation' : 'observed snapshot');
    });
  });

  test.each(updateOrCreates)('update_or_create $id: $story', async (schedule) => {
    for (const protocol of spoken) {
      const updates = new UpdateReader(proxy);
      // The look is behind the read: nobody goes on before it has been answered.
      const findings = new FindingReader(proxy);
      const afterReading = (): Promise<unknown> => findings.next(1);
      const bench: Bench = {
        direct,
        app: proxy.url,
        protocol,
        isolation: 'READ COMMITTED',
        afterRead: afterReading,
      };
      const { verdict, rows, sent } = await runUpdateOrCreate(bench, schedule);
      const { waits: _, ...expected } = schedule.direct['READ COMMITTED'];
      expect({ verdict, rows }).toEqual(expected);
      const written = sentLike(sent, /^UPDATE `shop_page`/);
      expect(await updates.next(written)).toBe(lostIn(schedule.id));
    }
  });

  const read =
    'SELECT `c`.`id` FROM `shop_cart` `c` INNER JOIN `shop_product` `p` ON `c`.`product_id` = `p`.`id` WHERE `p`.`active`';
  const ids = (count: number): string => Array.from({ length: count }, (_, n) => n + 1).join(', ');

  /** A list of so many ids is read and deleted, and then the app asks. */
  async function play(
    url: string,
    found: number,
    question: string,
    { and = '', between = () => Promise.resolve<unknown>(undefined) } = {},
  ): Promise<unknown> {
    const rows = Array.from({ length: found }, (_, n) => `(${n + 1}, ${n + 1}, 1)`);
    await ask(
      direct,
      'SET foreign_key_checks = 0',
      'TRUNCATE shop_cart',
      `INSERT INTO shop_cart (id, customer_id, product_id) VALUES ${rows.join(', ')}`,
    );
    const app: Connection = await createConnection(url);
    try {
      await app.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await app.query('BEGIN');
      await app.query(read + and);
      await between();
      const deleted = await app
        .query(`DELETE FROM shop_cart WHERE id IN (${ids(found)})`)
        .then(([result]) => (result as ResultSetHeader).affectedRows)
        .catch(({ errno, sqlMessage }: { errno: number; sqlMessage: string }) => [errno, sqlMessage]);
      const [told] = await app.query<RowDataPacket[]>(question);
      await app.query('COMMIT');
      const [left] = await app.query<RowDataPacket[]>('SELECT COUNT(*) FROM shop_cart');
      return { deleted, told, left };
    } finally {
      await app.end();
    }
  }

  /** Everything a session can ask of its last statements. */
  const questions = [
    'SELECT ROW_COUNT() AS a, FOUND_ROWS() AS b, LAST_INSERT_ID() AS c, @@warning_count AS d',
    'SHOW WARNINGS',
  ];
  const cases = questions.flatMap((question) =>
    (long ? [1, 3, 10, 11, 1234] : [1, 11, 1234]).map((found) => ({ question, found })),
  );
  test.each(cases)('$question after a list of $found', async ({ question, found }) => {
    const findings = new FindingReader(proxy);
    const reference = await play(direct, found, question);
    expect(await play(proxy.url, found, question)).toEqual(reference);
    expect(reference).toMatchObject({ deleted: found });
    expect(asked(await findings.next(1))).toEqual(['observed asked']);
  });

  /** Duplicate, read of the row, a question; then the row is written, and a question again. */
  async function readAndWrite(url: string, read: string, question: string): Promise<unknown[]> {
    await ask(
      direct,
      'DELETE FROM shop_page',
      "INSERT INTO shop_page (id, path, hits) VALUES (7, '/home', 10)",
    );
    const app: Connection = await createConnection(url);
    try {
      await app.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await app.query('BEGIN');
      await app.query('SAVEPOINT s');
      await app.query("INSERT INTO shop_page (path, hits) VALUES ('/home', 1)").catch(() => undefined);
      await app.query('ROLLBACK TO SAVEPOINT s');
      const told: unknown[] = [];
      told.push((await app.query<RowDataPacket[]>(read))[0]);
      told.push((await app.query<RowDataPacket[]>(question))[0]);
      await app.query(read);
      told.push(
        ((await app.query('UPDATE shop_page SET hits = 12 WHERE id = 7'))[0] as ResultSetHeader).affectedRows,
      );
      told.push((await app.query<RowDataPacket[]>(question))[0]);
      await app.query('COMMIT');
      return told;
    } finally {
      await app.end();
    }
  }

  const plain = "SELECT id, path, hits FROM shop_page WHERE path = '/home'";
  const reads = [
    { read: plain, decision: 'observed', evidence: undefined },
    { read: plain.replace('SELECT', 'SELECT SQL_CALC_FOUND_ROWS'), decision: 'refused', evidence: undefined },
    {
      read: plain.replace('hits', "hits, CAST('7x' AS SIGNED) AS n"),
      decision: 'observed',
      evidence: { reason: 'look-visible' },
    },
  ];
  test.each(reads.flatMap((one) => questions.map((question) => ({ ...one, question }))))(
    '$question behind $read',
    async ({ read: sql, question, decision, evidence }) => {
      const findings = new FindingReader(proxy);
      const reference = await readAndWrite(direct, sql, question);
      expect(await readAndWrite(proxy.url, sql, question)).toEqual(reference);
      const [line] = await findings.next(1);
      expect(line).toMatchObject({ rule: 'watch-reads', decision });
      expect(line?.evidence).toEqual(evidence);
    },
  );

  test('a look out of time, and then at rest: the transaction goes on', async () => {
    await ask(
      direct,
      'DROP TABLE IF EXISTS big',
      'CREATE TABLE big (n int PRIMARY KEY) ENGINE=InnoDB',
      `INSERT INTO big VALUES ${Array.from({ length: 1200 }, (_, n) => `(${n})`).join(', ')}`,
    );
    const and = ' AND NOT EXISTS (SELECT 1 FROM big a INNER JOIN big b ON a.n + b.n = 9999)';
    const findings = new FindingReader(hasty);
    const [question = ''] = questions;
    const reference = await play(direct, 3, question, { and });
    for (let round = 0; round < 3; round += 1)
      expect(await play(hasty.url, 3, question, { and })).toEqual(reference);
    expect(asked(await findings.next(3))).toEqual([
      'observed look-failed',
      'observed look-failed',
      'observed breaker',
    ]);
  });

  test('the right to read a joined table was taken away', async () => {
    const database = new URL(direct).pathname.slice(1);
    await ask(
      direct,
      "DROP USER IF EXISTS 'app'@'%'",
      "CREATE USER 'app'@'%' IDENTIFIED BY 'secret'",
      ...['shop_cart', 'shop_product'].map((table) => `GRANT ALL ON ${database}.${table} TO 'app'@'%'`),
    );
    const as = (url: string): string => {
      const target = new URL(url);
      target.username = 'app';
      target.password = 'secret';
      return target.href;
    };
    const between = (): Promise<unknown> =>
      ask(direct, `REVOKE SELECT ON ${database}.shop_product FROM 'app'@'%'`);
    const findings = new FindingReader(proxy);
    const [question = ''] = questions;
    expect(await play(as(proxy.url), 3, question, { between })).toMatchObject({ deleted: 3 });
    expect(asked(await findings.next(1))).toEqual(['observed look-failed']);
  });

  test('the DELETE itself fails: its own error', async () => {
    await ask(
      direct,
      'DROP TABLE IF EXISTS shop_line',
      'CREATE TABLE shop_line (cart_id int, FOREIGN KEY (cart_id) REFERENCES shop_cart (id)) ENGINE=InnoDB',
    );
    const between = (): Promise<unknown> => ask(direct, 'INSERT INTO shop_line VALUES (1)');
    const [question = ''] = questions;
    const findings = new FindingReader(proxy);
    const once = async (url: string): Promise<unknown> => {
      const answer = await play(url, 1, question, { between });
      await ask(direct, 'DELETE FROM shop_line');
      return answer;
    };
    const reference = await once(direct);
    expect(reference).toMatchObject({ deleted: [1451, expect.any(String)] });
    expect(await once(proxy.url)).toEqual(reference);
    expect(await findings.next(1)).toMatchObject([{ decision: 'observed', code: '23000' }]);
    await ask(direct, 'DROP TABLE shop_line');
  });
});
