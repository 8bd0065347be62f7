/**
 * Starts and stops a throw-away PostgreSQL. Shared by the demo and by test/support.
 *
 * Invariant: the server never outlives the process that started it. A small shell holds a pipe from us; when the pipe
 * closes, for whatever reason (stop, exit, crash, SIGKILL), it ends the server and deletes the data.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { logLinePrefix } from './server-log.ts';
import { setTimeout as delay } from 'node:timers/promises';
import {
  cacheFolder,
  engineFolder,
  packageRelease,
  publish,
  runner,
  temporaryRoot,
  type PostgresVersion,
  type Runner,
} from './engine-files.ts';

export interface EngineOptions {
  version: PostgresVersion;
  /** postgresql.conf settings; they win over the defaults below. */
  settings?: Record<string, string>;
  /** Lines of pg_hba.conf. Default: everyone from 127.0.0.1 is trusted. */
  hba?: string[];
  /** Milliseconds until the server has to be ready. */
  timeout?: number;
}

export interface Engine {
  host: string;
  port: number;
  version: PostgresVersion;
  /** The server's own log: statements included, written before a reply leaves the server. Gone after stop(). */
  logFile: string;
  dataFolder: string;
  stop(): Promise<void>;
}

const defaults: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '32MB',
  fsync: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  deadlock_timeout: '200ms',
  log_statement: 'all',
  log_line_prefix: logLinePrefix,
  log_error_verbosity: 'default',
  timezone: 'UTC',
};

/** Ends the server when standard input closes. $1 log, $2 folder to delete, the rest: the server's command line. */
const keeper = `
log=$1; folder=$2; shift 2
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
( read -r line <&3; kill -QUIT $server ) 2>/dev/null &
watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
rm -rf "$folder"
exit $code
`;

const environment = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

function command(file: string, args: string[], as: Runner | undefined): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment, cwd: '/', ...as });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}:\n${output}`)),
    );
  });
}

/** A new folder in the temporary root that belongs to the runner. */
function ownFolder(prefix: string, as: Runner | undefined): string {
  const folder = mkdtempSync(join(temporaryRoot(as), prefix));
  if (as !== undefined) chownSync(folder, as.uid, as.gid);
  chmodSync(folder, 0o700);
  return folder;
}

/** A freshly initialised data folder, made once per release and copied for every start. */
async function template(version: PostgresVersion, native: string, as: Runner | undefined): Promise<string> {
  const final = join(cacheFolder(as), `data-${packageRelease(version)}`);
  if (existsSync(final)) return final;
  const draft = ownFolder(`interlock-init-${version}-`, as);
  const flags = [
    '-U',
    'postgres',
    '-A',
    'trust',
    '--no-locale',
    '-E',
    'UTF8',
    '--no-sync',
    '--wal-segsize=4',
  ];
  await command(join(native, 'bin', 'initdb'), ['-D', draft, ...flags], as);
  publish(draft, final);
  return final;
}

async function copyData(from: string, to: string, as: Runner | undefined): Promise<void> {
  if (as === undefined) cpSync(from, to, { recursive: true });
  else await command('cp', ['-R', from, to], as);
  chmodSync(to, 0o700);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The eighth line of postmaster.pid says `ready`: what pg_ctl -w looks at. */
function ready(data: string): boolean {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

function tail(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-25).join('\n') : '(no log)';
}

async function launch(
  options: EngineOptions,
  native: string,
  as: Runner | undefined,
): Promise<Engine | 'port taken'> {
  const folder = ownFolder(`interlock-pg${options.version}-`, as);
  const data = join(folder, 'data');
  const logFile = join(folder, 'log');
  await copyData(await template(options.version, native, as), data, as);
  const port = await freePort();
  const settings = { ...defaults, ...options.settings, port: String(port) };
  const conf = Object.entries(settings).map(([name, value]) => `${name} = ${quoted(value)}\n`);
  writeFileSync(join(data, 'postgresql.auto.conf'), conf.join(''));
  writeFileSync(
    join(data, 'pg_hba.conf'),
    (options.hba ?? ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust']).join(
      '\n',
    ) + '\n',
  );

  const args = [
    '-c',
    keeper,
    'interlock-engine',
    logFile,
    folder,
    join(native, 'bin', 'postgres'),
    '-D',
    data,
  ];
  const child = spawn('/bin/sh', args, {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: environment,
    cwd: '/',
    detached: true,
    ...as,
  });
  child.stdin.on('error', () => undefined);
  const deadline = Date.now() + (options.timeout ?? 30_000);
  while (!ready(data)) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended && tail(logFile).includes('could not bind')) return 'port taken';
    if (ended || Date.now() > deadline) {
      const why = tail(logFile);
      await end(child);
      throw new Error(`PostgreSQL ${options.version} did not start:\n${why}`);
    }
    await delay(15);
  }
  // The pipe alone must not keep the event loop alive: a test process that forgets to stop a server still ends, and so does the server.
  child.unref();
  (child.stdin as unknown as { unref?: () => void }).unref?.();
  return {
    host: '127.0.0.1',
    port,
    version: options.version,
    logFile,
    dataFolder: data,
    stop: () => end(child),
  };
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.ref();
    child.once('exit', () => resolve());
    child.stdin?.end();
  });
}

/** Starts a server on a free port of 127.0.0.1, superuser `postgres`. Throws EngineMissing when the binaries are not there. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const as = runner();
  const native = engineFolder(options.version, as);
  for (let attempt = 0; attempt < 3; attempt++) {
    const engine = await launch(options, native, as);
    if (engine !== 'port taken') return engine;
  }
  throw new Error(`PostgreSQL ${options.version}: three free ports in a row were taken by others`);
}
