/**
 * sysbench directly, through Interlock in each mode and through HAProxy in TCP mode, side by side in one run, in an order
 * that rotates: run.mjs for MySQL and MariaDB.
 *
 * --quick            a smoke run of about a minute
 * --rounds N         rounds of each workload (5)
 * --seconds N        length of a single run (3)
 * --legs a,b         of: direct, off, observe, rewrite, haproxy
 * --only TEXT        only workloads whose name contains it
 * --engine NAME      mariadb-10.11, mariadb-11.8 (the default) or mysql-9.7
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';
import { startInterlockProcess } from '../dist/demo/interlock-process.js';
import { installed } from './debian.mjs';
import { startHaproxy } from './haproxy.mjs';
import { summarize } from './summary.mjs';
import { fill, measure } from './sysbench.mjs';

// The engines come from the tests' support, which is TypeScript.
register();
const { startMysql } = await import('../test/support/mysql.ts');

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const cli = here('../dist/cli.js');

const pointSelect = (prepared, clients) => ({
  name: `point select ${prepared === 'auto' ? 'prepared' : 'text'}, ${clients}`,
  script: 'oltp_point_select',
  prepared,
  clients,
});
const workloads = [
  ...['disable', 'auto'].flatMap((prepared) => [1, 8, 32].map((clients) => pointSelect(prepared, clients))),
  { name: 'read-write text, 8', script: 'oltp_read_write', prepared: 'disable', clients: 8 },
  { name: 'read-write prepared, 8', script: 'oltp_read_write', prepared: 'auto', clients: 8 },
];

const interlock = (mode) => async (server) => {
  const args = ['--server', `mysql://127.0.0.1:${server.port}`, '--listen', '127.0.0.1:0', '--mode', mode];
  const { port, pid, stop } = await startInterlockProcess({ cli, args, admin: false });
  return { port, pid, stop };
};
const legKinds = {
  direct: async (server) => ({ port: server.port, pid: undefined, stop: async () => undefined }),
  off: interlock('off'),
  observe: interlock('observe'),
  rewrite: interlock('rewrite'),
  haproxy: startHaproxy,
};

function options() {
  const { values } = parseArgs({
    options: {
      mysql: { type: 'boolean', default: true },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      legs: { type: 'string' },
      only: { type: 'string', default: '' },
      engine: { type: 'string', default: 'mariadb-11.8' },
    },
  });
  const legs = values.legs?.split(',') ?? Object.keys(legKinds);
  const unknown = legs.filter((name) => !(name in legKinds));
  if (unknown.length > 0)
    throw new Error(`no such leg: ${unknown.join(', ')}; there are ${Object.keys(legKinds).join(', ')}`);
  return {
    legs,
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    seconds: Number(values.seconds ?? (values.quick ? 1 : 3)),
    workloads: workloads.filter(({ name }) => name.includes(values.only)),
    engine: values.engine,
  };
}

async function startLegs(names, server) {
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

const rotated = (list, by) => list.map((_, i) => list[(i + by) % list.length]);

async function compare(program, server, legs, workload, { rounds, seconds }) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const result = {};
    for (const leg of rotated(legs, round)) {
      result[leg.name] = await measure(program, server, leg, workload, seconds);
      process.stderr.write(
        `${workload.name}, round ${round + 1}, ${leg.name}: ${result[leg.name].tps.toFixed(0)} tps\n`,
      );
    }
    results.push(Object.fromEntries(legs.map(({ name }) => [name, result[name]])));
  }
  return results;
}

const ratio = (figure) =>
  figure === undefined
    ? ''
    : `${figure.median.toFixed(2)} (${figure.min.toFixed(2)}–${figure.max.toFixed(2)})`;
const cpu = (spread) => (spread.median > 0 ? spread.median.toFixed(1) : '');
const columns = [
  ['workload, clients', (row) => row.workload],
  ['leg', (row) => row.leg],
  ['TPS', (row) => row.tps.median.toFixed(0)],
  ['TPS ÷ HAProxy', (row) => ratio(row.ratios.haproxy?.tps)],
  ['TPS ÷ direct', (row) => ratio(row.ratios.direct?.tps)],
  ['CPU µs/tx', (row) => cpu(row.cpu)],
  ['of it system', (row) => cpu(row.system)],
  ['CPU ÷ HAProxy', (row) => ratio(row.ratios.haproxy?.cpu)],
];

function table(results) {
  const rows = Object.entries(results).flatMap(([workload, legs]) =>
    Object.entries(legs).map(([leg, summary], i) => ({ workload: i === 0 ? workload : '', leg, ...summary })),
  );
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const [head, ...body] = cells.map(
    (texts) => `| ${texts.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`,
  );
  return [head, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body].join('\n');
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: here('.'), encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

const chosen = options();
const program = installed('sysbench', 'sysbench');
const engine = await startMysql({
  engine: chosen.engine,
  settings: { general_log: '0', max_connections: '400', innodb_buffer_pool_size: '256M' },
});
const database = await engine.newDatabase();
const server = { port: engine.port, user: 'root', password: 'secret', database };
const { legs, missing } = await startLegs(chosen.legs, server);
const stop = () => Promise.all([...legs.map((leg) => leg.stop()), engine.stop()]);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void stop().then(() => process.exit(1)));
try {
  await fill(program, server);
  // The first run reads the table into memory and compiles the proxies' hot paths; nobody counts it.
  for (const leg of legs)
    await measure(program, server, leg, pointSelect('auto', 4), chosen.rounds > 1 ? 3 : 1);
  const runs = {};
  const results = {};
  for (const workload of chosen.workloads) {
    runs[workload.name] = await compare(program, server, legs, workload, chosen);
    results[workload.name] = summarize(runs[workload.name], ['haproxy', 'direct']);
  }
  const { rounds, seconds } = chosen;
  const about = {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    server: `${engine.engine} (${engine.version})`,
    haproxy: legs.find(({ name }) => name === 'haproxy')?.version,
    cpus: cpus().length,
    cpu: cpus()[0]?.model,
  };
  console.log(`\n${table(results)}\n`);
  console.log(
    `Medians of ${rounds} rounds of ${seconds} s (least and greatest in parentheses). ${about.server}`,
  );
  mkdirSync(here('results'), { recursive: true });
  const file = here(`results/mysql-${about.date.slice(0, 19).replaceAll(':', '')}.json`);
  writeFileSync(
    file,
    `${JSON.stringify({ about, rounds, seconds, missing, results, runs }, undefined, 1)}\n`,
  );
  console.log(file);
} finally {
  await stop();
}
