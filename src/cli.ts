#!/usr/bin/env node
/** The command line: arguments, config, start, signals. Exit codes: 0 done, 1 could not run, 2 wrong usage or config. */
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { explainCommand } from './commands/explain.ts';
import { UsageError } from './commands/usage.ts';
import { checkExamples } from './config/examples.ts';
import { defaultListen, loadFlags } from './config/flags.ts';
import { ConfigFiles, type Texts } from './config/files.ts';
import { loadFile, type Config } from './config/load.ts';
import { ConfigError } from './config/problem.ts';
import type { Loaded } from './config/reload.ts';
import { UnreadableInput } from './explain/said.ts';
import { byteSize } from './config/units.ts';
import { createLog, flushed, type Log } from './log.ts';
import { Supervisor } from './notify.ts';
import type { Running, RunOptions } from './proxy/run.ts';
import { recordTo, type RecordOptions } from './record/file.ts';
import { Signals, type Signal } from './signals.ts';

const help = `Interlock: a proxy that makes the racy statement sequences of ORMs safe (PostgreSQL, MySQL, MariaDB)

usage: interlock --server URL [--listen ADDRESS] [options]
       interlock -c FILE
       interlock check -c FILE [--connect]
       interlock explain FILE|-
       interlock record --server URL --output FILE [--max-size SIZE] [--raw]
       interlock verify --server URL --scratch-database NAME

  --server URL          the server: postgres://, mysql:// or mariadb:// host:port; through a socket:
                        postgres:///?host=/var/run/postgresql or mysql:///?socket=/run/mysqld/mysqld.sock
  --listen ADDRESS      where clients connect: host:port or unix:/path (${defaultListen})
  --rules PACK,...      rule packs (generic, which observes)
  --tables GLOB,...     tables on which split deletes may be rewritten, for example 'shop_*'; can be repeated
  --mode MODE           off, observe or rewrite, for every rule; rewrite is consent for all tables
  --admin HOST:PORT     health, metrics and findings over HTTP
  --workers N|auto      processes that share the listeners; auto: one for each core (1)
  --log-level LEVEL     trace, debug, info, warn, error, fatal or silent (info)
  -c, --config FILE     a config file instead of the flags above
  -h, --help            this text
  -v, --version         the version

commands:
  check                 reads config and rules, runs their examples, reports every problem, starts nothing;
                        --connect also connects to every server, and says which clients and log-ins get through
  explain               says what Interlock sees in a transcript or a server's log; see interlock explain --help
  record                relays, changes nothing, and writes what sessions say into a new file for explain (mode 0600, up to
                        --max-size, 64MiB); literals, parameters and rows are replaced by placeholders, unless --raw
  verify                plays the races on a server of yours, directly and through Interlock; see interlock verify --help
`;

