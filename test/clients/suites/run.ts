/**
 * Test suites that nobody here wrote, direct and through the proxy: `npm run suites [-- NAME…]`. The results must be the
 * same. What cannot be had is announced. The last table is kept in results.json, and shown in docs/drivers.md.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, runner } from '../../../src/demo/engine-files.ts';
import { NotFetched } from '../../support/debian-packages.ts';
import { ask, startMysql } from '../../support/mysql.ts';
import { pointed, run as runSql, startPostgres } from '../../support/postgres.ts';
import { startInterlock } from '../../support/proxy.ts';
import { have } from '../debian.ts';
import { runWell } from '../tool.ts';
import { compiledSuites } from './compiled.ts';
import { nodeSuites } from './node.ts';
import { otherSuites } from './others.ts';
import type { Outcome, Outcomes } from './outcomes.ts';
import type { Prepared, Suite, Target } from './suite.ts';

const suites: readonly Suite[] = [...nodeSuites, ...otherSuites, ...compiledSuites];
const database = 'suite';

/** From the proxy's own metrics, at the end of its run. */
interface Counters {
  inspected: number;
  rewritten: number;
  sessions: number;
  rawRelay: Record<string, number>;
  problems: number;
  protocolErrors: number;
}

interface Server {
  version: string;
  url: string;
  target: Target;
  stop(): Promise<void>;
}

async function start({ server }: Suite): Promise<Server> {
  if ('postgres' in server) {
    const settings = {
      log_statement: 'none',
      max_connections: '200',
      wal_level: 'logical',
      max_prepared_transactions: '20',
    };
    const postgres = await startPostgres({ version: server.postgres, settings });
    await runSql(postgres.url, `CREATE DATABASE ${database}`);
    const { host, port, url } = postgres;
    const target = { host, port, user: 'postgres', password: '', database };
    return {
      version: `PostgreSQL ${server.postgres}`,
      url: pointed(url, { database }),
      target,
      stop: () => postgres.stop(),
    };
  }
  const mysql = await startMysql({
    engine: server.mysql,
    settings: { general_log: '0', max_allowed_packet: '64M', ...server.settings },
  });
  await ask(mysql.url(), `CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
  const { username, password } = new URL(mysql.url());
  const target = { host: mysql.host, port: mysql.port, user: username, password, database };
  return { version: server.mysql, url: mysql.url(), target, stop: () => mysql.stop() };
}

/** A server and a database of its own for every run: suites leave things behind. */
async function runDirect(suite: Suite, prepared: Prepared): Promise<{ outcomes: Outcomes; version: string }> {
  const server = await start(suite);
  try {
    return { outcomes: await prepared.run(server.target), version: server.version };
  } finally {
    await server.stop();
  }
}

async function runProxied(
  suite: Suite,
  prepared: Prepared,
): Promise<{ outcomes: Outcomes; counters: Counters }> {
  const server = await start(suite);
  try {
    const proxy = await startInterlock({ server, mode: 'rewrite', tables: ['*'] });
    try {
      const outcomes = await prepared.run({ ...server.target, port: proxy.port });
      const metrics = await proxy.metrics();
      writeFileSync(
        join(cacheFolder(runner()), 'suite.log'),
        proxy
          .logs()
          .map((l) => JSON.stringify(l))
          .join('\n'),
      );
      const sum = (name: string): number =>
        Object.entries(metrics).reduce((n, [key, value]) => (key.split('{')[0] === name ? n + value : n), 0);
      const rawRelay: Record<string, number> = {};
      for (const [key, value] of Object.entries(metrics))
        if (key.startsWith('interlock_raw_relay_sessions_total') && value > 0)
          rawRelay[/reason="([^"]*)"/.exec(key)?.[1] ?? 'unnamed'] = value;
      const counters = {
        inspected: sum('interlock_statements_inspected_total'),
        rewritten: metrics['interlock_statements_total{outcome="rewritten"}'] ?? 0,
        sessions: sum('interlock_sessions_total'),
        rawRelay,
        problems: sum('interlock_problems_total'),
        protocolErrors: sum('interlock_protocol_errors_total'),
      };
      return { outcomes, counters };
    } finally {
      await proxy.stop();
    }
  } finally {
    await server.stop();
  }
}

const differences = (direct: Outcomes, proxied: Outcomes): Map<string, string> => {
  const found = new Map<string, string>();
  for (const test of new Set([...direct.keys(), ...proxied.keys()])) {
    const [a, b] = [direct.get(test) ?? 'absent', proxied.get(test) ?? 'absent'];
    if (a !== b) found.set(test, `${a} → ${b}`);
  }
  return found;
};

const count = (outcomes: Outcomes, wanted: Outcome): number =>
  [...outcomes.values()].filter((outcome) => outcome === wanted).length;

const counts = (outcomes: Outcomes): Record<Outcome, number> => ({
  passed: count(outcomes, 'passed'),
  failed: count(outcomes, 'failed'),
  skipped: count(outcomes, 'skipped'),
});

async function compare(suite: Suite): Promise<Record<string, unknown>> {
  const folder = join(cacheFolder(runner()), `suite-${suite.name.replaceAll(/\W+/g, '-')}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const prepared = await suite.prepare(folder);
  let direct = await runDirect(suite, prepared);
  let proxied = await runProxied(suite, prepared);
  let different = differences(direct.outcomes, proxied.outcomes);
  const unsteady: string[] = [];
  if (different.size > 0) {
    // Once more, both ways: what differs by chance does not differ the same way twice.
    const first = different;
    direct = await runDirect(suite, prepared);
    proxied = await runProxied(suite, prepared);
    different = differences(direct.outcomes, proxied.outcomes);
    for (const test of first.keys()) if (different.get(test) !== first.get(test)) unsteady.push(test);
    for (const [test, how] of different)
      if (first.get(test) !== how) {
        unsteady.push(test);
        different.delete(test);
      }
  }
  const explained = Object.keys(suite.except ?? {});
  for (const test of explained) different.delete(test);
  return {
    suite: suite.name,
    driver: prepared.driver,
    origin: prepared.origin,
    server: direct.version,
    direct: counts(direct.outcomes),
    proxied: counts(proxied.outcomes),
    different: Object.fromEntries(different),
    except: suite.except ?? {},
    unsteady: [...new Set(unsteady)],
    failedDirect: [...direct.outcomes].filter(([, o]) => o === 'failed').map(([t]) => t),
    ...proxied.counters,
  };
}

const file = fileURLToPath(new URL('results.json', import.meta.url));
const wanted = process.argv.slice(2);
const results = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as Record<string, unknown>;
let bad = 0;
for (const suite of suites) {
  if (wanted.length > 0 && !wanted.some((name) => suite.name.includes(name))) continue;
  if (suite.needs?.some((tool) => !have(tool)) === true) continue;
  try {
    const result = await compare(suite);
    console.log(JSON.stringify(result, undefined, 1));
    if (Object.keys(result.different as object).length > 0) bad += 1;
    results[suite.name] = { date: new Date().toISOString().slice(0, 10), ...result };
    writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  } catch (error) {
    if (!(error instanceof NotFetched)) {
      bad += 1;
      console.log(`${suite.name}: ${(error as Error).stack}`);
      continue;
    }
    process.stderr.write(`\n*** NOT TESTED: ${suite.name}: ${error.message}\n\n`);
  }
}
// docs/drivers.md shows them.
await runWell(process.execPath, [fileURLToPath(new URL('../../../scripts/docs.mjs', import.meta.url))]);
process.exitCode = bad === 0 ? 0 : 1;
