/**
 * Real clients over every pair of legs: what they say through Interlock is what they say to the server directly, when the
 * server's password cache is empty too. And MariaDB's clients from 11.4 on, which check the server's certificate by default.
 */
import mariadb from 'mariadb';
import { createConnection } from 'mysql2/promise';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLineClient } from '../../support/mysql-clients.ts';
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
import { runTool } from '../tool.ts';

const password = 'secret';
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
  const clients = Object.entries(mysql ? { ...drivers, ...ofMysql } : drivers);
  beforeAll(async () => {
    behind = await startTlsServer(engine, { general_log: '0' });
    proxy = await startTlsProxy(bothListeners(behind, behind.ca.issue('proxy', ['127.0.0.1', 'localhost'])));
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

  test.each(clients)('%s', async (_, client) => {
    for (const user of Object.values(behind.server.accounts).map((account) => account.user)) {
      for (const tls of [false, true]) {
        await flushed();
        const direct = await client(behind.server.port, user, tls);
        if (tls) expect(direct).toContain(`${user}@%`);
        for (const legs of everyPair.filter((one) => one.client === tls)) {
          await flushed();
          expect(await client(portOf(legs), user, tls), `${user}, ${nameOf(legs)}`).toBe(direct);
        }
      }
    }
  });
});
