/**
 * PgBouncer in session mode, Debian's package, installed on demand. It refuses to run as root: then another user runs it from
 * a folder of its own.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../dist/demo/engine.js';
import { runner, temporaryRoot } from '../dist/demo/engine-files.js';
import { installed } from './debian.mjs';

const configuration = (server, port, connections) => `
[databases]
* = host=127.0.0.1 port=${server.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = session
max_client_conn = ${connections}
default_pool_size = ${connections}
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
log_stats = 0
`;

export async function startPgBouncer(server, connections = 1000) {
  const program = installed('pgbouncer', 'pgbouncer');
  const as = runner();
  const folder = mkdtempSync(join(temporaryRoot(as), 'interlock-pgbouncer-'));
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, configuration(server, port, connections));
  if (as !== undefined) for (const path of [folder, file]) chownSync(path, as.uid, as.gid);
  chmodSync(folder, 0o700);
  const child = spawn(program, ['-q', file], { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/', ...as });
  const exited = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const stop = async () => {
    child.kill('SIGINT');
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
  return { port, pid: child.pid, stop, version: versionOf(program) };
}

const versionOf = (program) => spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
