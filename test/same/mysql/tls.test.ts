/**
 * TLS on either leg, both, or none: what the server side says is what it says to the same client directly, to the byte, through
 * log-ins with every plugin, with the server's password cache warm and empty, and through conversations.
 */
import { createConnection as connectMysql2, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, type AuthPlugin } from '../../support/mysql.ts';
import {
  bothListeners,
  everyPair,
  nameOf,
  startTlsProxy,
  startTlsServer,
  type Legs,
  type TlsProxy,
  type TlsServer,
} from '../../support/mysql-tls.ts';
import { byteByByte, inOneWrite } from '../raw-client.ts';
import { setsOf } from './capability-sets.ts';
import { firstDifference, play, type Transcript } from './conversation.ts';
import { conversations } from './conversations/all.ts';
import { database, fill } from './database.ts';
import { mask } from './mask.ts';
import { RawMysql, type RawLogin } from './raw-client.ts';

const password = 'secret';
type Account = Omit<RawLogin, 'capabilities' | 'tls'>;

/** Every type, another user, commands of every kind: they leave the database as it was. */
const chosen = conversations.filter(({ name }) =>
  ['binary results of every type', 'another user', 'small commands'].includes(name),
);

describe.each(await availableEngines(undefined, { ownSettings: true }))('%s', (engine) => {
  let behind: TlsServer;
  let proxy: TlsProxy;
  const { plain: capabilities } = setsOf(engine);
  const mysql = engine.startsWith('mysql');
  beforeAll(async () => {
    behind = await startTlsServer(engine, {
      local_infile: 'ON',
      max_allowed_packet: '64M',
      general_log: '0',
    });
    const { server, ca } = behind;
    await ask(
      server.url(),
      `CREATE USER nobody IDENTIFIED BY ''`,
      'GRANT ALL ON *.* TO nobody',
      `CREATE USER encrypted IDENTIFIED BY '${password}' REQUIRE SSL`,
    );
    await fill(server);
    // Passwords that the server has seen once take the fast path.
    if (mysql) await ask(server.url('caching_sha2_password', password), 'SELECT 1');
    proxy = await startTlsProxy(bothListeners(behind, ca.issue('proxy', ['127.0.0.1', 'localhost'])));
  });
  afterAll(async () => {
    await proxy?.stop();
    await behind?.stop();
  });
  const portOf = ({ server }: Pick<Legs, 'server'>): number => proxy.portOf(server ? 'tls' : 'plain');

  /** Everything heard up to the end of the log-in. */
  async function heard(
    port: number,
    login: Omit<RawLogin, 'capabilities'>,
    cut = inOneWrite,
  ): Promise<Buffer[]> {
    const client = await RawMysql.connect({ port, cut });
    try {
      const ok = await client.logIn({ ...login, capabilities: capabilities! });
      if (!ok) await client.until('end');
      return mask(client, port === behind.server.port);
    } finally {
      client.close();
    }
  }

  /** The same as directly, for all pairs of legs. @returns packets of the direct log-in, plain and under TLS */
  async function same(
    account: Account,
    before?: () => Promise<unknown>,
    cut = inOneWrite,
  ): Promise<Buffer[][]> {
    const directly: Buffer[][] = [];
    for (const tls of [false, true]) {
      await before?.();
      const direct = await heard(behind.server.port, { ...account, tls });
      directly.push(direct);
      for (const server of [false, true]) {
        await before?.();
        const proxied = await heard(portOf({ server }), { ...account, tls }, cut);
        const difference = firstDifference({ a: direct }, { a: proxied });
        expect(difference ?? 'none', nameOf({ client: tls, server })).toBe('none');
      }
    }
    return directly;
  }

  const pluginsOfServer = mysql ? ['caching_sha2_password'] : ['mysql_native_password'];

  test.each(pluginsOfServer as AuthPlugin[])(
    '%s: right, wrong, empty, unknown, not guessed',
    async (plugin) => {
      await same({ user: plugin, password, plugin });
      await same({ user: plugin, password });
      await same({ user: plugin, password: 'wrong', plugin });
      await same({ user: plugin, password: '', plugin });
      await same({ user: 'nobody', password: '', plugin });
      await same({ user: plugin, password, plugin, database: 'nowhere' });
    },
  );

  test('byte by byte', () => same({ user: 'root', password }, undefined, byteByByte));

  if (mysql) {
    const flush = (): Promise<unknown> => ask(behind.server.url(), 'FLUSH PRIVILEGES');

    test('caching_sha2_password in full: cache flushed before every log-in', async () => {
      const plugin = 'caching_sha2_password';
      const [plain = [], tls = []] = await same({ user: plugin, password, plugin }, flush);
      // Else this would be the fast path: greeting, full, key, OK; greeting, full, OK.
      expect([plain.length, tls.length]).toEqual([4, 3]);
      await same({ user: plugin, password: 'wrong', plugin }, flush);
      await same({ user: plugin, password }, flush);
      await same({ user: plugin, password, plugin }, flush, byteByByte);
    });

    test.each(everyPair.map((legs) => [nameOf(legs), legs] as const))(
      'COM_CHANGE_USER in full, and back: %s',
      async (_, legs) => {
        const connection = await connected(portOf(legs), legs);
        try {
          for (const user of ['encrypted', 'root']) {
            // MySQL checks REQUIRE SSL against its own leg.
            const name = user === 'encrypted' && !legs.server ? 'caching_sha2_password' : user;
            await flush();
            await connection.changeUser({ user: name, password });
            const [rows] = await connection.query('SELECT CURRENT_USER() AS name');
            expect(rows).toEqual([{ name: `${name}@%` }]);
          }
          await flush();
          await expect(connection.changeUser({ user: 'root', password: 'wrong' })).rejects.toMatchObject({
            errno: 1045,
          });
        } finally {
          connection.destroy();
        }
      },
    );
  }

  const connected = (port: number, legs: Legs, user = 'root'): Promise<Connection> =>
    connectMysql2({
      host: '127.0.0.1',
      port,
      user,
      password,
      ...(legs.client && { ssl: { rejectUnauthorized: false } }),
    });

  test('each leg has what it is said to have', async () => {
    for (const legs of everyPair) {
      const connection = await connected(portOf(legs), legs);
      const [rows] = await connection.query(`SHOW STATUS LIKE 'Ssl_version'`);
      expect(rows, nameOf(legs)).toEqual([
        { Variable_name: 'Ssl_version', Value: legs.server ? 'TLSv1.3' : '' },
      ]);
      await connection.end();
      const required = connected(portOf(legs), legs, 'encrypted').then((one) => one.end());
      if (legs.server) await required;
      else await expect(required).rejects.toMatchObject({ errno: 1045 });
    }
  });

  test('conversations', async () => {
    expect(chosen).toHaveLength(3);
    for (const conversation of chosen) {
      for (const tls of [false, true]) {
        const hold = (port: number): Promise<Transcript> => {
          const login = { user: 'root', password, database, tls };
          const direct = port === behind.server.port;
          return play(conversation, capabilities!, { port, direct, login }, () => inOneWrite);
        };
        const direct = await hold(behind.server.port);
        for (const server of [false, true]) {
          const difference = firstDifference(direct, await hold(portOf({ server })));
          expect(difference ?? 'none', `${conversation.name}, ${nameOf({ client: tls, server })}`).toBe(
            'none',
          );
        }
      }
    }
  });

  test('no session was lost sight of', async () => {
    const metrics = await proxy.metrics();
    expect(metrics.interlock_statements_inspected_total).toBeGreaterThan(20);
    expect(metrics.interlock_raw_relay_sessions_total ?? 0).toBe(0);
    expect(metrics.interlock_protocol_errors_total ?? 0).toBe(0);
    expect(metrics.interlock_problems_total ?? 0).toBe(0);
  });
});
