/**
 * SCRAM over two TLS states, the five cells of protocol.md (PostgreSQL 7), each with libpq (psql, psycopg), asyncpg and
 * node-postgres. What they do is what `interlock check --connect` says of the same configuration.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authority, noOpenssl, type Authority } from '../support/certificates.ts';
import { availableVersions, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { have } from './debian.ts';
import { runTool } from './tool.ts';

const why = noOpenssl();
if (why !== undefined) process.stderr.write(`\n*** NOT TESTED: TLS: ${why}\n\n`);
const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

type Binding = 'disable' | 'prefer' | 'require';
interface CellTest {
  name: string;
  client: 'disable' | 'require';
  server: 'disable' | 'verify-full';
  certificate: 'none' | 'own' | 'of the server';
  /** Which settings of channel_binding get in, and with what the others fail. */
  refused: Partial<Record<Binding, RegExp>>;
}
const cells: CellTest[] = [
  {
    name: 'plain, plain',
    client: 'disable',
    server: 'disable',
    certificate: 'none',
    refused: { require: /channel binding required, but SSL not in use/ },
  },
  {
    name: 'plain, TLS',
    client: 'disable',
    server: 'verify-full',
    certificate: 'none',
    refused: { require: /channel binding required, but SSL not in use/ },
  },
  {
    name: 'TLS, plain',
    client: 'require',
    server: 'disable',
    certificate: 'own',
    refused: { require: /server did not offer an authentication method that supports channel binding/ },
  },
  {
    name: 'TLS, TLS, same certificate',
    client: 'require',
    server: 'verify-full',
    certificate: 'of the server',
    refused: {},
  },
  {
    name: 'TLS, TLS, another certificate',
    client: 'require',
    server: 'verify-full',
    certificate: 'own',
    refused: {
      prefer: /SCRAM channel binding check failed/,
      require: /SCRAM channel binding check failed/,
    },
  },
];

/** Connects with the settings of its first argument (libpq's words) and prints who it is. */
const psycopg = `
import sys, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    print(connection.execute('SELECT current_user').fetchone()[0])
`;
const asyncpg = `
import asyncio, sys, asyncpg
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    print(await connection.fetchval('SELECT current_user'))
    await connection.close()
asyncio.run(main())
`;