const options = {
  server: { type: 'string' },
  listen: { type: 'string' },
  rules: { type: 'string' },
  tables: { type: 'string', multiple: true },
  mode: { type: 'string' },
  admin: { type: 'string' },
  workers: { type: 'string' },
  'log-level': { type: 'string' },
  config: { type: 'string', short: 'c' },
  connect: { type: 'boolean' },
  output: { type: 'string' },
  'max-size': { type: 'string' },
  raw: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

async function main(args: string[]): Promise<number> {
  if (args[0] === 'explain') return say(await explainCommand(args.slice(1)));
  if (args[0] === 'verify') return verify(args.slice(1));
  const { values, positionals } = parse(args);
  if (values.help === true) return say(help);
  if (values.version === true) return say(`${version()}\n`);
  const [command = 'run', ...more] = positionals;
  if (more.length > 0 || !['run', 'check', 'record'].includes(command))
    throw new UsageError(`unknown command "${positionals.join(' ')}"`);
  if (values.connect === true && command !== 'check')
    throw new UsageError('--connect belongs to interlock check');
  const load = (files: ConfigFiles): Config => loadConfig(values, command === 'record', files);
  if (cluster.isWorker) return work(load);
  const files = new ConfigFiles();
  const config = load(files);
  if (command === 'check') return check(config, values.connect === true);
  if (command === 'record') return serve({ config, texts: files.texts }, load, recordOptions(values));
  await checkExamples(
    config.examples,
    config.listeners.map(({ protocol }) => protocol),
  );
  return serve({ config, texts: files.texts }, load);
}

async function verify(args: string[]): Promise<number> {
  const { verifyCommand, verifyHelp } = await import('./verify/verify.ts');
  if (args.includes('--help') || args.includes('-h')) return say(verifyHelp);
  return verifyCommand(args, say);
}

type LoadConfig = (files: ConfigFiles) => Config;

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

type Values = ReturnType<typeof parse>['values'];

/** @throws ConfigError, UsageError */
function loadConfig(values: Values, recording: boolean, files: ConfigFiles): Config {
  const { config, connect: ___, help: _, version: __, output, 'max-size': maxSize, raw, ...flags } = values;
  if (!recording && (output ?? maxSize ?? raw) !== undefined)
    throw new UsageError('--output, --max-size and --raw belong to interlock record');
  if (recording && (config ?? flags.mode) !== undefined)
    throw new UsageError('record takes --server and --listen: it has no rules and changes nothing');
  if (recording) flags.mode = 'observe';
  const given = Object.keys(flags);
  if (config !== undefined && given.length > 0) {
    throw new UsageError(
      `-c and --${given.join(', --')} exclude each other: write the setting into the file`,
    );
  }
  if (config !== undefined) return loadFile(config, process.env, files);
  if (flags.server === undefined) throw new UsageError('--server or -c is needed');
  return loadFlags(flags, process.cwd(), files);
}

/** Examples of every dialect are run, whatever the listeners speak. */
async function check(config: Config, connect: boolean): Promise<number> {
  await checkExamples(config.examples);
  for (const { where, message } of config.warnings) process.stderr.write(`warning: ${where}: ${message}\n`);
  say(
    `ok: ${config.listeners.length} listener(s), ${config.rules.length} rules, ${config.examples.length} examples\n` +
      `a running Interlock reads changed rules by itself; it has to be restarted for ${Object.keys(config.fixed).join(', ')}\n`,
  );
  if (!connect) return 0;
  const [{ checkConnections }, { failed, render }] = await Promise.all([
    import('./check/connect.ts'),
    import('./check/report.ts'),
  ]);
  const reports = await checkConnections(config);
  say(reports.map((report) => `\n${render(report)}`).join(''));
  return reports.some(failed) ? 2 : 0;
}

/** @throws UsageError */
function recordOptions({ output, 'max-size': maxSize = '64MiB', raw = false }: Values): RecordTo {
  if (output === undefined) throw new UsageError('record needs --output FILE, which may not exist');
  const bytes = byteSize.safeParse(maxSize);
  if (!bytes.success) throw new UsageError(`--max-size: ${bytes.error.issues[0]?.message ?? ''}`);
  return { file: output, maxBytes: bytes.data, raw };
}

type RecordTo = Omit<RecordOptions, 'full'>;

/** Runs until a signal: the first one drains, the second ends everything at once. */
async function serve(loaded: Loaded, load: LoadConfig, record?: RecordTo): Promise<number> {
  const log = openLog(loaded.config);
  const signals = new Signals();
  const full = (why: string) => log.warn({ file: record?.file, why }, 'recording ended; the relay goes on');
  const recorder = record && recordTo({ ...record, full });
  if (record !== undefined) log.info({ file: record.file, raw: record.raw }, 'recording');
  const running = await start(loaded, log, recorder);
  const { reloadRules } = await import('./proxy/reloads.ts');
  const rules = reloadRules(loaded, load, running, log);
  const supervisor = new Supervisor((problem) => log.warn({ problem }, 'systemd is not told'));
  supervisor.ready();
  const code = await new Promise<number>((resolve) => {
    let stopping = false;
    const stop = (signal: Signal) => {
      if (stopping) {
        log.warn({ signal }, 'ending at once');
        running.abort();
        resolve(1);
        return;
      }
      stopping = true;
      log.info({ signal }, 'draining');
      supervisor.stopping();
      rules.stop();
      void running.drain().then(() => {
        log.info('stopped');
        resolve(0);
      });
    };
    const reload = () => {
      if (stopping) return;
      supervisor.reloading();
      running.reload();
      void rules.now().then(() => supervisor.ready());
    };
    signals.hand((signal) => (signal === 'SIGHUP' ? reload() : stop(signal)));
  });
  await flushed(log);
  return code;
}

/** One process, or several. A recording is one file, so one process writes it. */
async function start(loaded: Loaded, log: Log, recorder: RunOptions['recorder']): Promise<Running> {
  const { config } = loaded;
  const { runWorkers, workerCount } = await import('./workers/primary.ts');
  if (workerCount(config.workers) > 1 && recorder === undefined) return runWorkers(loaded, log);
  const { run } = await import('./proxy/run.ts');
  return run(config, log, recorder && { recorder });
}

async function work(load: LoadConfig): Promise<number> {
  const { runWorker, textsOfPrimary } = await import('./workers/worker.ts');
  const read = (texts: Texts): Config => load(new ConfigFiles(texts));
  const config = read(await textsOfPrimary());
  const log = openLog(config);
  const code = await runWorker(config, read, log.child({ worker: cluster.worker?.id }));
  await flushed(log);
  return code;
}

function openLog(config: Config): Log {
  const log = createLog(config.log.level);
  process.on('uncaughtExceptionMonitor', (error) => log.fatal({ err: error }, 'defect: the process ends'));
  return log;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function version(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`interlock: ${error.message}\nTry interlock --help.\n`);
    return 2;
  }
  if (error instanceof UnreadableInput) {
    process.stderr.write(`interlock: ${error.message}\n`);
    return 2;
  }
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  process.stderr.write(`interlock: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2)).catch(explain);
// Nothing that is still closing may keep the process.
if (process.exitCode !== 0 || process.listenerCount('SIGTERM') > 0) process.exit();
