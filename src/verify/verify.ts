/**
 * `interlock verify`: the deterministic schedules of the race tests on the user's own server, directly and through
 * Interlock, in a scratch database that has to be empty. For engines that nobody here could run.
 *
 * Exit codes: 0 nothing went worse through Interlock than directly, 1 something did, or it could not run; 2 wrong usage.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UsageError } from '../commands/usage.ts';
import type { Isolation } from '../demo/app-session.ts';
import { startInterlockProcess, type InterlockProcess } from '../demo/interlock-process.ts';
import { runSchedule, verdict } from '../demo/schedule.ts';
import { filter } from '../demo/split-delete.ts';
import { isWorse, table, type Cell, type Line, type Way } from './matrix.ts';
import { filterOf } from './mysql/split-delete.ts';
import { splitDeleteSchedules, type SplitDeleteSchedule } from './schedules.ts';
import type { Stage } from './stage.ts';

export const verifyHelp = `usage: interlock verify --server URL --scratch-database NAME

Plays the interleavings of split deletes on a server of yours: directly, through Interlock with split deletes rewritten, and
through Interlock with the SELECT anticipated; prints what came of each, and removes its tables. The database has to exist and
to be empty. The URL names user and password; the account creates tables and asks the server who waits for whom (MySQL: SELECT
on performance_schema; MariaDB: PROCESS). See docs/verify.md.
`;

const levels: readonly Isolation[] = ['READ COMMITTED', 'REPEATABLE READ'];
const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** As `pg` and `mysql2` read them, over what stands in front: sessions that are to go through a proxy would go past it. */
const elsewhere = ['host', 'port', 'socketPath'];

/** @param say writes to stdout */
export async function verifyCommand(args: string[], say: (text: string) => void): Promise<number> {
  const { url, database, mysql } = asked(args);
  // Once: whoever asks a second time does not want to wait for the tables to be dropped.
  const stopped = new AbortController();
  const stop = (signal: NodeJS.Signals): void => stopped.abort(new Error(`ended by ${signal}`));
  for (const signal of signals) process.once(signal, stop);
  const stage = mysql
    ? await (await import('./mysql.ts')).mysqlStage(url, database)
    : await (await import('./postgres.ts')).postgresStage(url);
  try {
    const found = await stage.tables();
    if (found.length > 0)
      throw new Error(`the scratch database is not empty: ${found.slice(0, 5).join(', ')}. Nothing was done`);
    say(`${stage.product}\n`);
    try {
      await stage.create();
      return await withProxies(url, (proxies) => playAll(stage, url, proxies, say, stopped.signal));
    } finally {
      await stage.drop();
    }
  } finally {
    await stage.end();
    for (const signal of signals) process.off(signal, stop);
  }
}

