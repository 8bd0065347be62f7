import { spawnSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
const example = fileURLToPath(new URL('../../../config.example.yaml', import.meta.url));

function interlock(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', cli, ...args], {
    env: { PATH: process.env.PATH },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: status, out: stdout, err: stderr };
}

test('check: the example passes with an empty environment', { timeout: 60_000 }, () => {
  expect(interlock('check', '-c', example)).toEqual({
    code: 0,
    out:
      'ok: 1 listener(s), 5 rules, 8 examples\n' +
      'a running Interlock reads changed rules by itself; it has to be restarted for listeners, limits, breaker, learn, admin, log, workers\n',
    err: '',
  });
});

test('wrong usage and wrong config are exit code 2, on stderr', { timeout: 60_000 }, () => {
  expect(interlock()).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('--server or -c is needed'),
  });
  expect(interlock('--server', 'http://db', '--mode', 'on')).toMatchObject({
    code: 2,
    out: '',
    err: '--server: the URL has to begin with postgres://, postgresql://, mysql:// or mariadb://\n--mode: expected one of off, observe, rewrite\n',
  });
  expect(interlock('-c', example, '--mode', 'off').err).toContain('-c and --mode exclude each other');
});

test('help and version', { timeout: 60_000 }, () => {
  const { code, out } = interlock('--help');
  expect(code).toBe(0);
  for (const flag of [
    '--server',
    '--listen',
    '--rules',
    '--tables',
    '--mode',
    '--admin',
    '--workers',
    '--config',
    'check',
  ]) {
    expect(out).toContain(flag);
  }
  expect(interlock('--version').out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('an address that is taken is exit code 1', async () => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { code, err } = interlock('--server', 'postgres://127.0.0.1:1', '--listen', `127.0.0.1:${port}`);
  taken.close();
  expect(err).toContain('EADDRINUSE');
  expect(code).toBe(1);
});
