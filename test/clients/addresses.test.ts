/**
 * Addresses on both sides of one process: Unix sockets and IPv6, PostgreSQL and MariaDB, with the clients that people use.
 * Every session says itself how it got there.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableEngines, startMysql, type Mysql } from '../support/mysql.ts';
import { availableVersions, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { have } from './debian.ts';
import { runTool, runWell } from './tool.ts';

const ipv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
if (!ipv6) process.stderr.write('\n*** NOT TESTED: IPv6, there is no ::1 here\n\n');
const loopback = ipv6 ? '127.0.0.1,::1' : '127.0.0.1';
const [version] = availableVersions([18], 'own');
const [engine] = await availableEngines(['mariadb-11.8'], { ownSettings: true });
const tools = version !== undefined && engine !== undefined && have('psql') && have('mariadb');
/** Its password is `secret`, wherever it comes from. */
const account = 'mysql_native_password';

describe.runIf(tools)('addresses', () => {
  let folder: string;
  let postgres: Postgres;
  let mariadb: Mysql;
  let proxy: Proxy;
  const ports = new Map<unknown, number>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'il-'));
    chmodSync(folder, 0o777);
    const hba = ['local all all trust', 'host all all ::1/128 trust'];
    const own = { listen_addresses: loopback, unix_socket_directories: folder };
    postgres = await startPostgres({ version: version!, hba, settings: own });
    const socket = join(folder, 'mariadb.sock');
    mariadb = await startMysql({ engine: engine!, settings: { socket, bind_address: loopback } });
    const listener = (name: string, listen: string, server: string): string =>
      `  - { name: ${name}, listen: "${listen}", server: "${server}" }\n`;
    const listeners = [
      listener(
        'pg-unix',
        `unix:${folder}/.s.PGSQL.6432`,
        `postgres:///?host=${folder}&port=${postgres.port}`,
      ),
      listener('my-unix', `unix:${folder}/interlock.sock`, `mysql:///?socket=${socket}`),
      ...(ipv6
        ? [
            listener('pg-six', '[::1]:0', `postgres://[::1]:${postgres.port}`),
            listener('my-six', '[::1]:0', `mysql://[::1]:${mariadb.port}`),
          ]
        : []),
    ];
    proxy = await startInterlock({ server: postgres.url, config: `listeners:\n${listeners.join('')}` });
    for (const line of proxy.logs())
      if (line.msg === 'listening') ports.set(line['listener'], Number(line['port']));
  });
  afterAll(async () => {
    await proxy?.stop();
    expect(existsSync(join(folder, 'interlock.sock'))).toBe(false);
    await mariadb?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const inspected = async (): Promise<number> =>
    (await proxy.metrics())['interlock_statements_inspected_total'] ?? 0;
  const psql = (...args: string[]): Promise<string> => runWell('psql', ['-XAtU', 'postgres', ...args]);
  const mysql = (...args: string[]): Promise<string> =>
    runWell('mariadb', ['--no-defaults', `-u${account}`, '-psecret', '-N', ...args]);
  const whereFrom = "SELECT coalesce(host(inet_client_addr()), 'socket')";

  test('psql over a Unix socket, to a server behind one', async () => {
    const before = await inspected();
    expect(await psql('-h', folder, '-p', '6432', '-c', whereFrom)).toBe('socket\n');
    expect(await inspected()).toBe(before + 1);
    expect(statSync(join(folder, '.s.PGSQL.6432')).mode & 0o777).toBe(0o777);
  });

  test('mariadb over a Unix socket, to a server behind one', async () => {
    const before = await inspected();
    expect(await mysql('--socket', join(folder, 'interlock.sock'), '-e', 'SELECT USER()')).toBe(
      `${account}@localhost\n`,
    );
    expect(await inspected()).toBeGreaterThan(before);
  });

  test.runIf(ipv6)('both over IPv6', async () => {
    expect(await psql('-h', '::1', '-p', String(ports.get('pg-six')), '-c', whereFrom)).toBe('::1\n');
    const args = ['-h', '::1', '-P', String(ports.get('my-six')), '--skip-ssl', '-e', 'SELECT USER()'];
    expect(await mysql(...args)).toBe(`${account}@::1\n`);
  });

  test('Ctrl-C in psql over a Unix socket cancels the query', async () => {
    const args = ['-X', '-h', folder, '-p', '6432', '-U', 'postgres', '-c', 'SELECT pg_sleep(60)'];
    const child = spawn('psql', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const sleeping = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    await expect.poll(async () => (await run(postgres.url, sleeping))[0]?.rows).toEqual([{ n: 1 }]);
    child.kill('SIGINT');
    await once(child, 'close');
    expect(stderr).toContain('canceling statement due to user request');
  });

  test('a server whose socket is gone: said with the path', async () => {
    await mariadb.stop();
    const { stderr } = await runTool('mariadb', [
      '--no-defaults',
      `-u${account}`,
      '-psecret',
      '--socket',
      join(folder, 'interlock.sock'),
    ]);
    expect(stderr).toMatch(
      /1429.*Interlock cannot connect to the server at .*mariadb\.sock: (ENOENT|ECONNREFUSED)/,
    );
  });
});
