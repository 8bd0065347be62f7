/** The test support itself: a helper that lies makes every other test lie. */
import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dirname } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { parseMetrics } from '../../src/demo/interlock-process.ts';
import { parseLog } from '../../src/demo/server-log.ts';
import { availableVersions, pointed, run, startPostgres } from './postgres.ts';

describe.each(availableVersions(undefined, 'own'))('PostgreSQL %i', (version) => {
  test('starts, is that version, logs what it is asked, and leaves nothing behind', async () => {
    const server = await startPostgres({ version, own: true });
    const [result] = await run(server.url, 'SHOW server_version_num');
    expect(String(result?.rows[0]?.server_version_num)).toMatch(new RegExp(`^${version}`));
    await run(server.url, 'SELECT\n  1');
    expect(server.statements().at(-1)).toMatchObject({ text: 'SELECT\n  1', via: 'simple' });
    const client = new pg.Client({ connectionString: server.url, application_name: 'me' });
    await client.connect();
    await client.query('SELECT $1::int', [1]);
    expect(server.statements().at(-1)).toMatchObject({
      text: 'SELECT $1::int',
      via: 'extended',
      application: 'me',
    });
    await client.end();
    await server.stop();
    expect(existsSync(dirname(server.logFile ?? ''))).toBe(false);
    await expect(run(server.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });

  test.each(['password', 'md5', 'scram-sha-256'] as const)(
    'asks role app for its password: %s',
    async (auth) => {
      const server = await startPostgres({ version, auth });
      const [result] = await run(server.appUrl, 'SELECT current_user AS name');
      expect(result?.rows).toEqual([{ name: 'app' }]);
      const wrong = new URL(server.appUrl);
      wrong.password = 'guess';
      await expect(run(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
      await server.stop();
    },
  );
});

test('a server does not outlive a process that is killed', async () => {
  const [version] = availableVersions([18], 'own');
  if (version === undefined) return;
  const support = new URL('postgres.ts', import.meta.url).href;
  const script = `const { startPostgres } = await import(${JSON.stringify(support)});
    const server = await startPostgres({ version: ${version}, own: true });
    console.log(server.url);
    process.kill(process.pid, 'SIGKILL');`;
  const tsx = fileURLToPath(import.meta.resolve('tsx/cli'));
  const child = spawnSync(process.execPath, [tsx, '--input-type=module', '-e', script], { encoding: 'utf8' });
  const url = child.stdout.trim();
  expect(url, child.stderr).toMatch(/^postgres:/);
  let refused = false;
  for (const deadline = Date.now() + 10_000; !refused && Date.now() < deadline; await delay(20)) {
    refused = await run(url, 'SELECT 1').then(
      () => false,
      (error: { code?: string }) => error.code === 'ECONNREFUSED',
    );
  }
  expect(refused).toBe(true);
});

test('metrics: samples by name and labels', () => {
  const text = '# HELP a b\na{x="1"} 2\na{x="2"} 3\nb 4\n';
  expect(parseMetrics(text)).toEqual({ a: 5, 'a{x="1"}': 2, 'a{x="2"}': 3, b: 4 });
});

test('server log: prefix, continuation lines, other messages left out', () => {
  const text = [
    '@7@app@ LOG:  statement: SELECT 1',
    '@7@app@ ERROR:  syntax error',
    '@7@app@ STATEMENT:  SELEC',
    '@8@@ LOG:  execute s1: SELECT $1',
    '\t  AS x',
    "@8@@ DETAIL:  Parameters: $1 = '1'",
    '',
  ].join('\n');
  expect(parseLog(text)).toEqual([
    { pid: 7, application: 'app', text: 'SELECT 1', via: 'simple' },
    { pid: 8, application: '', text: 'SELECT $1\n  AS x', via: 'extended' },
  ]);
});

test('pointed: host, port, database and user', () => {
  const url = 'postgres://a:b@h:1/d';
  expect(pointed(url, { host: 'x', port: 2, database: 'e', user: 'u' })).toBe('postgres://u:b@x:2/e');
});
