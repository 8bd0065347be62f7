/**
 * Legs that cannot be what they should: the client hears why and what to change, in a packet that it can read, and the server
 * hears no password. And legs that are as good as TLS: unix sockets.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection, type ConnectionOptions } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capability } from '../../../src/wire/mysql/capabilities.ts';
import { writePacket } from '../../../src/wire/mysql/writers.ts';
import { authority, type Authority } from '../../support/certificates.ts';
import { ask, availableEngines, startMysql, type Mysql, type MysqlEngine } from '../../support/mysql.ts';
import { startTlsProxy, startTlsServer, type TlsProxy, type TlsServer } from '../../support/mysql-tls.ts';

/** All of this is Interlock's own doing: the second engine adds little. */
const wanted: MysqlEngine[] =
  process.env.INTERLOCK_TEST_LONG === '1' ? ['mysql-9.7', 'mariadb-11.8'] : ['mysql-9.7'];
const password = 'secret';
const sockets = mkdtempSync(join(tmpdir(), 'interlock-sockets-'));
afterAll(() => rmSync(sockets, { recursive: true, force: true }));

async function logIn(options: ConnectionOptions): Promise<unknown> {
  const connection = await createConnection({ host: '127.0.0.1', user: 'root', password, ...options });
  const [rows] = await connection.query('SELECT CURRENT_USER() AS name');
  await connection.end();
  return rows;
}
const root = [{ name: 'root@%' }];
const unverified = { rejectUnauthorized: false };

describe.each(await availableEngines(wanted, { ownSettings: true }))('%s', (engine) => {
  let behind: TlsServer;
  let proxy: TlsProxy;
  let stranger: Authority;
  beforeAll(async () => {
    behind = await startTlsServer(engine, { general_log: '0' });
    stranger = authority('Somebody else');
    const { ca, certificate, server } = behind;
    const tls = `cert: ${certificate.cert}, key: ${certificate.key}`;
    const listener = (name: string, clients: string, servers: string): string =>
      `{ name: ${name}, listen: "127.0.0.1:0", server: "mysql://127.0.0.1:${server.port}", ${clients}, server_tls: { ${servers} } }`;
    proxy = await startTlsProxy([
      listener('required', `tls: { mode: require, ${tls} }`, 'mode: prefer'),
      listener('unknown-ca', `tls: { ${tls} }`, `mode: verify-full, ca: ${stranger.cert}`),
      listener('other-name', `tls: { ${tls} }`, `mode: verify-full, ca: ${ca.cert}, server_name: db.example`),
      listener('ca-only', `tls: { ${tls} }`, `mode: verify-ca, ca: ${ca.cert}, server_name: db.example`),
    ]);
  });
  afterAll(async () => {
    await proxy?.stop();
    await behind?.stop();
    stranger?.remove();
  });

  test('a plain client of a listener that requires TLS', async () => {
    const port = proxy.portOf('required');
    await expect(logIn({ port })).rejects.toMatchObject({
      errno: 3159,
      sqlState: '08004',
      message: expect.stringMatching(/takes TLS connections only.*tls\.mode/) as string,
    });
    expect(await logIn({ port, ssl: unverified })).toEqual(root);
  });

  test.each([
    ['unknown-ca', /signed by an unknown CA/],
    ['other-name', /certificate is for another name/],
  ])("a server's certificate that is refused: %s", async (listener, why) => {
    const port = proxy.portOf(listener);
    for (const ssl of [undefined, unverified]) {
      const refused = logIn({ port, ...(ssl !== undefined && { ssl }) });
      await expect(refused).rejects.toMatchObject({ errno: 1429, sqlState: '08001' });
      await expect(refused).rejects.toThrow(why);
      await expect(refused).rejects.toThrow(/server_tls/);
    }
    const [line] = proxy
      .logs()
      .filter((one) => one.listener === listener && one.msg === 'TLS handshake failed');
    expect(line).toMatchObject({ level: 'warn', side: 'server' });
  });

  test('verify-ca does not look at the name', async () => {
    expect(await logIn({ port: proxy.portOf('ca-only') })).toEqual(root);
  });

  test('a client whose handshake is none ends its own connection only', async () => {
    const port = proxy.portOf('required');
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      const request = Buffer.alloc(32);
      request.writeUInt32LE(capability.ssl | capability.protocol41);
      socket.write(Buffer.concat([writePacket(1, request), Buffer.alloc(1000, 0x2a)]));
    });
    await once(socket.on('error', () => undefined).resume(), 'close');
    await proxy.waitForLog((line) => line.msg === 'TLS handshake failed' && line.side === 'client');
    expect(await logIn({ port, ssl: unverified })).toEqual(root);
    const metrics = await proxy.metrics();
    expect([metrics.interlock_problems_total ?? 0, metrics.interlock_protocol_errors_total ?? 0]).toEqual([
      0, 0,
    ]);
  });
});

describe.each(await availableEngines(['mysql-9.7'], { ownSettings: true }))('%s', (engine) => {
  let server: Mysql;
  let behind: TlsServer;
  let proxy: TlsProxy;
  const listening = join(sockets, 'listener');
  beforeAll(async () => {
    // Switched off: else MySQL makes certificates of its own.
    server = await startMysql({ engine, settings: { general_log: '0', tls_version: '' } });
    behind = await startTlsServer(engine, { general_log: '0' });
    const of = (port: number): string => `server: "mysql://127.0.0.1:${port}`;
    proxy = await startTlsProxy([
      `{ name: none, listen: "127.0.0.1:0", ${of(server.port)}?ssl-mode=REQUIRED" }`,
      `{ name: socket, listen: "unix:${listening}", ${of(behind.server.port)}?ssl-mode=DISABLED" }`,
    ]);
  });
  afterAll(async () => {
    await proxy?.stop();
    await behind?.stop();
    await server?.stop();
  });

  test('a server without TLS that has to have it', async () => {
    const refused = logIn({ port: proxy.portOf('none') });
    await expect(refused).rejects.toMatchObject({ errno: 3159 });
    await expect(refused).rejects.toThrow(/does not offer TLS.*server_tls/);
  });

  test('a client on a unix socket sends its password as it would to the server, which is asked for its key', async () => {
    for (const attempt of [1, 2]) {
      if (attempt === 1) await ask(behind.server.url(), 'FLUSH PRIVILEGES');
      expect(await logIn({ socketPath: listening })).toEqual(root);
    }
    await ask(behind.server.url(), 'FLUSH PRIVILEGES');
    await expect(logIn({ socketPath: listening, password: 'wrong' })).rejects.toMatchObject({ errno: 1045 });
  });
});
