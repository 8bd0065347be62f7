/**
 * Programs from Debian packages without installing them: fetched from the machine's own package source, with another
 * suite if need be, with a private apt state, and unpacked with everything they depend on (the C library included) into a
 * folder of the cache. They run through their own dynamic linker, so the suite of the machine does not matter.
 *
 * Invariant: nothing outside the cache folder is written; root is not needed. A folder that exists is complete.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, publish, runner } from '../../src/demo/engine-files.ts';

const execute = promisify(execFile);

export interface Wanted {
  /** Names the folder in the cache. */
  name: string;
  /** bookworm, trixie, sid … */
  suite: string;
  /** Packages whose dependencies are wanted too. */
  closure: readonly string[];
  /** Packages of which only the files are wanted: a plugin whose dependencies are there anyway. */
  alone?: readonly string[];
}

export interface Unpacked {
  folder: string;
  /** A program of the folder (`usr/sbin/mariadbd`) as a command line. */
  command(program: string, ...args: string[]): { file: string; args: string[] };
}

export class NotFetched extends Error {}

/** Left out of the unpacked folder, beside what nobody needs to run a program: they are most of it. */
const superfluous = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info'];

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function listed(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.toSorted().map((name) => read(join(folder, name)));
}

export interface Source {
  uris: string;
  signedBy: string | undefined;
}

/** deb822: stanzas of `Key: value`. A key inside a stanza stands on one line, except Signed-By with the key itself. */
function deb822(text: string, codename: string): Source | undefined {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim();
    const suites = field('Suites')?.split(/\s+/) ?? [];
    const uris = field('URIs');
    if (
      uris !== undefined &&
      suites.includes(codename) &&
      (field('Types') ?? '').split(/\s+/).includes('deb')
    )
      return { uris, signedBy: field('Signed-By') };
  }
  return undefined;
}

/** The older form: `deb [signed-by=…] URI suite component …`. */
function oneLine(text: string, codename: string): Source | undefined {
  for (const line of text.split('\n')) {
    const [, options, uris, suite] = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/.exec(line) ?? [];
    if (uris !== undefined && suite === codename)
      return { uris, signedBy: /signed-by=(\S+)/.exec(options ?? '')?.[1] };
  }
  return undefined;
}

/** Where the machine gets its own packages from. Undefined when it is not Debian, or has no such source. */
export function debianSource(etc = '/etc'): Source | undefined {
  const release = read(join(etc, 'os-release'));
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(release)?.[1];
  if (!/^ID=debian$/m.test(release) || codename === undefined) return undefined;
  const folder = join(etc, 'apt', 'sources.list.d');
  const sources = [
    ...listed(folder, '.sources').map((text) => deb822(text, codename)),
    ...[read(join(etc, 'apt', 'sources.list')), ...listed(folder, '.list')].map((text) =>
      oneLine(text, codename),
    ),
  ];
  return sources.find((source) => source !== undefined);
}

/** Read after the machine's own apt configuration (which may name a proxy), so that it wins. */
export const configuration = (state: string): string => `
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "${state}/sources";
Dir::Etc::preferencesparts "${state}/none";
Dir::State::lists "${state}/lists";
Dir::State::status "${state}/status";
Dir::Cache "${state}/cache";
Dir::Cache::archives "${state}/archives";
Debug::NoLocking "true";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
`;

async function apt(state: string, ...args: string[]): Promise<void> {
  await execute('apt-get', ['-q', '-y', '-c', join(state, 'apt.conf'), ...args], {
    cwd: join(state, 'archives'),
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 300_000,
    maxBuffer: 1 << 24,
  });
}

async function fetchAndUnpack(wanted: Wanted, source: Source, draft: string): Promise<void> {
  const state = `${draft}.apt`;
  try {
    for (const folder of ['sources', 'none', 'lists/partial', 'cache', 'archives/partial'])
      mkdirSync(join(state, folder), { recursive: true });
    // Nothing counts as installed: that is what makes apt fetch the whole closure.
    writeFileSync(join(state, 'status'), '');
    const signed = source.signedBy === undefined ? '' : `Signed-By: ${source.signedBy}\n`;
    writeFileSync(
      join(state, 'sources', 'one.sources'),
      `Types: deb\nURIs: ${source.uris}\nSuites: ${wanted.suite}\nComponents: main\n${signed}`,
    );
    writeFileSync(join(state, 'apt.conf'), configuration(state));
    await apt(state, 'update');
    await apt(state, 'install', '--download-only', '--no-install-recommends', ...wanted.closure);
    if (wanted.alone !== undefined) await apt(state, 'download', ...wanted.alone);
    const archives = readdirSync(join(state, 'archives')).filter((name) => name.endsWith('.deb'));
    if (archives.length === 0) throw new Error('apt-get fetched nothing');
    mkdirSync(draft, { recursive: true, mode: 0o755 });
    for (const name of archives) await execute('dpkg-deb', ['-x', join(state, 'archives', name), draft]);
    for (const path of superfluous) rmSync(join(draft, path), { recursive: true, force: true });
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

/** `usr/lib/x86_64-linux-gnu` and, before the merge of /usr, `lib/x86_64-linux-gnu`. */
function libraryFolders(folder: string): string[] {
  return ['usr/lib', 'lib'].flatMap((parent) => {
    const at = join(folder, parent);
    if (!existsSync(at)) return [];
    return readdirSync(at)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => join(at, name));
  });
}

function opened(folder: string): Unpacked {
  const libraries = libraryFolders(folder);
  const linkers = libraries.flatMap((at) =>
    readdirSync(at)
      .filter((name) => /^ld-linux.*\.so\.\d+$/.test(name))
      .map((name) => join(at, name)),
  );
  const [linker] = linkers;
  if (linker === undefined) throw new Error(`no dynamic linker in ${folder}`);
  return {
    folder,
    command: (program, ...args) => ({
      file: linker,
      args: ['--library-path', libraries.join(':'), join(folder, program), ...args],
    }),
  };
}

/** From the cache, else fetched (some seconds). Throws NotFetched with the reason. */
export async function unpacked(wanted: Wanted): Promise<Unpacked> {
  const final = join(cacheFolder(runner()), `${wanted.name}-${wanted.suite}`);
  if (existsSync(final)) return opened(final);
  const source = process.platform === 'linux' ? debianSource() : undefined;
  if (source === undefined)
    throw new NotFetched('this is not Debian, or no package source of its own release is configured');
  const draft = `${final}.${process.pid}`;
  try {
    await fetchAndUnpack(wanted, source, draft);
    publish(draft, final);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    const { stderr, message } = error as { stderr?: string; message: string };
    const why = stderr === undefined || stderr.trim() === '' ? message : stderr.trim();
    throw new NotFetched(`${wanted.closure.join(' ')} of ${wanted.suite} could not be fetched: ${why}`);
  }
  return opened(final);
}
