/** Runs a program to its end and keeps what it said. */
import { spawn } from 'node:child_process';

export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
  /** Milliseconds after which it and all that it started are killed; the status is then null. */
  limit?: number;
}

export function runTool(command: string, args: string[], options: RunOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    // C locale: messages are compared.
    const env = { ...process.env, LC_ALL: 'C.UTF-8', PGCONNECT_TIMEOUT: '20', ...options.env };
    const { cwd, limit } = options;
    const child = spawn(command, args, {
      env,
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: limit !== undefined,
    });
    const killed = limit === undefined ? undefined : setTimeout(() => killGroup(child.pid), limit);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(killed);
      resolve({ status, stdout, stderr });
    });
  });
}

/** Of a child that leads a process group of its own. */
function killGroup(pid: number | undefined): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

/** The same, but a failure is an error that shows what was said. */
export async function runWell(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await runTool(command, args, options);
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stderr}\n${stdout}`);
  return stdout;
}
