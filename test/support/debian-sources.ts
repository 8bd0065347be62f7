/**
 * Upstream sources as Debian carries them: the `.orig` tarball of a source package, unpacked into the cache. Debian's own
 * patches are left out: what is wanted are the authors' tests.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, publish, runner } from '../../src/demo/engine-files.ts';
import { configuration, debianSource, NotFetched } from './debian-packages.ts';

const execute = promisify(execFile);

export interface UpstreamSource {
  folder: string;
  /** Upstream's, as Debian writes it: `8.16.3+~cs35.24.27`. */
  version: string;
}

/** A private apt state that knows the sources of `suites`; updated once per process. */
async function stateFor(suites: readonly string[]): Promise<string> {
  const source = process.platform === 'linux' ? debianSource() : undefined;
  if (source === undefined)
    throw new NotFetched('this is not Debian, or no package source of its own release is configured');
  const state = join(cacheFolder(runner()), `sources-${suites.join('-')}.apt`);
  for (const folder of ['sources', 'none', 'lists/partial', 'cache', 'archives/partial'])
    mkdirSync(join(state, folder), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const signed = source.signedBy === undefined ? '' : `Signed-By: ${source.signedBy}\n`;
  writeFileSync(
    join(state, 'sources', 'one.sources'),
    `Types: deb-src\nURIs: ${source.uris}\nSuites: ${suites.join(' ')}\nComponents: main\n${signed}`,
  );
  writeFileSync(join(state, 'apt.conf'), configuration(state));
  await execute('apt-get', ['-q', '-c', join(state, 'apt.conf'), 'update'], { timeout: 300_000 });
  return state;
}

const states = new Map<string, Promise<string>>();

/** Suites in order of preference: the first whose tarball can be had. Throws NotFetched. */
export async function upstreamSource(name: string, suites: readonly string[]): Promise<UpstreamSource> {
  const key = suites.toSorted().join(' ');
  const known = states.get(key) ?? stateFor(suites.toSorted());
  states.set(key, known);
  const state = await known;
  const failures: string[] = [];
  for (const suite of suites) {
    try {
      return await fetchOrig(state, name, suite);
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message: string };
      failures.push(`${suite}: ${(stderr ?? message).trim().split('\n').at(-1)}`);
    }
  }
  throw new NotFetched(`source of ${name} could not be fetched (${failures.join('; ')})`);
}

async function fetchOrig(state: string, name: string, suite: string): Promise<UpstreamSource> {
  const conf = join(state, 'apt.conf');
  const print = ['-q', '-c', conf, 'source', '--print-uris', `${name}/${suite}`];
  const { stdout } = await execute('apt-get', print, { cwd: join(state, 'cache') });
  // 'URI' file size hash; the components of a source package in several parts have `.orig-NAME.` instead.
  const [, uri, file, version, hash] = /'(\S+)' ([^_\s]+_(\S+)\.orig\.tar\.\w+) \d+ (\S+)/.exec(stdout) ?? [];
  if (uri === undefined || file === undefined || version === undefined || hash === undefined)
    throw new NotFetched(`${name} of ${suite} has no single .orig tarball`);
  const final = join(cacheFolder(runner()), `source-${name}-${version}`);
  if (existsSync(final)) return { folder: final, version };
  const archive = join(state, 'archives', file);
  const draft = `${final}.${process.pid}`;
  try {
    await execute('/usr/lib/apt/apt-helper', ['-c', conf, 'download-file', uri, archive, hash]);
    mkdirSync(draft, { recursive: true });
    await execute('tar', ['-xf', archive, '-C', draft, '--strip-components=1', '--no-same-owner']);
    publish(draft, final);
  } finally {
    rmSync(archive, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
  return { folder: final, version };
}
