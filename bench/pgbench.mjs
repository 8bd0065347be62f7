/** One run of pgbench against one port, and the figures in what it prints. */
import { spawn } from 'node:child_process';
import { cpuTime } from './cpu.mjs';
import { sampled } from './percentiles.mjs';

const database = 'bench';

function output(program, args, port) {
  const env = {
    ...process.env,
    LC_ALL: 'C',
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'postgres',
    PGDATABASE: database,
  };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) =>
      status === 0
        ? resolve(text)
        : reject(new Error(`pgbench ${args.join(' ')} ended with ${status}:\n${text}`)),
    );
  });
}

/** Creates pgbench's tables; 10 is the scale: a million rows, and few enough conflicts in TPC-B. */
export async function fill(program, port) {
  await output(program, ['-h', '127.0.0.1', '-i', '-q', '-s', '10', database], port);
}

const figure = (pattern, text) => {
  const found = pattern.exec(text);
  if (found === null) throw new Error(`pgbench said something new:\n${text}`);
  return Number(found[1]);
};

/** @returns {Promise<{tps: number, latency: number, p50: number, p99: number, transactions: number, user: number, system: number}>} latencies in ms, CPU in µs a transaction */
export async function measure(program, leg, workload, seconds) {
  const latencies = sampled();
  const args = [
    ...latencies.args,
    '-n',
    '-M',
    workload.protocol,
    '-c',
    String(workload.clients),
    '-j',
    '1',
    '-T',
    String(seconds),
    ...workload.args,
  ];
  const before = cpuTime(leg.pid);
  const text = await output(program, args, leg.port);
  const after = cpuTime(leg.pid);
  const transactions = figure(/transactions actually processed: (\d+)/, text);
  if (figure(/number of failed transactions: (\d+)/, text) > 0)
    throw new Error(`failed transactions:\n${text}`);
  return {
    tps: figure(/^tps = ([\d.]+)/m, text),
    ...latencies.read(),
    latency: figure(/latency average = ([\d.]+) ms/, text),
    transactions,
    user: (after.user - before.user) / transactions,
    system: (after.system - before.system) / transactions,
  };
}
