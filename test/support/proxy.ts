/** The built proxy in front of a test server, as a child process, as its users run it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  startInterlockProcess,
  type InterlockProcess,
  type LogLine,
} from '../../src/demo/interlock-process.ts';
import { pointed } from './postgres.ts';

export type { LogLine } from '../../src/demo/interlock-process.ts';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface ProxyOptions {
  /** URL of the server, or anything that has one; user and database in it only matter for `url` below. */
  server: string | { url: string };
  /** --rules, --tables, --mode: see the README. */
  rules?: string[];
  tables?: string[];
  mode?: 'off' | 'observe' | 'rewrite';
  /** Further arguments. */
  args?: string[];
  /** A whole config file (YAML) instead of --server and --listen. Its listener should ask for port 0; an admin section is added. */
  config?: string;
  env?: Record<string, string>;
}

export interface Proxy extends InterlockProcess {
  /** The server's URL with the proxy's host and port. */
  url: string;
  /** The same for another database, user or application. */
  urlFor(database: string): string;
  /** Log lines about findings. */
  findings(): LogLine[];
}

/** False until `npm run build` has made it: tests that need the proxy say so instead of failing one by one. */
export const proxyIsBuilt = existsSync(cli);

export async function startInterlock(options: ProxyOptions): Promise<Proxy> {
  const server = typeof options.server === 'string' ? options.server : options.server.url;
  const args: string[] = [];
  let folder: string | undefined;
  if (options.config === undefined) {
    args.push('--server', server, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0');
  } else {
    folder = mkdtempSync(join(tmpdir(), 'interlock-config-'));
    const file = join(folder, 'config.yaml');
    const admin = /^admin:/m.test(options.config) ? '' : '\nadmin: { listen: "127.0.0.1:0" }\n';
    writeFileSync(file, options.config + admin);
    args.push('-c', file);
  }
  if (options.rules !== undefined) args.push('--rules', options.rules.join(','));
  if (options.tables !== undefined) args.push('--tables', options.tables.join(','));
  if (options.mode !== undefined) args.push('--mode', options.mode);
  args.push(...(options.args ?? []));
  const running = await startInterlockProcess({
    cli,
    args,
    admin: true,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const url = pointed(server, { host: '127.0.0.1', port: running.port });
  const stop = async (): Promise<void> => {
    await running.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  return {
    ...running,
    url,
    urlFor: (database) => pointed(url, { database }),
    findings: () => running.logs().filter((line) => line.msg === 'finding'),
    stop,
  };
}

/** Worker processes of a primary, from /proc. Another child, a shell, watches over it for the tests. */
export function workerProcesses(primary: number): number[] {
  const children = readFileSync(`/proc/${primary}/task/${primary}/children`, 'latin1').trim().split(' ');
  const isShell = (pid: string): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('/bin/sh');
  return children.filter((pid) => !isShell(pid)).map(Number);
}
