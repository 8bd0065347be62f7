/**
 * Runs the built proxy as a child process and reads its JSON log. Shared by the demo and by test/support: both see
 * Interlock only as its users do, through its command line, its log and its admin port.
 *
 * Invariant: the child ends with this process; its log is kept whole, in order.
 */
import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Becomes the command ("exec": signals reach it), and leaves a watcher behind that kills it when our end of the pipe
 * closes. An exit handler would not do: it does not run when this process is killed.
 */
const keeper = `
exec 3<&0
self=$$
( read -r line <&3; kill -KILL $self ) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
`;

export type LogLine = Record<string, unknown> & { msg?: string };

export interface InterlockOptions {
  /** dist/cli.js */
  cli: string;
  /** Complete command line, `--listen` included. */
  args: string[];
  /** The command line or the config file asks for an admin port. */
  admin: boolean;
  env?: Record<string, string>;
  /** Milliseconds until it has to listen. */
  timeout?: number;
}

export interface InterlockProcess {
  /** Of the first listener; 0 where that is a Unix socket. */
  port: number;
  adminPort: number | undefined;
  pid: number;
  logs(): LogLine[];
  /** The first line, past or future, that the predicate accepts. Rejects when the process ends or the time is over. */
  waitForLog(predicate: (line: LogLine) => boolean, timeout?: number): Promise<LogLine>;
  /** Sums over all label sets as `name`, and every sample as `name{labels}`. */
  metrics(): Promise<Record<string, number>>;
  signal(name: NodeJS.Signals): void;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  stop(): Promise<void>;
}

/** Prometheus text -> samples, see InterlockProcess.metrics. */
export function parseMetrics(text: string): Record<string, number> {
  const samples: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [, name, labels, value] = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    samples[name] = (samples[name] ?? 0) + Number(value);
    if (labels !== undefined) samples[name + labels] = Number(value);
  }
  return samples;
}

/** Splits a stream into lines; what is not JSON becomes `{ msg }`, so that nothing is lost. */
function collect(stream: NodeJS.ReadableStream, onLine: (line: LogLine) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      if (text.trim() === '') continue;
      try {
        onLine(JSON.parse(text) as LogLine);
      } catch {
        onLine({ msg: text, raw: true });
      }
    }
  });
}

interface Waiter {
  accepts(line: LogLine): boolean;
  resolve(line: LogLine): void;
  reject(error: Error): void;
}

const shown = (lines: LogLine[]): string =>
  lines
    .slice(-20)
    .map((line) => JSON.stringify(line))
    .join('\n');

function follow(child: ChildProcess): Pick<InterlockProcess, 'logs' | 'waitForLog' | 'ended'> {
  const lines: LogLine[] = [];
  const waiters = new Set<Waiter>();
  let exit: number | string | undefined;
  const onLine = (line: LogLine): void => {
    lines.push(line);
    for (const waiter of waiters) if (waiter.accepts(line)) waiter.resolve(line);
  };
  if (child.stdout !== null) collect(child.stdout, onLine);
  if (child.stderr !== null) collect(child.stderr, onLine);
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => {
      onLine({ msg: String(error) });
      resolve(-1);
    });
    child.once('close', (code, signal) => resolve(code ?? signal ?? -1));
  });
  const gone = (): Error => new Error(`interlock ended with ${exit}:\n${shown(lines)}`);
  void ended.then((code) => {
    exit = code;
    for (const waiter of waiters) waiter.reject(gone());
  });
  const waitForLog: InterlockProcess['waitForLog'] = (accepts, timeout = 10_000) => {
    const past = lines.find(accepts);
    if (past !== undefined) return Promise.resolve(past);
    if (exit !== undefined) return Promise.reject(gone());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => waiter.reject(new Error(`no such log line within ${timeout} ms:\n${shown(lines)}`)),
        timeout,
      );
      const done =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          waiters.delete(waiter);
          settle(value);
        };
      const waiter: Waiter = { accepts, resolve: done(resolve), reject: done(reject) };
      waiters.add(waiter);
    });
  };
  return { logs: () => [...lines], waitForLog, ended };
}

const portOf = (line: LogLine): number | undefined => (typeof line.port === 'number' ? line.port : undefined);

/** Starts it and waits until it listens. Throws with its last log lines when it does not. */
export async function startInterlockProcess(options: InterlockOptions): Promise<InterlockProcess> {
  const child = spawn(
    '/bin/sh',
    ['-c', keeper, 'interlock', process.execPath, options.cli, ...options.args],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    },
  );
  child.stdin.on('error', () => undefined);
  const { logs, waitForLog, ended } = follow(child);
  void ended.then(() => child.stdin.end());
  const kill = (): void => void child.kill('SIGKILL');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(kill, 5_000);
    await ended;
    clearTimeout(timer);
  };
  try {
    const listening = await waitForLog((line) => line.msg === 'listening', options.timeout ?? 20_000);
    const adminPort = options.admin
      ? portOf(
          await waitForLog(
            (line) => line.msg === 'admin listening' && portOf(line) !== undefined,
            options.timeout,
          ),
        )
      : undefined;
    const metrics = async (): Promise<Record<string, number>> => {
      if (adminPort === undefined) throw new Error('started without an admin port');
      const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
      if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
      return parseMetrics(await response.text());
    };
    const signal = (name: NodeJS.Signals): void => void child.kill(name);
    return {
      port: portOf(listening) ?? 0,
      adminPort,
      pid: child.pid ?? 0,
      logs,
      waitForLog,
      metrics,
      signal,
      ended,
      stop,
    };
  } catch (error) {
    kill();
    throw error;
  }
}
