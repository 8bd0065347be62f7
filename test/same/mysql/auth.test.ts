/**
 * Log-ins are relayed, never terminated: every plugin that the engines have works, and a failure tells what the server
 * tells. caching_sha2_password with the server's cache flushed asks for the password itself, once.
 */
import mariadb from 'mariadb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type AuthPlugin, type Mysql } from '../../support/mysql.ts';
import { startInterlock, type Proxy } from '../../support/proxy.ts';
import { setsOf } from './capability-sets.ts';
import { firstDifference } from './conversation.ts';
import { mask } from './mask.ts';
import { RawMysql, type RawLogin } from './raw-client.ts';

const password = 'secret';

describe.each(await availableEngines(undefined, { ownSettings: true }))('%s', (engine) => {
  let server: Mysql;
  let proxy: Proxy;
  const capabilities = setsOf(engine).plain!;
  const own: AuthPlugin = engine.startsWith('mysql') ? 'caching_sha2_password' : 'mysql_native_password';
  beforeAll(async () => {
    server = await startMysql({ engine });
    const by = engine.startsWith('mysql')
      ? "IDENTIFIED WITH caching_sha2_password BY ''"
      : "IDENTIFIED BY ''";
    await ask(
      server.url(),
      `CREATE USER nobody ${by}`,
      `CREATE USER guest IDENTIFIED BY '${password}'`,
      'CREATE DATABASE open_to_all',
    );
    // Passwords that caching_sha2_password has seen once take the fast path.
    for (const user of [own, 'guest']) await ask(server.url(user, password), 'SELECT 1');
    proxy = await startInterlock({ server: server.url(), mode: 'rewrite', tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  /** Everything heard up to the end of the log-in, and whether it was one. */
  async function heard(port: number, login: Omit<RawLogin, 'capabilities'>): Promise<[boolean, Buffer[]]> {
    const client = await RawMysql.connect({ port });
    try {
      const ok = await client.logIn({ ...login, capabilities });
      if (!ok) await client.until('end');
      return [ok, mask(client, port === server.port)];
    } finally {
      client.close();
    }
  }

  /** Logs in both ways, after `before`, and expects the same packets. */
  async function same(
    login: Omit<RawLogin, 'capabilities'>,
    before?: () => Promise<unknown>,
  ): Promise<boolean> {
    await before?.();
    const [ok, direct] = await heard(server.port, login);
    await before?.();
    const [proxiedOk, proxied] = await heard(proxy.port, login);
    expect(firstDifference({ a: direct }, { a: proxied }) ?? 'none').toBe('none');
    expect(proxiedOk).toBe(ok);
    return ok;
  }

  test('with the plugin guessed right, left open, and with a database', async () => {
    expect(await same({ user: own, password, plugin: own })).toBe(true);
    expect(await same({ user: own, password })).toBe(true);
    expect(await same({ user: own, password, database: 'open_to_all' })).toBe(true);
    expect(await same({ user: 'nobody', password: '' })).toBe(true);
  });

  test('failures tell what the server tells', async () => {
    expect(await same({ user: own, password: 'wrong' })).toBe(false);
    expect(await same({ user: own, password: 'wrong', plugin: own })).toBe(false);
    expect(await same({ user: own, password: '' })).toBe(false);
    expect(await same({ user: 'stranger', password })).toBe(false);
    expect(await same({ user: own, password, database: 'nowhere' })).toBe(false);
    expect(await same({ user: 'guest', password, database: 'mysql' })).toBe(false);
    expect(await same({ user: own, password })).toBe(true);
  });

  if (engine.startsWith('mysql')) {
    test('caching_sha2_password in full, after the cache was flushed, and fast after that', async () => {
      const flush = (): Promise<unknown> => ask(server.url(), 'FLUSH PRIVILEGES');
      const login = { user: 'guest', password, plugin: own };
      expect(await same(login, flush)).toBe(true);
      // The full exchange has a key in it; the fast one does not.
      await flush();
      const [, full] = await heard(proxy.port, login);
      const [, fast] = await heard(proxy.port, login);
      expect(full.some((packet) => packet.includes('BEGIN PUBLIC KEY'))).toBe(true);
      expect(fast.some((packet) => packet.includes('BEGIN PUBLIC KEY'))).toBe(false);
      expect(fast.length).toBe(3);
      expect(await same({ ...login, password: 'wrong' }, flush)).toBe(false);
    });
  }

  test('every plugin, with a driver that has them all', async () => {
    const plugins = Object.entries(server.accounts);
    expect(plugins.map(([name]) => name)).toContain(own);
    for (const [plugin, { user }] of plugins) {
      const connection = await mariadb.createConnection({
        host: '127.0.0.1',
        port: proxy.port,
        user,
        password,
        allowPublicKeyRetrieval: true,
      });
      const [row] = await connection.query<{ name: string }[]>('SELECT CURRENT_USER() AS name');
      expect(row?.name).toBe(`${plugin}@%`);
      await connection.end();
      const refused = mariadb.createConnection({
        host: '127.0.0.1',
        port: proxy.port,
        user,
        password: 'wrong',
        allowPublicKeyRetrieval: true,
      });
      await expect(refused).rejects.toMatchObject({ errno: 1045 });
    }
  });

  test('twenty at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask<{ n: number }>(proxy.url, `SELECT ${n} AS n`)),
    );
    expect(answers.map(([row]) => row?.n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test('no session was lost sight of', async () => {
    const metrics = await proxy.metrics();
    expect(metrics.interlock_raw_relay_sessions_total ?? 0).toBe(0);
    expect(metrics.interlock_protocol_errors_total ?? 0).toBe(0);
  });
});
