/**
 * Limits in front of real servers, and both protocols side by side in one process: connections of one client, idle sessions,
 * readers that stall, keepalive. Each has its own error, its own count, and hurts nobody else.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { client as say } from '../streams/encode.ts';
import { availableEngines, startMysql, type Mysql } from '../support/mysql.ts';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { nothingLeft, openFiles } from './left.ts';

const linux = process.platform === 'linux';
const [version] = availableVersions([18], 'own');
const engines = await availableEngines(['mariadb-11.8', 'mysql-9.7'], { ownSettings: true });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

describe.runIf(version !== undefined)('one process, several listeners', () => {
  let postgres: Postgres;
  const mysql = new Map<string, Mysql>();
  let proxy: Proxy;
  const ports = new Map<string, number>();

  beforeAll(async () => {
    postgres = await startPostgres({ version: version!, own: true });
    for (const engine of engines) mysql.set(engine, await startMysql({ engine }));
    const servers: [string, string][] = [
      ['postgres', postgres.url],
      ...[...mysql].map(([engine, server]): [string, string] => [engine, server.url()]),
    ];
    const listeners = servers.map(
      ([name, url]) => `  - { name: "${name}", listen: "127.0.0.1:0", server: "${url}" }\n`,
    );
    proxy = await startInterlock({
      server: postgres.url,
      config: `listeners:\n${listeners.join('')}limits: { connections_per_client: 4, idle_timeout: 400ms, keepalive: 30s }\n`,
    });
    for (const [name] of servers) {
      const line = await proxy.waitForLog(({ msg, listener }) => msg === 'listening' && listener === name);
      ports.set(name, Number(line['port']));
    }
  });
  afterAll(async () => {
    await proxy?.stop();
    for (const server of mysql.values()) await server.stop();
    await postgres?.stop();
  });

  const sessions = (count: number): Promise<void> =>
    expect.poll(async () => (await proxy.metrics())['interlock_sessions']).toBe(count);
  const reached = async (limit: string): Promise<number> =>
    (await proxy.metrics())[`interlock_limits_reached_total{limit="${limit}"}`] ?? 0;

  interface Opened {
    query(text: string): Promise<unknown>;
    /** What it was told when it ended. */
    ended: Promise<{ code?: unknown; message?: string } | undefined>;
  }
  async function openPostgres(): Promise<Opened> {
    const client = new pg.Client({
      connectionString: pointed(postgres.url, { port: ports.get('postgres')! }),
    });
    ends.push(() => client.end().catch(() => undefined));
    let told: Error | undefined;
    client.on('error', (error) => (told ??= error));
    const ended = new Promise<Error | undefined>((resolve) => client.once('end', () => resolve(told)));
    await client.connect();
    return { query: (text) => client.query(text), ended };
  }
  async function openMysql(engine: string): Promise<Opened> {
    const client = await createConnection(pointed(mysql.get(engine)!.url(), { port: ports.get(engine)! }));
    ends.push(() => client.destroy());
    const ended = new Promise<Error | undefined>((resolve) => {
      client.on('error', (error: Error) => resolve(error));
      client.on('end', () => resolve(undefined));
    });
    return { query: (text) => client.query(text), ended };
  }
  const openAt = (name: string): Promise<Opened> => (name === 'postgres' ? openPostgres() : openMysql(name));
  const errorOf = (opening: Promise<unknown>): Promise<unknown> =>
    opening.then(
      () => 'connected',
      (error: unknown) => error,
    );

  test.each(['postgres', ...engines])(
    'connections of one client, %s: an error of the protocol',
    async (name) => {
      const before = await reached('connections_per_client');
      // In a transaction they are not idle.
      for (let n = 0; n < 4; n += 1) await (await openAt(name)).query('BEGIN');
      await sessions(4);
      const message = "Interlock serves 4 connections of this client's address already";
      const hint = 'Close some, or raise limits.connections_per_client.';
      expect(await errorOf(openAt(name))).toMatchObject(
        name === 'postgres'
          ? { code: '53300', severity: 'FATAL', message, hint }
          : { errno: 1040, message: `${message}. ${hint}` },
      );
      expect(await reached('connections_per_client')).toBe(before + 1);
      for (const end of ends.splice(0)) await end();
      await sessions(0);
      expect(await (await openAt(name)).query('SELECT 1')).toBeDefined();
    },
  );

  test('idle outside of a transaction: ended as the server would; inside: not', async () => {
    const before = await reached('idle_timeout');
    const names = ['postgres', ...engines];
    const inside = await openAt('postgres');
    await inside.query('BEGIN');
    const idle = await Promise.all(names.map((name) => openAt(name)));
    const told = await Promise.all(idle.map(({ ended }) => ended));
    const message = 'nothing was sent for 400 ms outside of a transaction';
    const hint = 'See limits.idle_timeout.';
    expect(told).toEqual(
      names.map((name) => {
        if (name === 'postgres')
          return expect.objectContaining({ code: '57P05', severity: 'FATAL', message, hint });
        if (name.startsWith('mysql'))
          return expect.objectContaining({ code: 4031, message: `${message}. ${hint}` });
        // MariaDB closes without a word.
        return undefined;
      }),
    );
    expect(await reached('idle_timeout')).toBe(before + names.length);
    expect(await inside.query('COMMIT')).toBeDefined();
    expect(await inside.ended).toMatchObject({ code: '57P05' });
    // The servers know that they are gone.
    const others = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;
    await expect.poll(async () => (await run(postgres.url, others))[0]?.rows).toEqual([{ n: 0 }]);
  });

  test.runIf(linux)('keepalive is on, on both legs, after the time that is configured', async () => {
    const held = await openPostgres();
    await held.query('BEGIN');
    const own = ports.get('postgres')!;
    for (const [local, remote] of [
      [own, undefined],
      [undefined, postgres.port],
    ]) {
      // While something is not acknowledged yet the kernel shows another timer.
      const due = (): boolean =>
        keepAliveLeft(proxy.pid, local, remote).some((left) => left > 0 && left <= 30);
      await expect.poll(due).toBe(true);
    }
  });
});

