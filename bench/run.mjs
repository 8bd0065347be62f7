/**
 * npm run bench: pgbench directly, through Interlock in each mode and through PgBouncer, side by side in one run.
 * Every round runs each leg once, in an order that rotates; see README.md for how to read the result.
 *
 * --quick            a smoke run of about a minute
 * --rounds N         rounds of each workload (5)
 * --seconds N        length of a single run (3)
 * --legs a,b         of: direct, off, observe, rewrite, pgbouncer, haproxy
 * --only TEXT        only workloads whose name contains it
 * --pg VERSION       15 to 18 (18)
 * --no-micro         without the microbenchmarks
 * --issue5           the ratios of issue 5 and nothing else, in about seven minutes (issue5.mjs)
 * --idle             the memory of an idle connection (idle.mjs)
 * --mysql            sysbench on MySQL and MariaDB instead, HAProxy as the floor (mysql.mjs)
 * --readme           puts the table into README.md
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEngine } from '../dist/demo/engine.js';
import { installed } from './debian.mjs';
import { legKinds, startLegs } from './legs.mjs';
import { compare, createDatabase } from './compare.mjs';
import { fill, measure } from './pgbench.mjs';
import { updateReadme } from './readme.mjs';
import { summarize } from './summary.mjs';
import { table } from './table.mjs';
import { workloads } from './workloads.mjs';

for (const other of ['mysql', 'issue5', 'idle'])
  if (process.argv.includes(`--${other}`)) {
    await import(`./${other}.mjs`);
    process.exit();
  }

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function options() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      legs: { type: 'string' },
      only: { type: 'string', default: '' },
      pg: { type: 'string', default: '18' },
      'no-micro': { type: 'boolean', default: false },
      readme: { type: 'boolean', default: false },
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
    pg: Number(values.pg),
    micro: !values['no-micro'],
    readme: values.readme,
  };
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: here('.'), encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

/** Everything in bench/micro: each prints its own lines. */
function micro() {
  const folder = here('micro');
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(ts|mjs)$/.test(name)) : [];
  for (const file of files) {
    console.log(`\n## micro/${file}\n`);
    execFileSync(process.execPath, ['--import', 'tsx', here(`micro/${file}`)], {
      stdio: 'inherit',
      cwd: here('..'),
    });
  }
}

/** Where and on what it ran. */
function circumstances(chosen, legs) {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    postgres: chosen.pg,
    pgbouncer: legs.find(({ name }) => name === 'pgbouncer')?.version,
    cpus: cpus().length,
    cpu: cpus()[0]?.model,
  };
}

function write({ about, ...rest }) {
  mkdirSync(here('results'), { recursive: true });
  const file = here(`results/${about.date.slice(0, 19).replaceAll(':', '')}.json`);
  writeFileSync(file, `${JSON.stringify({ about, ...rest }, undefined, 1)}\n`);
  return file;
}

const chosen = options();
const program = installed('pgbench', 'postgresql-contrib');
const server = await startEngine({
  version: chosen.pg,
  settings: { log_statement: 'none', max_connections: '400', shared_buffers: '256MB', max_wal_size: '4GB' },
});
const { legs, missing } = await startLegs(chosen.legs, server);
const stop = () => Promise.all([...legs.map((leg) => leg.stop()), server.stop()]);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void stop().then(() => process.exit(1)));
try {
  await createDatabase(server.port);
  await fill(program, server.port);
  // The first run reads the tables into memory and compiles the proxies' hot paths; nobody counts it.
  for (const leg of legs)
    await measure(program, leg, { protocol: 'simple', clients: 4, args: ['-S'] }, chosen.rounds > 1 ? 3 : 1);
  const runs = {};
  const results = {};
  for (const workload of chosen.workloads) {
    runs[workload.name] = await compare(program, legs, workload, chosen);
    results[workload.name] = summarize(runs[workload.name], ['pgbouncer', 'direct']);
  }
  const { rounds, seconds } = chosen;
  const about = circumstances(chosen, legs);
  console.log(`\n${table(results)}\n`);
  console.log(`Medians of ${rounds} rounds of ${seconds} s (least and greatest in parentheses).`);
  console.log(write({ about, rounds, seconds, missing, results, runs }));
  if (chosen.readme) updateReadme(table(results), about, chosen);
} finally {
  await stop();
}
if (chosen.micro) micro();
