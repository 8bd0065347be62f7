/**
 * Programs in the languages whose drivers Debian packages: each prints what it got from the shop, which must be the same
 * through the proxy. Those that have to be compiled run with INTERLOCK_TEST_LONG=1 only.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tool } from './debian.ts';
import { runWell } from './tool.ts';

export interface Program {
  driver: string;
  needs: readonly Tool[];
  /** Statements that the proxy rewrites in one run. */
  rewrites: number;
  /** It is compiled, which takes longer than all it does. */
  long?: true;
  run: (url: string) => Promise<string>;
}

const source = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

export const interpreted =
  (interpreter: string, name: string, ...more: string[]): Program['run'] =>
  (url) =>
    runWell(interpreter, [source(name), url, ...more]);

/** Compiled by the run itself (java NAME.java), which takes the address without scheme and user. */
export const java =
  (name: string, jar: string, options: (url: string) => string[]): Program['run'] =>
  (url) =>
    runWell('java', ['-Xshare:auto', '-cp', jar, source(name), ...options(url)]);

export function go(name: string): Program['run'] {
  const folder = mkdtempSync(join(tmpdir(), 'interlock-go-'));
  const env = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder, 'cache') };
  let built: Promise<string> | undefined;
  return async (url) => {
    built ??= runWell('/usr/bin/go', ['build', '-o', join(folder, 'program'), source(name)], { env });
    await built;
    return runWell(join(folder, 'program'), [url]);
  };
}
