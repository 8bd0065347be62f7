/**
 * Real clients over every pair of legs: what they say through Interlock is what they say to the server directly, when the
 * server's password cache is empty too. And MariaDB's clients from 11.4 on, which check the server's certificate by default.
 */
import mariadb from 'mariadb';
import { createConnection } from 'mysql2/promise';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLineClient } from '../../support/mysql-clients.ts';
import type { Certificate } from '../../support/certificates.ts';
import { ask, availableEngines } from '../../support/mysql.ts';
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
import { have } from '../debian.ts';
import { runTool, type Run } from '../tool.ts';

const password = 'secret';
const cli = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const script = fileURLToPath(new URL('python/pymysql_tls.py', import.meta.url));
const newMariadb = await commandLineClient('mariadb-11.8');
const newMysql = await commandLineClient('mysql-9.7');

/** @returns what the client says: who it is, or its error */
type Client = (port: number, user: string, tls: boolean) => Promise<string>;

const sql = 'SELECT CURRENT_USER()';
const said = (error: unknown): string => {
  const { errno, message } = error as { errno?: number; message: string };
  return `${errno} ${message}`;
};

const drivers: Record<string, Client> = {
  mysql2: async (port, user, tls) => {
    const ssl = tls ? { ssl: { rejectUnauthorized: false } } : {};
    try {
      const connection = await createConnection({ host: '127.0.0.1', port, user, password, ...ssl });
      const [rows] = await connection.query(sql);
      await connection.end();
      return JSON.stringify(rows);
    } catch (error) {
      return said(error);
    }
  },
  'mariadb-connector-nodejs': async (port, user, tls) => {
    const ssl = tls ? { ssl: { rejectUnauthorized: false } } : { allowPublicKeyRetrieval: true };
    try {
      const connection = await mariadb.createConnection({ host: '127.0.0.1', port, user, password, ...ssl });
      const rows: unknown = await connection.query(sql);
      await connection.end();
      return JSON.stringify(rows);
    } catch (error) {
      return said(error).replaceAll(/\(conn:[^)]*\)/g, '');
    }
  },
};

const commandLine =
  (
    command: (...args: string[]) => { file: string; args: string[] },
    plain: string[],
    secure: string[],
  ): Client =>
  async (port, user, tls) => {
    const options = ['-h127.0.0.1', `-P${port}`, `-u${user}`, `-p${password}`, '-N', '-e', sql];
    const { file, args } = command(...options, ...(tls ? secure : plain));
    const { stdout, stderr } = await runTool(file, args);
    return (stdout + stderr).replace(/^.*[Ww]arning.*\n/gm, '').trim();
  };
if (have('mariadb'))
  drivers['mariadb 10.11'] = commandLine(
    (...args) => ({ file: 'mariadb', args: ['--no-defaults', ...args] }),
    ['--skip-ssl'],
    ['--ssl'],
  );
if (newMariadb !== undefined) drivers['mariadb 11.8'] = commandLine(newMariadb, ['--skip-ssl'], []);
if (have('pymysql'))
  drivers['pymysql'] = async (port, user, tls) => {
    const url = `mysql://${user}:${password}@127.0.0.1:${port}`;
    return (await runTool('/usr/bin/python3', [script, url, tls ? 'tls' : 'plain'])).stdout;
  };
const ofMysql: Record<string, Client> =
  newMysql === undefined
    ? {}
    : {
        'mysql 9.7': commandLine(
          newMysql,
          ['--ssl-mode=DISABLED', '--get-server-public-key'],
          ['--ssl-mode=REQUIRED'],
        ),
      };

