/**
 * The ways to the server that are compared. A leg is a port to connect to and the process whose CPU time it costs; all legs
 * of a run stand in front of the same server at the same time and are used in turn.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startPgBouncer } from './pgbouncer.mjs';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** Name on the command line -> how to start it. */
export const legKinds = {
  direct: async (server) => ({ port: server.port, pid: undefined, stop: async () => undefined }),
  off: (server) => startInterlock(server, 'off'),
  observe: (server) => startInterlock(server, 'observe'),
  rewrite: (server) => startInterlock(server, 'rewrite'),
  pgbouncer: (server) => startPgBouncer(server),
};

/** Starts the legs in the given order; a leg that cannot be had is reported, not silently left out. */
export async function startLegs(names, server) {
  const legs = [];
  const missing = {};
  for (const name of names) {
    try {
      legs.push({ name, ...(await legKinds[name](server)) });
    } catch (error) {
      missing[name] = error.message;
      process.stderr.write(`\n*** NOT MEASURED: ${name}: ${error.message}\n\n`);
    }
  }
  return { legs, missing };
}

async function startInterlock(server, mode) {
  const args = ['--server', `postgres://127.0.0.1:${server.port}`, '--listen', '127.0.0.1:0', '--mode', mode];
  const extra = process.env.INTERLOCK_BENCH_NODE_ARGS?.split(' ') ?? [];
  const child = spawn(process.execPath, [...extra, cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await exited;
    clearTimeout(timer);
  };
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = parsed(line);
      if (entry.msg === 'listening') resolve(entry.port);
    });
    child.once('error', reject);
    void exited.then((code) => reject(new Error(`interlock --mode ${mode} ended with ${code}`)));
  });
  return { port, pid: child.pid, stop };
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