function asked(args: string[]): { url: string; database: string; mysql: boolean } {
  let values;
  try {
    const options = { server: { type: 'string' }, 'scratch-database': { type: 'string' } } as const;
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
  const { server, 'scratch-database': database } = values;
  if (server === undefined || database === undefined || database === '')
    throw new UsageError('verify needs --server URL and --scratch-database NAME');
  const scheme = /^(postgres|postgresql|mysql|mariadb):\/\//.exec(server)?.[1];
  if (scheme === undefined || !URL.canParse(server))
    throw new UsageError('--server: write a URL that begins with postgres://, mysql:// or mariadb://');
  const url = new URL(server.replace(/^mariadb:/, 'mysql:'));
  if (url.hostname === '' || elsewhere.some((key) => url.searchParams.has(key)))
    throw new UsageError('--server: name host and port in front of the path; verify does not use sockets');
  url.pathname = `/${encodeURIComponent(database)}`;
  return { url: url.href, database, mysql: url.protocol === 'mysql:' };
}

type Proxies = Record<Exclude<Way, 'directly'>, InterlockProcess>;

/** Of this very program, on free ports, to the same server. */
async function withProxies<T>(url: string, use: (proxies: Proxies) => Promise<T>): Promise<T> {
  const cli = fileURLToPath(new URL('../cli.js', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'interlock-verify-'));
  const config = join(folder, 'config.json');
  const { protocol, host } = new URL(url);
  const server = `${protocol}//${host}`;
  const rule = { id: 'verify', pattern: 'anticipate', mode: 'rewrite' };
  const settings = { select: [filter, filterOf('shop_cart')] };
  writeFileSync(
    config,
    JSON.stringify({
      listeners: [{ name: 'verify', listen: '127.0.0.1:0', server }],
      rules: { packs: [], custom: [{ ...rule, settings }] },
      admin: { listen: '127.0.0.1:0' },
    }),
  );
  const flags = ['--server', server, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const started: InterlockProcess[] = [];
  const start = async (args: string[]): Promise<InterlockProcess> => {
    const proxy = await startInterlockProcess({ cli, args, admin: true });
    started.push(proxy);
    return proxy;
  };
  try {
    const rewritten = await start([...flags, '--rules', 'django', '--tables', 'shop_*']);
    return await use({ rewritten, anticipated: await start(['-c', config]) });
  } finally {
    await Promise.all(started.map((proxy) => proxy.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function playAll(
  stage: Stage,
  url: string,
  proxies: Proxies,
  say: (text: string) => void,
  stopped: AbortSignal,
): Promise<number> {
  let worse = 0;
  for (const isolation of levels) {
    const lines: Line[] = [];
    for (const schedule of splitDeleteSchedules) {
      const cell = (way: Way): Promise<Cell> => {
        stopped.throwIfAborted();
        return play(stage, url, schedule, isolation, proxies, way);
      };
      const directly = await cell('directly');
      const line = {
        schedule,
        directly,
        rewritten: await cell('rewritten'),
        anticipated: await cell('anticipated'),
      };
      lines.push(line);
      if (isWorse(directly, line.rewritten) || isWorse(directly, line.anticipated)) worse += 1;
    }
    say(`\n${table(isolation, lines)}`);
  }
  say(
    worse === 0
      ? '\nNothing is worse through Interlock.\n'
      : `\nWORSE through Interlock: ${worse}. Please report it.\n`,
  );
  return worse === 0 ? 0 : 1;
}

async function play(
  stage: Stage,
  url: string,
  schedule: SplitDeleteSchedule,
  isolation: Isolation,
  proxies: Proxies,
  way: Way,
): Promise<Cell> {
  await stage.reset(schedule.start);
  const proxy = way === 'directly' ? undefined : proxies[way];
  const app = proxy === undefined ? url : throughProxy(url, proxy.port);
  const waiting = proxy && (async () => (await proxy.metrics()).interlock_guard_waiting ?? 0);
  const watcher = await stage.watcher(waiting);
  const names = new Set(schedule.order.split(/\s+/).map((step) => step.split('.')[0] ?? ''));
  const actors = [];
  try {
    for (const name of names)
      actors.push(
        await (name === 'X'
          ? stage.outsider(name, schedule.outsider ?? '')
          : stage.session(app, name, isolation)),
      );
    const records = await runSchedule(schedule.order, actors, watcher);
    const came = verdict(records);
    return { verdict: came, right: came === 'ok' && (await stage.rows()) === schedule.proxied.rows };
  } finally {
    await Promise.all([watcher.end(), ...actors.map((actor) => actor.end())]);
  }
}

/** The proxies' listeners have no TLS, whatever the server wants. */
function throughProxy(url: string, port: number): string {
  const app = new URL(url);
  app.host = `127.0.0.1:${port}`;
  app.search = String(new URLSearchParams([...app.searchParams].filter(([key]) => !key.startsWith('ssl'))));
  // Said, because the environment may say otherwise (PGSSLMODE).
  if (app.protocol !== 'mysql:') app.searchParams.set('sslmode', 'disable');
  return app.href;
}
