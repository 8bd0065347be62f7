/**
 * A server as a child that never outlives the process that started it: a small shell holds a pipe from us, and when the
 * pipe closes, for whatever reason (stop, exit, crash, SIGKILL), it kills the server and deletes its folder.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryRoot, type Runner } from '../../src/demo/engine-files.ts';

/** $1 log, $2 folder to delete, the rest: the server's command line. */
const keeper = `
log=$1; folder=$2; shift 2
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
( read -r line <&3; kill -KILL $server ) 2>/dev/null &
watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
rm -rf "$folder"
exit $code
`;

const environment = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', HOME: '/' };

export interface CommandLine {
  file: string;
  args: string[];
}

/** Runs it to its end. Throws with its output when that is not 0. */
export function run(line: CommandLine, as: Runner | undefined, input = ''): Promise<void> {
  const child = spawn(line.file, line.args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment,
    cwd: '/',
    ...as,
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${line.args.join(' ')} ended with ${code}:\n${output}`)),
    );
  });
}

/** A new folder in the temporary root that belongs to the runner. */
export function ownFolder(prefix: string, as: Runner | undefined): string {
  const folder = mkdtempSync(join(temporaryRoot(as), prefix));
  if (as !== undefined) chownSync(folder, as.uid, as.gid);
  chmodSync(folder, 0o700);
  return folder;
}

export interface Kept {
  ended(): boolean;
  exit: Promise<void>;
  /** Keeps this process alive until called: after it, a process that forgets to stop the server still ends. */
  release(): void;
  stop(): Promise<void>;
}

/** Standard output and error of the server go to `log`, which should be in `folder`. */
export function startKept(line: CommandLine, log: string, folder: string, as: Runner | undefined): Kept {
  const child: ChildProcess = spawn(
    '/bin/sh',
    ['-c', keeper, 'interlock-engine', log, folder, line.file, ...line.args],
    { stdio: ['pipe', 'ignore', 'ignore'], env: environment, cwd: '/', detached: true, ...as },
  );
  child.stdin?.on('error', () => undefined);
  child.on('error', () => undefined);
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    ended,
    exit,
    release: () => {
      child.unref();
      (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
    },
    stop: () => {
      if (ended()) return Promise.resolve();
      child.ref();
      child.stdin?.end();
      return exit;
    },
  };
}

export function tail(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-25).join('\n') : '(no log)';
}
