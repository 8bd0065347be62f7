/** The process as whoever starts it sees it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** An answer to SSLRequest: the process is in its event loop, and past the line that installs its signal handlers. */
async function answering(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(Buffer.from('0000000804d2162f', 'hex'));
  await once(socket, 'data');
  socket.destroy();
}

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

test.for(['SIGTERM', 'SIGINT'] as const)(
  '%s ends it, also when nobody reads its log any more',
  { timeout: 15_000 },
  async (signal) => {
    const args = [cli, '--server', 'postgres://127.0.0.1:1', '--listen', '127.0.0.1:0'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const tooLong = setTimeout(() => child.kill('SIGKILL'), 10_000);
    try {
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      await answering((JSON.parse(line) as { port: number }).port);
      child.stdout.destroy();
      const exited = once(child, 'exit');
      child.kill(signal);
      expect(await exited).toEqual([0, null]);
    } finally {
      clearTimeout(tooLong);
      child.kill('SIGKILL');
    }
  },
);
