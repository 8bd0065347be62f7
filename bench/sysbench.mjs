/** One run of sysbench against one port, and the figures in what it prints. */
import { spawn } from 'node:child_process';
import { cpuTime } from './cpu.mjs';

const rows = 100_000;

function output(program, server, port, args) {
  const all = [
    ...args.slice(0, 1),
    '--db-driver=mysql',
    '--mysql-host=127.0.0.1',
    `--mysql-port=${port}`,
    `--mysql-user=${server.user}`,
    `--mysql-password=${server.password}`,
    `--mysql-db=${server.database}`,
    '--mysql-ssl=off',
    `--table-size=${rows}`,
    ...args.slice(1),
  ];
  const child = spawn(program, all, {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) =>
      status === 0
        ? resolve(text)
        : reject(new Error(`sysbench ${args.join(' ')} ended with ${status}:\n${text}`)),
    );
  });
}

/** One table of 100 000 rows: it stays in memory. */
export async function fill(program, server) {
  await output(program, server, server.port, ['oltp_point_select', 'prepare']);
}

const figure = (pattern, text) => {
  const found = pattern.exec(text);
  if (found === null) throw new Error(`sysbench said something new:\n${text}`);
  return Number(found[1]);
};

/** @returns as measure() of pgbench.mjs */
export async function measure(program, server, leg, workload, seconds) {
  const before = cpuTime(leg.pid);
  const text = await output(program, server, leg.port, [
    workload.script,
    `--db-ps-mode=${workload.prepared}`,
    `--threads=${workload.clients}`,
    `--time=${seconds}`,
    'run',
  ]);
  const after = cpuTime(leg.pid);
  const transactions = figure(/transactions: +(\d+)/, text);
  // sysbench repeats a transaction that was a deadlock's victim; a read cannot be one.
  if (workload.script === 'oltp_point_select' && figure(/ignored errors: +(\d+)/, text) > 0)
    throw new Error(`errors:\n${text}`);
  return {
    tps: figure(/transactions: +\d+ +\(([\d.]+) per sec/, text),
    latency: figure(/avg: +([\d.]+)/, text),
    transactions,
    user: (after.user - before.user) / transactions,
    system: (after.system - before.system) / transactions,
  };
}
