/**
 * The ways to the server that are compared. A leg is a port to connect to and the process whose CPU time it costs; all legs
 * of a run stand in front of the same server at the same time and are used in turn.
 */
import { fileURLToPath } from 'node:url';
import { startInterlockProcess } from '../dist/demo/interlock-process.js';
import { startHaproxy } from './haproxy.mjs';
import { startPgBouncer } from './pgbouncer.mjs';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** Name on the command line -> how to start it. */
export const legKinds = {
  direct: async (server) => ({ port: server.port, pid: undefined, stop: async () => undefined }),
  off: (server) => startInterlock(server, 'off'),
  observe: (server) => startInterlock(server, 'observe'),
  rewrite: (server) => startInterlock(server, 'rewrite'),
  pgbouncer: (server) => startPgBouncer(server),
  haproxy: (server) => startHaproxy(server),
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
  const { port, pid, stop } = await startInterlockProcess({ cli, args, admin: false });
  return { port, pid, stop };
}
