/**
 * `npm run demo`: the races of Django tickets 23576 and 29499 on a real PostgreSQL, directly and through Interlock.
 *
 * Invariant: exit code 0 means that both races were seen to happen directly and seen not to happen through the proxy.
 * `--stay` leaves server and proxy running until Ctrl-C.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startEngine, type Engine } from './engine.ts';
import { startInterlockProcess, type InterlockProcess } from './interlock-process.ts';
import { races, setUp, type Race } from './races.ts';
import { added, comparison, named, painter, wrapped } from './report.ts';
import { Observer, runSchedule, type Actor, type StepRecord } from './schedule.ts';
import { parseLog } from './server-log.ts';

const paint = painter(process.stdout.isTTY && process.env.NO_COLOR === undefined);
const print = (...lines: string[]): void => void process.stdout.write(lines.join('\n') + '\n');

interface Stage {
  engine: Engine;
  interlock: InterlockProcess;
  direct: string;
  through: string;
}

async function build(): Promise<Stage> {
  const engine = await startEngine({ version: 18 });
  const cli = fileURLToPath(new URL('../cli.js', import.meta.url));
  const server = `postgres://127.0.0.1:${engine.port}`;
  const args = ['--server', server, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  args.push('--rules', 'django', '--tables', 'shop_*');
  const interlock = await startInterlockProcess({ cli, args, admin: true });
  const url = (port: number): string => `postgres://postgres@127.0.0.1:${port}/postgres`;
  const stage = { engine, interlock, direct: url(engine.port), through: url(interlock.port) };
  await setUp(stage.direct);
  return stage;
}

interface Played {
  records: StepRecord[];
  actors: Actor[];
  happened: string | undefined;
}

async function play(stage: Stage, race: Race, url: string): Promise<Played> {
  await race.reset(stage.direct);
  const guardWaiting = async (): Promise<number> =>
    (await stage.interlock.metrics()).interlock_guard_waiting ?? 0;
  const observer = await Observer.connect(stage.direct, guardWaiting);
  const actors = await race.actors(url);
  try {
    const records = await runSchedule(race.order, actors, observer);
    return { records, actors, happened: await race.happened(stage.direct, records) };
  } finally {
    await Promise.all([observer.end(), ...actors.map((actor) => actor.end())]);
  }
}

/** What Interlock did for the session that would have lost: read from the server's own log. */
function rewritten(stage: Stage, race: Race, played: Played): string[] {
  const actor = played.actors.find(({ name }) => name === race.loser);
  if (actor === undefined) return [];
  const log = parseLog(readFileSync(stage.engine.logFile, 'utf8'));
  const lines: string[] = [];
  for (const [text, count] of added(log, actor.pid, actor.sent)) {
    const times = count > 1 ? paint.faint(`  (${count} times)`) : '';
    const main = race.edited.test(text);
    const block = main ? wrapped(text, 104, '     ').map(paint.bold) : [`     ${named(text)}`];
    lines.push(block.join('\n') + times);
  }
  return lines;
}

async function show(stage: Stage, race: Race, number: number): Promise<boolean> {
  const direct = await play(stage, race, stage.direct);
  const proxied = await play(stage, race, stage.through);
  print('', paint.bold(`${number}. ${race.title}`), ...race.story.map((line) => `   ${line}`), '');
  print(...comparison(direct.records, proxied.records, paint).map((line) => `   ${line}`), '');
  const good = direct.happened !== undefined && proxied.happened === undefined;
  const left = direct.happened === undefined ? 'the race did not happen' : paint.red(direct.happened);
  const right = proxied.happened === undefined ? paint.green(race.fine) : paint.red(proxied.happened);
  print(`   directly:          ${left}`, `   through Interlock: ${right}`, '');
  print(
    `   What the server got from ${race.loser} instead of  ${race.original}`,
    ...rewritten(stage, race, proxied),
  );
  return good;
}

async function untilInterrupted(stage: Stage): Promise<void> {
  print('', 'Still running:', `   server      ${stage.direct}`, `   Interlock   ${stage.through}`);
  print(`   metrics     http://127.0.0.1:${stage.interlock.adminPort}/metrics`, 'Ctrl-C ends everything.');
  // A signal handler does not keep the process alive.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  clearInterval(alive);
}

async function main(): Promise<boolean> {
  const stage = await build();
  try {
    print(
      `PostgreSQL 18 on port ${stage.engine.port}, Interlock in front of it with --rules django --tables 'shop_*'.`,
    );
    print('Both runs of a race send the same statements in the same order; the server is asked who waits.');
    let good = true;
    for (const [index, race] of races.entries()) good = (await show(stage, race, index + 1)) && good;
    print(
      '',
      good
        ? 'Both races happened directly and did not happen through Interlock.'
        : paint.red('Not as it should be.'),
    );
    if (process.argv.includes('--stay')) await untilInterrupted(stage);
    return good;
  } finally {
    await stage.interlock.stop();
    await stage.engine.stop();
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
