/** The process as whoever starts it sees it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

test.for(['SIGTERM', 'SIGINT'] as const)(
  '%s ends it, also when nobody reads its log any more',
  async (signal) => {
    const args = [cli, '--server', 'postgres://127.0.0.1:1', '--listen', '127.0.0.1:0'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(createInterface({ input: child.stdout }), 'line');
      child.stdout.destroy();
      const exited = once(child, 'exit');
      child.kill(signal);
      expect(await exited).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  },
  15_000,
);
