/** The engines themselves: they log what a test wants to read, let every account in, and leave nothing behind. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, parseGeneralLog, startMysql, type Mysql } from './mysql.ts';

test('general log of MySQL: several lines, several commands, not the header', () => {
  const log = [
    '/usr/sbin/mysqld, Version: 9.7.4 ((Debian)). started with:',
    'Tcp port: 1  Unix socket: /tmp/s',
    'Time                 Id Command    Argument',
    '2026-11-25T01:35:46.737167Z\t    8 Connect\troot@127.0.0.1 on  using TCP/IP',
    '2026-11-25T01:35:46.737684Z\t    8 Query\tSELECT 1,',
    '\t2',
    '2026-11-25T01:35:46.745072Z\t   12 Close stmt\t',
    '2026-11-25T01:35:46.745072Z\t    8 Quit\t',
    '',
  ];
  expect(parseGeneralLog(log.join('\n'))).toEqual([
    { connection: 8, command: 'Connect', text: 'root@127.0.0.1 on  using TCP/IP' },
    { connection: 8, command: 'Query', text: 'SELECT 1,\n\t2' },
    { connection: 12, command: 'Close stmt', text: '' },
    { connection: 8, command: 'Quit', text: '' },
  ]);
});

test('general log of MariaDB: the time stands only where it changed', () => {
  const log = [
    '261125  1:35:06\t     3 Connect\troot@127.0.0.1 on  using TCP/IP',
    '\t\t     3 Prepare\tSELECT ?',
    '\t\t     3 Execute\tSELECT 1',
    '261125 11:35:06\t     3 Close stmt\t',
    '',
  ];
  expect(parseGeneralLog(log.join('\n'))).toEqual([
    { connection: 3, command: 'Connect', text: 'root@127.0.0.1 on  using TCP/IP' },
    { connection: 3, command: 'Prepare', text: 'SELECT ?' },
    { connection: 3, command: 'Execute', text: 'SELECT 1' },
    { connection: 3, command: 'Close stmt', text: '' },
  ]);
});

/** Refused connections only: whatever else happens is thrown. */
const listens = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('connect', () => socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNREFUSED' ? resolve(false) : reject(error),
    );
  });

describe.each(await availableEngines(undefined, { ownSettings: true }))('%s', (engine) => {
  let server: Mysql;
  beforeAll(async () => {
    server = await startMysql({
      engine,
      isolation: 'READ COMMITTED',
      settings: { sql_mode: 'NO_BACKSLASH_ESCAPES' },
    });
  });
  afterAll(() => server.stop());

  test('is what it is called, with the settings it was given', async () => {
    const product = engine.startsWith('mariadb') ? /^\d+\.\d+.*-MariaDB/ : /^\d+\.\d+(?!.*MariaDB)/;
    expect(server.version).toMatch(product);
    expect(server.version.startsWith(engine.split('-')[1] ?? '')).toBe(true);
    const variables = await ask<{ Variable_name: string; Value: string }>(
      server.url(),
      `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation', 'sql_mode')`,
    );
    const values = new Set(variables.map((row) => row.Value));
    expect(values).toEqual(new Set(['READ-COMMITTED', 'NO_BACKSLASH_ESCAPES']));
  });

  test('logs every command of every connection', async () => {
    const connection = await createConnection(server.url());
    await connection.query('SELECT 1,\n2');
    await connection.execute('SELECT ? + 1', ['7']);
    const own = server.commands().filter((entry) => entry.connection === connection.threadId);
    await connection.end();
    expect(own.map(({ command, text }) => `${command}: ${text}`).slice(1)).toEqual([
      'Query: SELECT 1,\n2',
      'Prepare: SELECT ? + 1',
      `Execute: SELECT '7' + 1`,
    ]);
  });

  test('has an account for each of its plugins', async () => {
    expect(Object.keys(server.accounts).length).toBeGreaterThan(0);
    for (const [plugin, { user }] of Object.entries(server.accounts)) {
      const rows = await ask<{ plugin: string }>(
        server.url(),
        `SELECT plugin FROM mysql.user WHERE user = '${user}'`,
      );
      expect(rows).toEqual([{ plugin }]);
    }
    const known = ['mysql_native_password', 'caching_sha2_password'] as const;
    const [account] = known.map((plugin) => server.accounts[plugin]).filter((found) => found !== undefined);
    const database = await server.newDatabase();
    const url = server.url(account?.user, account?.password, database);
    expect(await ask(url, 'SELECT USER() AS user, DATABASE() AS db')).toEqual([
      { user: `${account?.user}@127.0.0.1`, db: database },
    ]);
  });

  test('ends with the process that started it, even when that is killed', async () => {
    const module = fileURLToPath(new URL('./mysql.ts', import.meta.url));
    const script = `const { startMysql } = await import(${JSON.stringify(module)});
      const server = await startMysql({ engine: ${JSON.stringify(engine)} });
      console.log(JSON.stringify([server.port, server.generalLogFile]));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data) => resolve(String(data))),
    );
    const [port, log] = JSON.parse(line) as [number, string];
    expect(await listens(port)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => listens(port), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => existsSync(log), { timeout: 10_000 }).toBe(false);
  });
});