describe.each(await availableEngines(undefined, { ownSettings: true }))('%s', (engine) => {
  let behind: TlsServer;
  let proxy: TlsProxy;
  const mysql = engine.startsWith('mysql');
  const own = mysql ? 'caching_sha2_password' : 'mysql_native_password';
  const clients = Object.entries(mysql ? { ...drivers, ...ofMysql } : drivers);
  beforeAll(async () => {
    behind = await startTlsServer(engine, { general_log: '0' });
    const { ca } = behind;
    const shown = ca.issue('proxy', ['127.0.0.1', 'localhost']);
    // With the CA behind it, as a server sends it that is given its CA.
    writeFileSync(shown.cert, readFileSync(shown.cert, 'utf8') + readFileSync(ca.cert, 'utf8'));
    proxy = await startTlsProxy(bothListeners(behind, shown));
  });
  afterAll(async () => {
    await proxy?.stop();
    await behind?.stop();
  });
  const portOf = ({ server }: Legs): number => proxy.portOf(server ? 'tls' : 'plain');
  /** MySQL forgets the passwords that it has seen: a log-in shows the whole exchange. */
  const flushed = async (): Promise<void> => {
    if (mysql) await ask(behind.server.url(), 'FLUSH PRIVILEGES');
  };

  test.each(clients)('%s', async (name, client) => {
    const welcome: string[] = [];
    const users = Object.values(behind.server.accounts).map(({ user }) => user);
    // Slow to start, and has only the one.
    for (const user of name === 'pymysql' ? [own] : users) {
      for (const tls of [false, true]) {
        await flushed();
        const direct = await client(behind.server.port, user, tls);
        if (tls && direct.includes(`${user}@%`)) welcome.push(user);
        for (const legs of everyPair.filter((one) => one.client === tls)) {
          await flushed();
          expect(await client(portOf(legs), user, tls), `${user}, ${nameOf(legs)}`).toBe(direct);
        }
      }
    }
    // Not every client has every plugin, but its server's own each of them has.
    expect(welcome).toContain(own);
  });

  test('interlock check --connect says so before', async () => {
    const { server, ca, certificate } = behind;
    const check = async (url: string, serverTls: string): Promise<Run> => {
      const file = join(ca.folder, 'check.yaml');
      const tls = `tls: { cert: ${certificate.cert}, key: ${certificate.key} }, server_tls: ${serverTls}`;
      writeFileSync(file, `listeners: [{ name: main, listen: "127.0.0.1:0", server: "${url}", ${tls} }]\n`);
      return runTool(process.execPath, [cli, 'check', '-c', file, '--connect']);
    };
    const verified = await check(server.url(own, password), `{ mode: verify-full, ca: ${ca.cert} }`);
    expect(verified).toMatchObject({ status: 0, stderr: '' });
    expect(verified.stdout).toContain(server.version.replace(/-log$/, ''));
    expect(verified.stdout).toMatch(/TLSv1\.3, certificate verified \(verify-full\)/);
    expect(verified.stdout).toMatch(/isolation by default +REPEATABLE-READ/);
    expect(verified.stdout).toMatch(
      engine === 'mariadb-11.8'
        ? /works +TLS -> TLS +MariaDB's clients/
        : /depends +TLS -> TLS +MariaDB's clients/,
    );
    expect(verified.stdout).not.toContain(password);
    const plain = await check(`mysql://127.0.0.1:${server.port}`, '{ mode: disable }');
    expect(plain.status).toBe(0);
    expect(plain.stdout).toMatch(
      /depends +TLS -> plain +mysql_clear_password[^]*server_tls\.mode to require/,
    );
    const wrong = await check(server.url(own, 'wrong'), '{ mode: prefer }');
    expect(wrong.status).toBe(2);
    expect(wrong.stdout).toMatch(/FAILS .*cannot log in: 1045/);
    const stranger = await check(server.url(own, password), '{ mode: verify-full, ca: system }');
    expect(stranger.status).toBe(2);
    expect(stranger.stdout).toMatch(/FAILS .*unknown CA\. Name the CA/);
  });
});

/**
 * From 11.4 on the client verifies the server by default, without a CA too: the server proves at the end of the log-in that it
 * knows the password and which certificate it has shown. Addresses of this machine are trusted, the name is not.
 */
describe.skipIf(newMariadb === undefined || !(await availableEngines()).includes('mariadb-11.8'))(
  "MariaDB's clients that verify by default",
  () => {
    let behind: TlsServer;
    let proxy: TlsProxy;
    const listeners = ['none', 'other', 'same'] as const;
    const untrusted = /Certificate verification failure: The certificate is NOT trusted/;
    beforeAll(async () => {
      behind = await startTlsServer('mariadb-11.8', { general_log: '0' });
      const { ca, certificate, server } = behind;
      const withCa = (file: string, { cert, key }: Certificate): string => {
        const path = join(ca.folder, file);
        writeFileSync(path, readFileSync(cert, 'utf8') + readFileSync(ca.cert, 'utf8'));
        return `tls: { cert: ${path}, key: ${key} }`;
      };
      const shown: Record<(typeof listeners)[number], string> = {
        none: 'tls: { mode: "off", cert: x, key: x }',
        other: withCa('other-chain.pem', ca.issue('other', ['127.0.0.1', 'localhost'])),
        same: withCa('same-chain.pem', certificate),
      };
      const common = `listen: "127.0.0.1:0", server: "mysql://127.0.0.1:${server.port}?ssl-mode=REQUIRED"`;
      proxy = await startTlsProxy(listeners.map((name) => `{ name: ${name}, ${common}, ${shown[name]} }`));
    });
    afterAll(async () => {
      await proxy?.stop();
      await behind?.stop();
    });
    const run = async (port: number, host: string, ...options: string[]): Promise<string> => {
      const login = ['--protocol=tcp', `-h${host}`, `-P${port}`, '-uroot', `-p${password}`];
      const { file, args } = newMariadb!(...login, '-N', '-e', sql, ...options);
      const { stdout, stderr } = await runTool(file, args);
      return (stdout + stderr).trim();
    };

    test('directly', async () => {
      for (const host of ['127.0.0.1', 'localhost'])
        expect(await run(behind.server.port, host)).toBe('root@%');
    });

    test("a listener without a certificate: only with the client's TLS switched off", async () => {
      const port = proxy.portOf('none');
      expect(await run(port, '127.0.0.1')).toMatch(/SSL is required, but the server does not support it/);
      expect(await run(port, '127.0.0.1', '--skip-ssl')).toBe('root@%');
      expect(await run(port, '127.0.0.1', '--disable-ssl-verify-server-cert')).toBe('root@%');
    });

    test("another certificate than the server's: by address, or with its CA, or unverified", async () => {
      const port = proxy.portOf('other');
      expect(await run(port, 'localhost')).toMatch(untrusted);
      expect(await run(port, '127.0.0.1')).toBe('root@%');
      expect(await run(port, 'localhost', `--ssl-ca=${behind.ca.cert}`)).toBe('root@%');
      expect(await run(port, 'localhost', '--disable-ssl-verify-server-cert')).toBe('root@%');
    });

    test("the server's own certificate and key: everywhere", async () => {
      const port = proxy.portOf('same');
      for (const host of ['127.0.0.1', 'localhost']) expect(await run(port, host)).toBe('root@%');
    });
  },
);
