/** The process as whoever starts it sees it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

// As soon as it says that it listens: nothing else tells that it is ready for them.
test.for([['SIGTERM'], ['SIGINT'], ['SIGHUP', 'SIGTERM']] as const)(
  '%s ends it, also when nobody reads its log any more',
  { timeout: 15_000 },
  async (signals) => {
    const args = [cli, '--server', 'postgres://127.0.0.1:1', '--listen', '127.0.0.1:0'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const tooLong = setTimeout(() => child.kill('SIGKILL'), 10_000);
    try {
      await once(createInterface({ input: child.stdout }), 'line');
      child.stdout.destroy();
      const exited = once(child, 'exit');
      for (const signal of signals) child.kill(signal);
      expect(await exited).toEqual([0, null]);
    } finally {
      clearTimeout(tooLong);
      child.kill('SIGKILL');
    }
  },
);