describe.skipIf(why !== undefined).each(availableVersions([15, 18], 'own'))('PostgreSQL %i', (version) => {
  let ca: Authority;
  let server: Postgres;
  let proxy: Proxy;
  let config: string;
  const folder = mkdtempSync(join(tmpdir(), 'interlock-tls-clients-'));
  const ports = new Map<string, number>();

  beforeAll(async () => {
    ca = authority();
    const certificate = ca.issue('server', ['localhost']);
    const own = ca.issue('proxy', ['localhost']);
    server = await startPostgres({ version, auth: 'scram-sha-256', tls: certificate });
    const listeners = cells.map(({ client, server: mode, certificate: shown }, index) => {
      const { cert, key } = shown === 'own' ? own : certificate;
      const verified = mode === 'disable' ? '' : `, ca: ${ca.cert}`;
      const tls = client === 'disable' ? '' : `, tls: { mode: require, cert: ${cert}, key: ${key} }`;
      return `  - { name: L${index}, listen: '127.0.0.1:0', server: 'postgres://app:secret@localhost:${server.port}/postgres', server_tls: { mode: ${mode}${verified} }${tls} }\n`;
    });
    config = `listeners:\n${listeners.join('')}`;
    proxy = await startInterlock({ server, config });
    for (const { msg, listener, port } of proxy.logs())
      if (msg === 'listening') ports.set(cells[Number(String(listener).slice(1))]!.name, Number(port));
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
    ca?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const conninfo = ({ name, client }: CellTest, binding: Binding): string =>
    `host=127.0.0.1 port=${ports.get(name)} user=app password=secret dbname=postgres sslmode=${client} channel_binding=${binding}`;

  describe.each(cells)('$name', (cell) => {
    const { refused } = cell;
    const url = (sslmode: string): string =>
      `postgres://app:secret@127.0.0.1:${ports.get(cell.name)}/postgres?sslmode=${sslmode}`;

    describe.each(['disable', 'prefer', 'require'] as const)('channel_binding=%s', (binding) => {
      const expected = (said: { status: number | null; stdout: string; stderr: string }): void => {
        if (refused[binding] === undefined) expect(said).toMatchObject({ status: 0, stdout: 'app\n' });
        else expect(said.stderr).toMatch(refused[binding]);
      };
      test.skipIf(!have('psql'))('psql', async () => {
        expected(await runTool('psql', ['-X', '-Atc', 'SELECT current_user', conninfo(cell, binding)]));
      });
      // libpq once more, so one setting and one version will do.
      if (version === 18 && binding === 'prefer')
        test.skipIf(!have('psycopg'))('psycopg', async () => {
          expected(await runTool('/usr/bin/python3', ['-c', psycopg, conninfo(cell, binding)]));
        });
    });

    if (version === 18)
      test.skipIf(!have('asyncpg'))('asyncpg, which does not bind', async () => {
        const said = await runTool('/usr/bin/python3', ['-c', asyncpg, url(cell.client)]);
        expect(said).toMatchObject({ status: 0, stdout: 'app\n' });
      });

    test.each([false, true])('node-postgres, enableChannelBinding %s', async (enableChannelBinding) => {
      const ssl = cell.client === 'require' && { rejectUnauthorized: false };
      const client = new pg.Client({
        connectionString: url('disable').replace(/\?.*/, ''),
        ssl,
        enableChannelBinding,
      });
      client.on('error', () => undefined);
      const connected = client.connect().then(
        () => 'in',
        (error: Error) => error.message,
      );
      if (enableChannelBinding && cell.name === 'plain, TLS')
        // Without TLS it says that it would bind if only the server could: the server takes that for a downgrade.
        expect(await connected).toMatch(/SCRAM channel binding negotiation error/);
      else if (enableChannelBinding && refused.prefer !== undefined)
        expect(await connected).toMatch(refused.prefer);
      else expect(await connected).toBe('in');
      await client.end();
    });
  });

  test('it is said at start where a log-in may fail', () => {
    const warned = proxy
      .logs()
      .filter(({ msg, level }) => level === 'warn' && String(msg).includes('channel_binding'));
    expect(warned.map(({ listener }) => listener)).toEqual(['L3', 'L4']);
  });

  test('interlock check --connect says the same', () => {
    const file = join(folder, 'check.yaml');
    writeFileSync(file, config);
    const { status, stdout } = spawnSync(process.execPath, [cli, 'check', '-c', file, '--connect'], {
      encoding: 'utf8',
    });
    const listeners = stdout.split(/^listener L\d+$/m).slice(1);
    expect(listeners).toHaveLength(cells.length);
    for (const [index, { refused, client, server: mode }] of cells.entries()) {
      const text = listeners[index]!;
      expect(text).toMatch(/version +\d+\.\d+/);
      expect(text).toMatch(/isolation by default +read committed/);
      const legs = `${client === 'disable' ? 'plain' : 'TLS'} -> ${mode === 'disable' ? 'plain' : 'TLS'}`;
      const result = (login: string) =>
        new RegExp(`^ +(\\w+) +${legs} +scram-sha-256, ${login}`, 'm').exec(text)?.[1];
      expect(result('no channel binding')).toBe('works');
      expect(result('channel_binding=prefer')).toBe(refused.prefer === undefined ? 'works' : 'FAILS');
      if (client === 'require')
        expect(result('channel_binding=require')).toBe(refused.require === undefined ? 'works' : 'depends');
    }
    expect(stdout).toContain('give the listener the certificate and key of the server');
    expect(stdout).not.toContain('secret');
    expect(status).toBe(2);
  });
});