/** Seconds until TCP probes the other side, of the process's established IPv4 connections; those that have no such timer are left out. */
function keepAliveLeft(pid: number, local: number | undefined, remote: number | undefined): number[] {
  const port = (address = ''): number => Number.parseInt(address.split(':')[1] ?? '', 16);
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, from, to, state]) => state === '01' && (port(from) === local || port(to) === remote))
    .flatMap(([, , , , , timer = '']) => {
      const [kind, jiffies = ''] = timer.split(':');
      // 02: keepalive, in hundredths of a second.
      return kind === '02' ? [Number.parseInt(jiffies, 16) / 100] : [];
    });
}

describe.runIf(version !== undefined)('a reader that stalls', () => {
  let server: Postgres;
  let proxy: Proxy;
  let files = 0;
  beforeAll(async () => {
    server = await startPostgres({ version: version!, own: true });
    proxy = await startInterlock({ server: server.url });
    await run(proxy.url, 'SELECT 1');
    files = openFiles(proxy);
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const resident = async (): Promise<number> => (await proxy.metrics())['process_resident_memory_bytes'] ?? 0;
  const waits = async (query: string): Promise<unknown> =>
    (
      await run(
        server.url,
        `SELECT wait_event FROM pg_stat_activity WHERE query LIKE '%${query}' AND pid <> pg_backend_pid()`,
      )
    )[0]?.rows[0];

  async function session(): Promise<Socket> {
    const socket = connect(proxy.port, '127.0.0.1');
    ends.push(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.write(say.startup({ user: 'postgres', database: 'postgres' }));
    for (let got = Buffer.alloc(0); !got.includes('Z\0\0\0\x05I');)
      got = Buffer.concat([got, (await once(socket, 'data'))[0] as Buffer]);
    return socket;
  }
  const megabyte = 1024 * 1024;

  test('the client: the server waits for it, the proxy does not fill up, and everything arrives in the end', async () => {
    const socket = await session();
    const before = await resident();
    socket.pause();
    const bytes = 200 * megabyte;
    socket.write(say.query(`SELECT repeat('x', ${megabyte}) FROM generate_series(1, 200) /* much */`));
    await expect.poll(() => waits('much */'), { timeout: 20_000 }).toEqual({ wait_event: 'ClientWrite' });
    expect((await resident()) - before).toBeLessThan(40 * megabyte);
    let got = 0;
    const all = new Promise<void>((resolve) =>
      socket.on('data', (chunk) => {
        got += chunk.length;
        if (got > bytes) resolve();
      }),
    );
    socket.resume();
    await all;
    socket.destroy();
    await nothingLeft(proxy, files);
  });

  test('the server: the client waits for it, the proxy does not fill up, and everything arrives in the end', async () => {
    const blocker = new pg.Client({ connectionString: server.url });
    await blocker.connect();
    ends.push(() => blocker.end());
    await blocker.query('SELECT pg_advisory_lock(1)');
    const socket = await session();
    const before = await resident();
    socket.write(say.query('SELECT pg_advisory_lock(1) /* stalled */'));
    await expect.poll(() => waits('stalled */')).toEqual({ wait_event: 'advisory' });
    const statement = say.query(`SELECT 1 /* ${'x'.repeat(64 * 1024)} */`);
    const count = 1000;
    for (let n = 0; n < count; n += 1) socket.write(statement);
    // It takes no more: what is left to write stays the same while the proxy answers others.
    let left = -1;
    await expect
      .poll(async () => {
        const same = left === socket.writableLength;
        left = socket.writableLength;
        await run(proxy.url, 'SELECT 1');
        return same;
      })
      .toBe(true);
    expect(left).toBeGreaterThan((count * statement.length) / 2);
    expect((await resident()) - before).toBeLessThan(40 * megabyte);
    let replies = 0;
    const all = new Promise<void>((resolve) =>
      socket.on('data', (chunk) => {
        replies += chunk.toString('latin1').split('Z\0\0\0\x05').length - 1;
        if (replies >= count) resolve();
      }),
    );
    await blocker.query('SELECT pg_advisory_unlock(1)');
    await all;
    socket.destroy();
    await nothingLeft(proxy, files);
  });
});
