/**
 * How connections to real MariaDB and MySQL servers end: killed at every moment that matters and started again, clients that
 * go away, drains. Each client is told in its own protocol what happened, nothing is left behind, and the next connection works.
 */
import { readFileSync } from 'node:fs';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { afterEach, describe, expect, test } from 'vitest';
import { have } from '../clients/debian.ts';
import { runTool } from '../clients/tool.ts';
import { FindingReader } from '../races/findings.ts';
import { ask, availableEngines, startMysql, type Mysql } from '../support/mysql.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { nothingLeft, openFiles } from './left.ts';

interface Told {
  code?: string | number;
  errno?: number;
  sqlState?: string;
  message?: string;
}
interface Session {
  client: Connection;
  id: number;
  ended: Promise<Told | undefined>;
}

const running: { stop(): Promise<void> }[] = [];
const clients: Connection[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const one of running.splice(0).toReversed()) await one.stop();
});

async function open(url: string): Promise<Session> {
  const client = await createConnection(url);
  clients.push(client);
  const ended = new Promise<Told | undefined>((resolve) => {
    client.on('error', (error: Told) => resolve(error));
    client.on('end', () => resolve(undefined));
  });
  const [rows] = await client.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
  return { client, id: Number(rows[0]?.['id']), ended };
}

const outcome = (query: Promise<unknown>): Promise<Told | 'done'> =>
  query.then(
    () => 'done' as const,
    (error: Told) => error,
  );

const long = process.env['INTERLOCK_TEST_LONG'] === '1';

const filter = 'SELECT item.id FROM item JOIN kind ON kind.id = item.kind_id WHERE kind.id = 1';
const byList = 'DELETE FROM item WHERE id IN (1, 2)';
const tables = [
  'CREATE TABLE kind (id int PRIMARY KEY) ENGINE=InnoDB',
  'CREATE TABLE item (id int AUTO_INCREMENT PRIMARY KEY, kind_id int NOT NULL) ENGINE=InnoDB',
  'INSERT INTO kind VALUES (1)',
  'INSERT INTO item VALUES (1, 1), (2, 1)',
];

const lost = {
  code: 1158,
  message: expect.stringMatching(
    /^Interlock lost the connection to the server at 127\.0\.0\.1:\d+: .*whether a COMMIT without an answer took effect is not known/,
  ) as string,
};
const shutdown = { code: 1053, message: 'Interlock is shutting down. Connect again.' };

