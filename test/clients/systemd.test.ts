/** What systemd is told, by a receiver that stands in for it. Node has no datagram sockets of that family; Python has. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { startInterlock } from '../support/proxy.ts';

/** One JSON string a datagram. The file descriptor of a BARRIER is closed, for which systemd-notify waits. */
const receiver = `
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(server, 4096, 8)
    for fd in fds:
        os.close(fd)
    print(json.dumps(data.decode()), flush=True)
`;

const present = (name: string): boolean => spawnSync(name, ['--version']).status === 0;
const missing = ['python3', 'systemd-notify'].filter((name) => !present(name));
if (missing.length > 0) process.stderr.write(`\n*** NOT TESTED: systemd: no ${missing.join(', ')} here\n\n`);
else
  test('ready, reloading, ready again, stopping: in this order, each once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'interlock-notify-'));
    const socket = join(folder, 'notify');
    const python = spawn('python3', ['-c', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error('the receiver ended');
        const text = JSON.parse(value as string) as string;
        if (!text.startsWith('BARRIER=1')) return text;
      }
    };
    try {
      expect(await next()).toBe('bound');
      const proxy = await startInterlock({
        server: 'postgres://127.0.0.1:9',
        env: { NOTIFY_SOCKET: socket },
      });
      try {
        const own = (text: string): string[] =>
          text.split('\n').filter((line) => line !== '' && !line.startsWith('MAINPID='));
        const ready = await next();
        expect(own(ready)).toEqual(['READY=1']);
        expect(ready).toContain(`MAINPID=${proxy.pid}`);
        const before = process.hrtime.bigint() / 1000n;
        proxy.signal('SIGHUP');
        const [reloading, since, ...more] = own(await next());
        expect([reloading, more]).toEqual(['RELOADING=1', []]);
        const at = BigInt(/^MONOTONIC_USEC=(\d+)$/.exec(since ?? '')?.[1] ?? 0);
        expect(at >= before && at <= process.hrtime.bigint() / 1000n).toBe(true);
        expect(own(await next())).toEqual(['READY=1']);
        proxy.signal('SIGTERM');
        expect(own(await next())).toEqual(['STOPPING=1']);
        expect(await proxy.ended).toBe(0);
        expect(proxy.logs().filter(({ msg }) => msg === 'systemd is not told')).toEqual([]);
      } finally {
        await proxy.stop();
      }
    } finally {
      python.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
