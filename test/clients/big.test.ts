/**
 * What is long or never ends, with programs that Debian has: replication of both kinds, large objects by function call, COPY of
 * 100 MB both ways, a row of 100 MB, binlog dumps, a client that asks for compression. Directly and through the proxy alike;
 * in raw relay is only what has to be.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableEngines, ask, startMysql, type Mysql } from '../support/mysql.ts';
import { availableVersions, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { have } from './debian.ts';
import { runWell } from './tool.ts';

const folder = mkdtempSync(join(tmpdir(), 'interlock-big-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const md5 = (bytes: Buffer | string): string => createHash('md5').update(bytes).digest('hex');
const raw = async (proxy: Proxy, why: string): Promise<number> =>
  (await proxy.metrics())[`interlock_raw_relay_sessions_total{why="${why}"}`] ?? 0;

// Debian's replication programs do not talk to newer servers than they are.
describe.each(have('psql') ? availableVersions([15], 'own') : [])('PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxy: Proxy;
  let through: Record<string, string>;

  beforeAll(async () => {
    server = await startPostgres({
      version,
      own: true,
      settings: { wal_level: 'logical', log_statement: 'none', autovacuum: 'off' },
      hba: ['host replication all 127.0.0.1/32 trust'],
    });
    proxy = await startInterlock({ server, mode: 'rewrite', tables: ['*'] });
    through = { ...server.psqlEnv, PGHOST: '127.0.0.1', PGPORT: String(proxy.port) };
    await run(server.url, 'CREATE TABLE t (n int, x text)', 'CREATE PUBLICATION p FOR TABLE t');
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const lsn = async (): Promise<string> =>
    (await run(server.url, 'SELECT pg_current_wal_lsn()::text AS lsn'))[0]!.rows[0].lsn;

  test('physical replication: the same log', async () => {
    await run(
      server.url,
      'SELECT pg_switch_wal()',
      "INSERT INTO t SELECT n, 'x' FROM generate_series(1, 30000) n",
    );
    const end = await lsn();
    // What comes behind tells the program that it has the end.
    await run(server.url, "INSERT INTO t VALUES (0, 'z')");
    const bytes = Number.parseInt(end.split('/')[1]!, 16) % (16 * 1024 * 1024);
    const received = async (env: Record<string, string>): Promise<string> => {
      const into = mkdtempSync(join(folder, 'wal-'));
      await runWell('pg_receivewal', ['-D', into, '--no-loop', '--no-sync', `--endpos=${end}`], { env });
      const [file, more] = readdirSync(into).sort();
      expect(more).toBeUndefined();
      return md5(readFileSync(join(into, file!)).subarray(0, bytes));
    };
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(await received(through)).toBe(await received(server.psqlEnv));
    expect(await raw(proxy, 'replication')).toBe(1);
  });

  test('logical replication: the same changes', async () => {
    for (const slot of ['directly', 'proxied_'])
      await run(server.url, `SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    await run(
      server.url,
      "INSERT INTO t SELECT n, repeat('y', 500) FROM generate_series(1, 5000) n",
      'TRUNCATE t',
    );
    const end = await lsn();
    await run(server.url, "INSERT INTO t VALUES (0, 'z')");
    const received = async (env: Record<string, string>, slot: string): Promise<string> => {
      const file = join(folder, slot);
      const options = ['-o', 'proto_version=1', '-o', 'publication_names=p', '-f', file];
      const range = ['-d', 'postgres', '-S', slot, '--start', '--no-loop', `--endpos=${end}`];
      await runWell('pg_recvlogical', [...range, ...options], { env });
      const changes = readFileSync(file);
      expect(changes.length).toBeGreaterThan(2_000_000);
      return md5(changes);
    };
    expect(await received(through, 'proxied_')).toBe(await received(server.psqlEnv, 'directly'));
    expect(await raw(proxy, 'replication')).toBe(2);
  });

  const psql = (env: Record<string, string>, ...commands: string[]): Promise<string> =>
    runWell(
      'psql',
      ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', ...commands.flatMap((one) => ['-c', one])],
      { env },
    );

  test('large objects, by function call', async () => {
    const file = join(folder, 'object');
    writeFileSync(file, randomBytes(1_500_000));
    await psql(through, `\\lo_import ${file}`, `\\lo_export :LASTOID ${file}.back`);
    expect(md5(readFileSync(`${file}.back`))).toBe(md5(readFileSync(file)));
  });

  test('COPY of 100 MB, out and in, both through the proxy', async () => {
    const rows = 'SELECT n, repeat(md5(n::text), 32) FROM generate_series(1, 100000) n';
    await psql(through, 'CREATE UNLOGGED TABLE big (n int, x text)');
    const url = `postgres://${server.psqlEnv['PGUSER']}@127.0.0.1:${proxy.port}/postgres`;
    await runWell('bash', [
      '-c',
      `set -o pipefail; psql -X -q '${url}' -c "COPY (${rows}) TO STDOUT" | psql -X -q '${url}' -c 'COPY big FROM STDIN'`,
    ]);
    const sum = 'count(*), sum(length(x)), sum(hashtext(x)::int8)';
    expect(await psql(server.psqlEnv, `SELECT ${sum} FROM big`)).toBe(
      await psql(server.psqlEnv, `SELECT ${sum} FROM (${rows}) q (n, x)`),
    );
  });

  test('a row of 100 MB', async () => {
    const row = await psql(through, "SELECT repeat('0123456789', 10000000)");
    expect([row.length, md5(row)]).toEqual([100_000_001, md5(`${'0123456789'.repeat(10_000_000)}\n`)]);
  });

  test('in raw relay was only replication', async () => {
    const metrics = await proxy.metrics();
    expect(metrics.interlock_raw_relay_sessions_total).toBe(2);
    expect(metrics.interlock_problems_total).toBe(0);
    expect(metrics.interlock_protocol_errors_total ?? 0).toBe(0);
  });
});

const programs = have('mariadb');
describe.each(programs ? await availableEngines(undefined, { ownSettings: true }) : [])('%s', (engine) => {
  let server: Mysql;
  let proxy: Proxy;

  beforeAll(async () => {
    server = await startMysql({
      engine,
      settings: { max_allowed_packet: '256M', log_bin: 'binlog', server_id: '1', general_log: '0' },
    });
    proxy = await startInterlock({ server: server.url(), mode: 'rewrite', tables: ['*'] });
    await ask(server.url(), 'CREATE DATABASE logged', 'CREATE TABLE logged.t (n int, x text)');
    await ask(
      server.url(),
      `INSERT INTO logged.t VALUES ${Array.from({ length: 5000 }, (_, n) => `(${n}, REPEAT('x', 300))`).join()}`,
    );
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const login = (port: number): string[] => [
    '--no-defaults',
    '-h',
    '127.0.0.1',
    '-P',
    String(port),
    '-uroot',
    '-psecret',
  ];

  const firstLog = async (): Promise<string> =>
    (await ask<{ Log_name: string }>(server.url(), 'SHOW BINARY LOGS'))[0]!.Log_name;

  // Debian's program knows no newer servers than itself.
  if (engine === 'mariadb-10.11')
    test('mariadb-binlog: the same log', async () => {
      const log = await firstLog();
      const received = async (port: number, name: string): Promise<string> => {
        const into = mkdtempSync(join(folder, name));
        await runWell('mariadb-binlog', [...login(port), '-R', '--raw', `--result-file=${into}/`, log]);
        const [file] = readdirSync(into);
        const bytes = readFileSync(join(into, file!));
        expect(bytes.length).toBeGreaterThan(10_000);
        return md5(bytes);
      };
      expect(await received(proxy.port, 'proxied')).toBe(await received(server.port, 'direct'));
      expect(await raw(proxy, 'replication')).toBe(1);
    });

  if (engine !== 'mariadb-10.11')
    test('a row of 100 MB', async () => {
      const size = [
        '--max-allowed-packet=256M',
        '--quick',
        '-N',
        '-e',
        "SELECT REPEAT('0123456789', 10000000)",
      ];
      const row = await runWell('mariadb', [...login(proxy.port), ...size]);
      expect([row.length, md5(row)]).toEqual([100_000_001, md5(`${'0123456789'.repeat(10_000_000)}\n`)]);
    });

  test('a client that asks for compression goes on without', async () => {
    const asked = ['--compress', '-N', '-e', "SHOW STATUS LIKE 'Compression'; SELECT REPEAT('z', 200000)"];
    const directly = await runWell('mariadb', [...login(server.port), ...asked]);
    const proxied = await runWell('mariadb', [...login(proxy.port), ...asked]);
    expect(directly).toContain('Compression\tON\n');
    expect(proxied).toBe(directly.replace('Compression\tON', 'Compression\tOFF'));
    const metrics = await proxy.metrics();
    expect(metrics.interlock_raw_relay_sessions_total ?? 0).toBe(engine === 'mariadb-10.11' ? 1 : 0);
    expect(metrics.interlock_problems_total).toBe(0);
  });
});