describe.each(await availableEngines(['mariadb-11.8', 'mysql-9.7'], { ownSettings: true }))(
  '%s',
  (engine) => {
    async function start(): Promise<{
      server: Mysql;
      direct: string;
      proxy: Proxy;
      url: string;
      files: number;
    }> {
      const server = await startMysql({ engine, isolation: 'READ COMMITTED' });
      running.push(server);
      const direct = server.url(undefined, undefined, await server.newDatabase());
      await ask(direct, ...tables);
      const proxy = await startInterlock({ server: direct, rules: ['django'], tables: ['*'] });
      running.push(proxy);
      await ask(proxy.url, 'SELECT 1');
      return { server, direct, proxy, url: proxy.url, files: openFiles(proxy) };
    }
    async function kill(url: string): Promise<void> {
      const [row] = await ask<{ file: string }>(url, 'SELECT @@pid_file AS file');
      process.kill(Number(readFileSync(row!.file, 'utf8')), 'SIGKILL');
    }

    test('killed and started again: each is told what it has lost, and the next connection works', async (context) => {
      const { server, direct, proxy, url, files } = await start();
      const findings = new FindingReader(proxy);
      const [idle, inside, asking, reading, holder, next] = [
        await open(url),
        await open(url),
        await open(url),
        await open(url),
        await open(url),
        await open(url),
      ];
      for (const { client } of [inside, holder, next]) await client.query('START TRANSACTION');
      await inside.client.query('INSERT INTO kind VALUES (2)');
      const slept = outcome(asking.client.query('SELECT SLEEP(60)'));
      for (const { client } of [reading, holder, next]) await client.query(filter);
      await holder.client.query(byList);
      const deleted = outcome(next.client.query(byList));
      await expect.poll(async () => (await proxy.metrics())['interlock_guard_waiting']).toBe(1);
      const cli = have('mariadb') ? mariadb(url, 'SELECT SLEEP(60) AS cli') : undefined;
      const ofCli = "SELECT 1 FROM information_schema.processlist WHERE info = 'SELECT SLEEP(60) AS cli'";
      if (cli !== undefined) await expect.poll(() => ask(direct, ofCli)).toHaveLength(1);

      await kill(direct);
      expect(await inside.ended).toMatchObject(lost);
      const answered = { errno: 1158, sqlState: '08S01', message: lost.message };
      expect(await slept).toMatchObject(answered);
      expect(await deleted).toMatchObject(answered);
      expect(await holder.ended).toMatchObject(lost);
      // Nothing is lost there: closed, as the server did.
      expect(await idle.ended).not.toMatchObject({ code: 1158 });
      expect((await outcome(createConnection(url))) as Told).toMatchObject({
        errno: 1429,
        message: expect.stringMatching(/cannot connect .*ECONNREFUSED.*is the server running/) as string,
      });
      await server.stop();
      if (cli === undefined) context.skip();
      expect((await cli)?.stderr).toMatch(/ERROR 1158 \(08S01\).*Interlock lost the connection/);

      const again = await startMysql({ engine, isolation: 'READ COMMITTED', port: server.port });
      running.push(again);
      const database = new URL(direct).pathname.slice(1);
      await ask(again.url(), `CREATE DATABASE ${database}`, `USE ${database}`, ...tables);
      const later = await open(url);
      await later.client.query('START TRANSACTION');
      await later.client.query(filter);
      await later.client.query(byList);
      await later.client.query('ROLLBACK');
      const decided = (await findings.next(2)).map(({ decision, guard }) => [decision, guard]);
      expect(decided).toEqual([
        ['rewritten', 'had'],
        ['rewritten', 'had'],
      ]);
      for (const client of clients.splice(0)) client.destroy();
      await nothingLeft(proxy, files);
    });

    test('a client that goes away in the middle of a result: the server stops', async () => {
      const { direct, proxy, url, files } = await start();
      const { client, id } = await open(url);
      const ten = Array.from({ length: 10 }, () => 'SELECT 1').join(' UNION ALL ');
      const many = `SELECT REPEAT('x', 1000) FROM ${Array.from({ length: 7 }, (_, n) => `(${ten}) t${n}`).join()}`;
      const rows = (
        client as unknown as { connection: { query(text: string): NodeJS.EventEmitter } }
      ).connection.query(many);
      rows.on('error', () => undefined);
      await new Promise((resolve) => rows.once('result', resolve));
      socketOf(client).destroy();
      const still = `SELECT 1 FROM information_schema.processlist WHERE id = ${id}`;
      await expect.poll(() => ask(direct, still), { timeout: 15_000 }).toEqual([]);
      await nothingLeft(proxy, files);
    });

    if (long || engine.startsWith('mariadb'))
      test('SIGTERM: who is idle is told, transactions end first; a second one ends at once', async () => {
        const { direct, proxy, url } = await start();
        const [idle, inside] = [await open(url), await open(url)];
        await inside.client.query('START TRANSACTION');
        await inside.client.query('INSERT INTO item VALUES (4, 1)');
        proxy.signal('SIGTERM');
        expect(await idle.ended).toMatchObject(shutdown);
        await inside.client.query('COMMIT');
        expect(await inside.ended).toMatchObject(shutdown);
        expect(await proxy.ended).toBe(0);
        expect(await ask(direct, 'SELECT id FROM item WHERE id = 4')).toHaveLength(1);

        const second = await startInterlock({ server: direct });
        running.push(second);
        const stays = await open(second.url);
        await stays.client.query('START TRANSACTION');
        second.signal('SIGTERM');
        await second.waitForLog(({ msg }) => msg === 'draining');
        second.signal('SIGTERM');
        expect(await stays.ended).toMatchObject(shutdown);
        expect(await second.ended).toBe(1);
      });
  },
);

const socketOf = (client: Connection): { destroy(): void } =>
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;

function mariadb(url: string, statement: string): ReturnType<typeof runTool> {
  const { hostname, port, username, password } = new URL(url);
  const args = [
    '--no-defaults',
    '--skip-ssl',
    `-h${hostname}`,
    `-P${port}`,
    `-u${username}`,
    `-p${password}`,
  ];
  return runTool('mariadb', [...args, '-e', statement]);
}
