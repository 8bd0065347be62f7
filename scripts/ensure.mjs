/**
 * Makes a clone runnable, and does nothing when it is: `npm ci` when node_modules is missing or older than the lockfile,
 * a build when dist is older than what it is made from. The one place that knows; demo, tests and benchmarks call it first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...path) => join(root, ...path);
const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** Newest modification in a folder; deleted files show in the folders' own times. */
function newest(path) {
  const entries = statSync(path).isDirectory() ? readdirSync(path) : [];
  return Math.max(modified(path), ...entries.map((name) => newest(join(path, name))));
}

function run(command, ...args) {
  console.error(`> ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (error !== undefined) console.error(String(error));
  if (status !== 0) process.exit(status ?? 1);
}

// npm writes node_modules/.package-lock.json last.
if (modified(at('node_modules', '.package-lock.json')) < modified(at('package-lock.json'))) run('npm', 'ci');

const stamp = at('dist', '.built');
const sources = Math.max(
  newest(at('src')),
  ...['tsconfig.json', 'tsconfig.build.json'].map((name) => modified(at(name))),
);
if (modified(stamp) < sources) {
  run('npm', 'run', '--silent', 'build');
  writeFileSync(stamp, '');
}
