/**
 * Strangers at the door of a real server: TCP probes that leave without a word, and log-ins that fail, many times more than
 * max_connect_errors. The server must not shut the proxy out, and nothing of it happens unseen.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { ask, availableEngines, type MysqlEngine } from '../support/mysql.ts';
import { startMysqlEngine } from '../support/mysql-engine.ts';
import { availableVersions, run, startPostgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';

const maxConnectErrors = 10;
const times = 50;

/** What a probe does once it is connected; `fin` and `rst` after the greeting, where there is one. */
const ways = ['at once', 'fin', 'rst'] as const;

async function probe(port: number, way: (typeof ways)[number], greeted: boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = once(socket.resume(), 'close');
  await (greeted && way !== 'at once' ? once(socket, 'data') : once(socket, 'connect'));
  if (way === 'rst') socket.resetAndDestroy();
  else socket.end();
  await closed;
}

const failed = (login: Promise<unknown>): Promise<unknown> =>
  login.then(
    () => 'logged in',
    (error: { errno?: number; code: string }) => error.errno ?? error.code,
  );

interface Elsewhere {
  url: string;
  stop(): Promise<void>;
}

/**
 * Servers do not count the errors of 127.0.0.1, nor of anybody where names are not looked up: this one does look them up, and
 * sees its clients come from 127.0.0.2.
 */
async function startElsewhere(engine: MysqlEngine): Promise<Elsewhere> {
  const settings = { max_connect_errors: String(maxConnectErrors), skip_name_resolve: '0' };
  const server = await startMysqlEngine({ engine, settings });
  const to = { host: '127.0.0.1', port: server.port, localAddress: '127.0.0.2', allowHalfOpen: true };
  const way = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(to);
    near.pipe(far).pipe(near);
    near.on('error', () => far.resetAndDestroy());
    far.on('error', () => near.resetAndDestroy());
  });
  way.listen(0, '127.0.0.1');
  await once(way, 'listening');
  const { port } = way.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    await server.stop();
    way.close();
  };
  return { url: `mysql://root:secret@127.0.0.1:${port}/`, stop };
}

const linux = process.platform === 'linux';
if (!linux)
  process.stderr.write('\n*** NOT TESTED: max_connect_errors, for want of an address 127.0.0.2\n\n');
const wanted: MysqlEngine[] = linux ? ['mariadb-11.8', 'mysql-9.7'] : [];

describe.each(await availableEngines(wanted, { ownSettings: true }))('%s', (engine) => {
  let server: Elsewhere;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startElsewhere(engine);
    proxy = await startInterlock({ server: server.url });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  test.each(['plain', 'TLS'])('probes do not count at a server that wants %s connections', async (form) => {
    const before = (await proxy.metrics())['interlock_logins_abandoned_total'] ?? 0;
    if (form === 'TLS') await ask(proxy.url, 'SET GLOBAL require_secure_transport = ON');
    for (const way of ways) for (let n = 0; n < times; n += 1) await probe(proxy.port, way, true);
    await expect.poll(async () => (await proxy.metrics())['interlock_sessions']).toBe(0);
    expect(await ask(proxy.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    if (form === 'TLS') await ask(proxy.url, 'SET GLOBAL require_secure_transport = OFF');
    const metrics = await proxy.metrics();
    expect(metrics['interlock_logins_abandoned_total']! - before).toBeGreaterThanOrEqual(2 * times);
    expect(metrics['interlock_protocol_errors_total']).toBe(0);
    expect(metrics['interlock_problems_total']).toBe(0);
  });

  test('a storm of log-ins that fail is logged, and shuts nobody out', async () => {
    const wrong = new URL(proxy.url);
    wrong.password = 'wrong';
    for (let n = 0; n < times; n += 1) expect(await failed(ask(wrong.href, 'SELECT 1'))).toBe(1045);
    expect(await ask(proxy.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect((await proxy.metrics())['interlock_logins_refused_total{code="1045"}']).toBe(times);
    const line = await proxy.waitForLog(({ msg }) => msg === 'the server refused a log-in');
    expect(line).toMatchObject({ level: 'warn', user: 'root', code: '1045', client: '127.0.0.1' });
    expect(JSON.stringify(proxy.logs())).not.toContain('wrong');
  });

  test('the same probes at the server itself: MariaDB shuts their address out, and the proxy says so', async () => {
    const { port } = new URL(server.url);
    for (let n = 0; n <= maxConnectErrors; n += 1) await probe(Number(port), 'fin', true);
    const outcome = engine.startsWith('mysql') ? 'logged in' : 1129;
    // The server may count a moment later.
    await expect.poll(() => failed(ask(server.url, 'SELECT 1'))).toBe(outcome);
    expect(await failed(ask(proxy.url, 'SELECT 1'))).toBe(outcome);
    if (outcome !== 1129) return;
    const line = await proxy.waitForLog(({ code }) => code === '1129');
    expect(line).toMatchObject({ level: 'warn', msg: 'the server refused a log-in' });
  });
});

const anyPostgres = availableVersions([18], 'own');
test.each(anyPostgres)(
  'PostgreSQL %i: neither probes nor log-ins that fail shut anybody out',
  async (version) => {
    const server = await startPostgres({ version, auth: 'scram-sha-256' });
    const proxy = await startInterlock({ server: server.appUrl });
    try {
      for (const way of ways) for (let n = 0; n < times; n += 1) await probe(proxy.port, way, false);
      await expect.poll(async () => (await proxy.metrics())['interlock_sessions']).toBe(0);
      const wrong = new URL(proxy.url);
      wrong.password = 'wrong';
      for (let n = 0; n < times; n += 1) {
        const client = new pg.Client({ connectionString: wrong.href });
        client.on('error', () => undefined);
        expect(await failed(client.connect())).toBe('28P01');
      }
      await run(proxy.url, 'SELECT 1');
      expect((await proxy.metrics())['interlock_logins_refused_total{code="28P01"}']).toBe(times);
    } finally {
      await proxy.stop();
      await server.stop();
    }
  },
);
