/** HAProxy in TCP mode with one thread, Debian's package, installed on demand: the floor of what a relay costs. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../dist/demo/engine.js';
import { installed } from './debian.mjs';

const configuration = (server, port, connections) => `
global
  nbthread 1
  maxconn ${connections}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen bench
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${server.port}
`;

export async function startHaproxy(server, connections = 1000) {
  const program = installed('haproxy', 'haproxy');
  const folder = mkdtempSync(join(tmpdir(), 'interlock-haproxy-'));
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, configuration(server, port, connections));
  const child = spawn(program, ['-q', '-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await exited;
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (child.exitCode !== null || tries > 200) {
      await stop();
      throw new Error('it did not start');
    }
    await delay(25);
  }
  const version = spawnSync(program, ['-v'], { encoding: 'utf8' }).stdout.split('\n')[0];
  return { port, pid: child.pid, stop, version };
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
