/**
 * How connections end: a server that shuts down, that is full; clients that leave in the middle of
 * something. What a client hears is what the server says, and the proxy serves the next one.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql, type MysqlOptions } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { writeQuery } from '../../../src/wire/mysql/writers.ts';
import { setsOf } from './capability-sets.ts';
import { RawMysql } from './raw-client.ts';

const errorOf = (packet: Buffer | undefined): { errno: number; text: string } | undefined =>
  packet?.[4] === 0xff ? { errno: packet.readUInt16LE(5), text: packet.toString('latin1', 7) } : undefined;

/** Without the SQLSTATE and the address or id of the session. */
const comparable = (packet: Buffer | undefined): string =>
  `${errorOf(packet)?.errno}: ${errorOf(packet)?.text.replaceAll(/\d+/g, '#')}`;

describe.each(await availableEngines(undefined, { ownSettings: true }))('%s', (engine) => {
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of running.splice(0).toReversed()) await one.stop();
  });

  async function start(settings: NonNullable<MysqlOptions['settings']> = {}): Promise<[Mysql, Proxy]> {
    const server = await startMysql({ engine, settings });
    running.push(server);
    const proxy = await startInterlock({ server: server.url(), mode: 'rewrite', tables: ['*'] });
    running.push(proxy);
    return [server, proxy];
  }

  async function loggedIn(port: number): Promise<RawMysql> {
    const client = await RawMysql.connect({ port });
    expect(
      await client.logIn({ user: 'root', password: 'secret', capabilities: setsOf(engine).plain! }),
    ).toBe(true);
    return client;
  }

  test('the server shuts down under idle and under busy clients', async () => {
    const [server, proxy] = await start();
    const idle = [await loggedIn(server.port), await loggedIn(proxy.port)];
    const busy = [await loggedIn(server.port), await loggedIn(proxy.port)];
    for (const client of busy) await client.send(writeQuery('SELECT SLEEP(60)', 0));
    await ask(server.url(), 'SHUTDOWN').catch(() => undefined);
    for (const client of [...idle, ...busy]) await client.until('end');
    for (const [direct, proxied] of [idle, busy]) {
      const said = proxied!.packets.slice(direct!.packets.length - 1);
      expect(comparable(said[0])).toBe(comparable(direct!.packets.at(-1)));
      // MariaDB closes without an answer to a query: that is said by Interlock.
      const silent = direct === busy[0] && engine.startsWith('mariadb');
      expect(said.slice(1).map(errorOf)).toEqual(silent ? [expect.objectContaining({ errno: 1158 })] : []);
    }
    // Nobody listens any more: a client is told so.
    const late = await RawMysql.connect({ port: proxy.port });
    await late.until('end');
    expect(errorOf(late.packets[0])?.text).toContain('cannot connect to the server');
  });

  test('a server that is full says so itself', async () => {
    const [server, proxy] = await start({ max_connections: '10' });
    const clients: RawMysql[] = [];
    const refused: (Buffer | undefined)[] = [];
    for (let n = 0; n < 11; n += 1) clients.push(await loggedIn(server.port));
    for (const { port } of [server, proxy]) {
      const client = await RawMysql.connect({ port });
      await client.until('end');
      refused.push(client.packets[0]);
    }
    expect(errorOf(refused[0])?.errno).toBe(1040);
    expect(refused[1]?.equals(refused[0]!)).toBe(true);
    for (const client of clients) client.close();
  });

  test('clients leave before, in and after the log-in, in a query and in a result; the next one is served', async () => {
    const [server, proxy] = await start();
    const open = async (): Promise<Socket> => {
      const socket = connect(proxy.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'data');
      return socket;
    };
    for (let n = 0; n < 5; n += 1) (await open()).destroy();
    for (let n = 0; n < 5; n += 1) (await open()).end();
    const half = await open();
    half.write(Buffer.from([0x50, 0, 0, 1, 0x0f]));
    half.end();
    const sleeping = await loggedIn(proxy.port);
    await sleeping.send(writeQuery('SELECT SLEEP(0.5)', 0));
    sleeping.close();
    const reading = await loggedIn(proxy.port);
    await reading.send(writeQuery("SELECT REPEAT('x', 8000000)", 0));
    reading.close();
    const [row] = await ask<{ one: number }>(proxy.url, 'SELECT 1 AS one');
    expect(row?.one).toBe(1);
    // All of them have left the server too: only the asking session is there, in the end.
    await expect
      .poll(
        async () =>
          (
            await ask<{ n: number }>(
              server.url(),
              "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE user <> 'event_scheduler' AND user <> 'system user'",
            )
          )[0]?.n,
        { timeout: 20_000 },
      )
      .toBe(1);
    const metrics = await proxy.metrics();
    expect(metrics.interlock_problems_total ?? 0).toBe(0);
  });
});
