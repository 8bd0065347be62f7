/** `npm run demo` as a newcomer runs it: it exits with 0 because both races happened directly and not through Interlock. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { availableVersions, run } from '../support/postgres.ts';

const demo = fileURLToPath(new URL('../../dist/demo/demo.js', import.meta.url));

describe.runIf(availableVersions([18], 'own').length === 1)('the demo', () => {
  test('shows both races, side by side, and what was rewritten', () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [demo], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.split('\n').map((line) => line.trim());
    expect(lines).toContain('directly:          R2 fails with 23505 (duplicate key) and loses its work');
    expect(lines).toContain('through Interlock: both requests committed');
    expect(lines).toContain('directly:          10 + 100 + 1 = 11: the update of X is lost');
    expect(lines).toContain('through Interlock: 10 + 100 + 1 = 111');
    expect(stdout).toContain(
      '/* interlock:django/split-delete */ DELETE FROM "shop_cart" WHERE "shop_cart"."id" IN (SELECT',
    );
    expect(stdout).toContain('/* interlock:django/unlocked-read */ SELECT');
    expect(stdout, 'no colours in a pipe').not.toContain('\u001B');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(120);
  });

  test('--stay keeps it up until it is interrupted, and nothing stays after that', async () => {
    const child = spawn(process.execPath, [demo, '--stay'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        output += String(chunk);
        if (output.includes('Ctrl-C ends everything')) resolve();
      });
      child.once('exit', () => resolve());
    });
    const [, direct = '', through = ''] =
      /server\s+(postgres:\S+)\s+Interlock\s+(postgres:\S+)/.exec(output) ?? [];
    const [result] = await run(through, 'SELECT 42 AS answer');
    expect(result?.rows).toEqual([{ answer: 42 }]);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    for (const url of [direct, through]) await expect(run(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });
});
