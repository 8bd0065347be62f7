/**
 * npm run bench -- --issue5: exactly the ratios that issue 5 asks for, in one run of about seven minutes, each with its
 * target. A ratio is taken within a round, the median over the rounds is shown.
 *
 * --rounds N   rounds of each workload (4)
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEngine } from '../dist/demo/engine.js';
import { compare, createDatabase } from './compare.mjs';
import { installed } from './debian.mjs';
import { longStatements, millionRows } from './large.mjs';
import { startLegs } from './legs.mjs';
import { fill, measure } from './pgbench.mjs';
import { spread } from './summary.mjs';
import { workloads } from './workloads.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({ strict: false, options: { rounds: { type: 'string', default: '4' } } });
const rounds = Number(values.rounds);
const lines = [];
const raw = {};

/** @param ratios of the rounds; @param bound '>= 1' or '<= 1.25' */
function show(what, ratios, bound) {
  const [sign, limit] = bound.split(' ');
  const figure = spread(ratios);
  const met = sign === '>=' ? figure.median >= Number(limit) : figure.median <= Number(limit);
  const digits = (value) => value.toFixed(2);
  lines.push(
    `| ${what} | ${digits(figure.median)} (${digits(figure.min)}–${digits(figure.max)}) | ${bound} | ${met ? 'met' : 'SHORT'} |`,
  );
}

const cpu = (run) => run.user + run.system;
const ratios = (results, value, leg, reference) =>
  results.map((round) => value(round[leg]) / value(round[reference]));

async function pair(name, legs, seconds) {
  const workload = workloads.find((one) => one.name === name);
  const results = await compare(program, legs, workload, { rounds, seconds });
  raw[name] = results;
  return results;
}

/** MySQL has a program of its own; its last line is the file with the figures. */
function mysql() {
  const args = [
    here('mysql.mjs'),
    '--only',
    'point select',
    '--legs',
    'rewrite,haproxy',
    '--rounds',
    String(rounds),
  ];
  const { stdout, status } = spawnSync(process.execPath, [...args, '--seconds', '2'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error('the MySQL half failed');
  const { runs } = JSON.parse(readFileSync(stdout.trim().split('\n').at(-1), 'utf8'));
  for (const [name, results] of Object.entries(runs)) {
    show(
      `MySQL ${name}: TPS ÷ HAProxy`,
      ratios(results, (run) => run.tps, 'rewrite', 'haproxy'),
      '>= 1',
    );
    show(`MySQL ${name}: CPU ÷ HAProxy`, ratios(results, cpu, 'rewrite', 'haproxy'), '<= 1.25');
  }
  raw.mysql = runs;
}

const program = installed('pgbench', 'postgresql-contrib');
const server = await startEngine({
  version: 18,
  settings: { log_statement: 'none', max_connections: '400', shared_buffers: '256MB', max_wal_size: '4GB' },
});
const { legs, missing } = await startLegs(['direct', 'off', 'rewrite', 'pgbouncer', 'haproxy'], server);
const named = (...names) => legs.filter(({ name }) => names.includes(name));
const stop = () => Promise.all([...legs.map((leg) => leg.stop()), server.stop()]);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void stop().then(() => process.exit(1)));
try {
  await createDatabase(server.port);
  await fill(program, server.port);
  for (const leg of legs) await measure(program, leg, { protocol: 'simple', clients: 4, args: ['-S'] }, 2);
  for (const protocol of ['simple', 'prepared'])
    for (const clients of [1, 8, 32]) {
      const name = `select-only ${protocol}, ${clients}`;
      const results = await pair(name, named('off', 'rewrite', 'pgbouncer'), 2);
      show(
        `${name}: TPS ÷ PgBouncer`,
        ratios(results, (run) => run.tps, 'rewrite', 'pgbouncer'),
        '>= 1',
      );
      show(`${name}: CPU ÷ PgBouncer`, ratios(results, cpu, 'rewrite', 'pgbouncer'), '<= 1.25');
      show(
        `${name}: p99 ÷ PgBouncer`,
        ratios(results, (run) => run.p99, 'rewrite', 'pgbouncer'),
        '<= 1.1',
      );
      show(
        `${name}: TPS ÷ off`,
        ratios(results, (run) => run.tps, 'rewrite', 'off'),
        '>= 0.97',
      );
    }
  for (const name of ['TPC-B simple, 8', 'TPC-B prepared, 8']) {
    const results = await pair(name, named('rewrite', 'pgbouncer'), 2);
    show(
      `${name}: TPS ÷ PgBouncer`,
      ratios(results, (run) => run.tps, 'rewrite', 'pgbouncer'),
      '>= 0.98',
    );
    show(`${name}: CPU ÷ PgBouncer`, ratios(results, cpu, 'rewrite', 'pgbouncer'), '<= 1.25');
  }
  const orm = await pair('ORM-like, 8', named('off', 'rewrite'), 3);
  show(
    'ORM-like, 8: TPS ÷ off',
    ratios(orm, (run) => run.tps, 'rewrite', 'off'),
    '>= 0.97',
  );
  const connects = await pair('connect + select, 8', named('rewrite', 'haproxy'), 3);
  show(
    'connect rate ÷ HAProxy',
    ratios(connects, (run) => run.tps, 'rewrite', 'haproxy'),
    '>= 0.9',
  );
  const rows = await millionRows(named('rewrite', 'haproxy'), rounds + 1);
  raw.millionRows = rows;
  const perRound = rows.rewrite.mbPerSecond.map((value, round) => value / rows.haproxy.mbPerSecond[round]);
  show('1 M rows: MB/s ÷ HAProxy', perRound, '>= 0.9');
  show('1 M rows: memory grown, MB', [rows.rewrite.grownMb], '<= 32');
  const texts = await longStatements(named('direct', 'rewrite'), 30);
  raw.texts = texts;
  for (const [name, { direct, rewrite }] of Object.entries(texts))
    show(`${name}: added ms`, [rewrite - direct], name.startsWith('insert') ? '<= 2.5' : '<= 1.5');
} finally {
  await stop();
}
mysql();
const about = {
  date: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  cpu: cpus()[0]?.model,
  missing,
};
console.log(`\n| what | median (least–greatest) | target | |\n|---|---|---|---|\n${lines.join('\n')}\n`);
console.log(`Medians of ${rounds} rounds. ${JSON.stringify(about)}`);
mkdirSync(here('results'), { recursive: true });
const file = here(`results/issue5-${about.date.slice(0, 19).replaceAll(':', '')}.json`);
writeFileSync(file, `${JSON.stringify({ about, rounds, lines, raw }, undefined, 1)}\n`);
console.log(file);
