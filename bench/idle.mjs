/**
 * npm run bench -- --idle: what an idle connection costs a proxy in memory. Clients log in to a stub server (idle-stub.mjs),
 * run one transaction of three statements and fall silent. Each proxy is measured before, with all of them open, and after
 * they have gone, twice. Resident memory is VmRSS of /proc/PID/status; of Interlock also what is in use on its heap and outside
 * of it behind a garbage collection. What the kernel holds for its sockets is not in either.
 *
 * --connections N   (5000)
 */
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startInterlockProcess } from '../dist/demo/interlock-process.js';
import { startHaproxy } from './haproxy.mjs';
import * as protocols from './idle-wire.mjs';
import { startPgBouncer } from './pgbouncer.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({
  strict: false,
  options: { connections: { type: 'string', default: '5000' } },
});
const wanted = Number(values.connections);
/** A proxy needs two descriptors a connection. Node raises the soft limit to the hard one by itself, children inherit it. */
const hard = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout.trim();
const most = hard === 'unlimited' ? Infinity : Math.floor((Number(hard) - 200) / 2);
const connections = Math.min(wanted, most);
if (connections < wanted)
  process.stderr.write(
    `\n*** NOT MEASURED: ${wanted} connections; the limit of open files (${hard}) allows ${connections}\n\n`,
  );

/** One client: logged in, one transaction behind it. */
function client(port, { greeting, login, query, complete }) {
  const steps = [login, ...['BEGIN', 'SELECT n FROM t WHERE n = 1', 'COMMIT'].map(query)];
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = Buffer.alloc(0);
    const next = () => {
      const step = steps.shift();
      if (step === undefined) resolve(socket);
      else socket.write(step);
    };
    socket.on('error', reject).once('close', () => reject(new Error('the connection was closed')));
    if (greeting === undefined) socket.once('connect', next);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (!complete(received)) return;
      received = Buffer.alloc(0);
      next();
    });
  });
}

/** At most 50 log in at the same time. */
async function open(port, protocol, count) {
  const sockets = [];
  let begun = 0;
  const worker = async () => {
    while (begun < count) {
      begun += 1;
      sockets.push(await client(port, protocol));
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  return sockets;
}

function close(sockets) {
  for (const socket of sockets) socket.removeAllListeners('close').destroy();
}

const kilobytes = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
const descriptors = (pid) => Number(spawnSync('sh', ['-c', `ls /proc/${pid}/fd | wc -l`]).stdout);

/** Waits until the process has as many descriptors, no matter how long: what it holds is the measure, not a time. */
async function settled(pid, reached) {
  while (!reached(descriptors(pid))) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function interlock(scheme, port) {
  const folder = mkdtempSync(join(tmpdir(), 'interlock-idle-'));
  const file = join(folder, 'config.yaml');
  writeFileSync(
    file,
    `listeners: [{ name: main, listen: "127.0.0.1:0", server: "${scheme}://127.0.0.1:${port}" }]
rules: { packs: [generic, django], mode: rewrite }
limits: { connections: ${connections + 100} }
`,
  );
  const env = { NODE_OPTIONS: `--import=${here('../test/soak/probe.mjs')}` };
  const cli = here('../dist/cli.js');
  const running = await startInterlockProcess({ cli, args: ['-c', file], admin: false, env });
  let samples = 0;
  return {
    ...running,
    async inUse() {
      samples += 1;
      const mine = samples;
      running.signal('SIGUSR2');
      return (
        (await running.waitForLog(({ msg, samples: n }) => msg === 'probe' && n === mine, 60_000)).inUse /
        1024
      );
    },
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const proxies = [
  ['PostgreSQL', 'Interlock', 'postgres', (port) => interlock('postgres', port)],
  ['PostgreSQL', 'PgBouncer', 'postgres', (port) => startPgBouncer({ port }, connections + 100)],
  ['MySQL', 'Interlock', 'mysql', (port) => interlock('mysql', port)],
  ['MySQL', 'HAProxy', 'mysql', (port) => startHaproxy({ port }, connections + 100)],
];

async function measure(proxy, protocol) {
  const sample = async () => ({ resident: kilobytes(proxy.pid), inUse: await proxy.inUse?.() });
  const atStart = descriptors(proxy.pid);
  // PgBouncer keeps what it has opened to the server.
  const quiet = (count) => count <= atStart + (proxy.inUse === undefined ? connections + 10 : 0);
  // Code that runs for the first time is compiled and stays.
  close(await open(proxy.port, protocol, 200));
  await settled(proxy.pid, quiet);
  const samples = [await sample()];
  for (let round = 0; round < 2; round++) {
    const sockets = await open(proxy.port, protocol, connections);
    if (descriptors(proxy.pid) < 2 * connections) throw new Error('not every client has a server connection');
    samples.push(await sample());
    close(sockets);
    await settled(proxy.pid, quiet);
    samples.push(await sample());
  }
  return samples;
}

const stub = fork(here('idle-stub.mjs'));
const [ports] = await once(stub, 'message');
const mebibytes = (value) => (value === undefined ? '' : (value / 1024).toFixed(1));
const each = (samples, key) =>
  samples[1][key] === undefined ? '' : ((samples[1][key] - samples[0][key]) / connections).toFixed(1);
console.log(`Node ${process.version}, ${connections} connections\n`);
console.log(
  '| protocol | proxy | resident kB a connection | in use kB a connection | resident MiB: before, open, closed, open, closed | in use MiB |',
);
console.log('| --- | --- | --- | --- | --- | --- |');
try {
  for (const [name, what, protocol, start] of proxies) {
    let proxy;
    try {
      proxy = await start(ports[protocol]);
    } catch (error) {
      process.stderr.write(`\n*** NOT MEASURED: ${what}: ${error.message}\n\n`);
      continue;
    }
    try {
      const samples = await measure(proxy, protocols[protocol]);
      const row = ['resident', 'inUse'].map((key) =>
        samples
          .map((one) => mebibytes(one[key]))
          .join(', ')
          .replace(/^[, ]+$/, ''),
      );
      console.log(
        `| ${name} | ${what} | ${each(samples, 'resident')} | ${each(samples, 'inUse')} | ${row.join(' | ')} |`,
      );
    } finally {
      await proxy.stop();
    }
  }
} finally {
  stub.disconnect();
}
