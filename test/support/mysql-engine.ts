/**
 * Throw-away MariaDB and MySQL servers from Debian packages, on a free port of 127.0.0.1, as an unprivileged user. A data
 * folder is initialised once per package release and copied for every start, so that a start takes about a second.
 *
 * Invariant: the server never outlives the process that started it, and nothing of it is left (kept-process.ts).
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { freePort } from '../../src/demo/engine.ts';
import { cacheFolder, publish, runner, type Runner } from '../../src/demo/engine-files.ts';
import { unpacked, type Unpacked, type Wanted } from './debian-packages.ts';
import { ownFolder, run, startKept, tail, type Kept } from './kept-process.ts';

export type MysqlEngine = 'mariadb-10.11' | 'mariadb-11.8' | 'mysql-9.7';
export const mysqlEngines: readonly MysqlEngine[] = ['mariadb-10.11', 'mariadb-11.8', 'mysql-9.7'];

export type AuthPlugin = 'mysql_native_password' | 'caching_sha2_password' | 'ed25519' | 'parsec';

/** Of every account below. */
export const password = 'secret';

interface Spec {
  packages: Wanted;
  /** Plugin of the account of the same name. MySQL has dropped mysql_native_password with 9.0. */
  plugins: readonly AuthPlugin[];
}

/** The authentication plugins are files of mariadb-server, whose many dependencies a bare server does without. */
const mariadb = (name: string, suite: string): Wanted => ({
  name,
  suite,
  closure: ['mariadb-server-core'],
  alone: ['mariadb-server'],
});

const specs: Record<MysqlEngine, Spec> = {
  'mariadb-10.11': {
    packages: mariadb('mariadb-10.11', 'bookworm'),
    plugins: ['mysql_native_password', 'ed25519'],
  },
  'mariadb-11.8': {
    packages: mariadb('mariadb-11.8', 'trixie'),
    plugins: ['mysql_native_password', 'ed25519', 'parsec'],
  },
  'mysql-9.7': {
    packages: { name: 'mysql-9.7', suite: 'sid', closure: ['mysql-server-core'] },
    plugins: ['caching_sha2_password'],
  },
};

export const pluginsOf = (engine: MysqlEngine): readonly AuthPlugin[] => specs[engine].plugins;
const isMysql = (engine: MysqlEngine): boolean => engine.startsWith('mysql');

/** One statement a line, as init_file wants it. */
function accounts(engine: MysqlEngine): string[] {
  const identified = (plugin: AuthPlugin): string =>
    isMysql(engine)
      ? `IDENTIFIED WITH ${plugin} BY '${password}'`
      : `IDENTIFIED VIA ${plugin} USING PASSWORD('${password}')`;
  const account = (name: string, by: string): string[] => [
    `CREATE USER '${name}'@'%' ${by};`,
    `GRANT ALL PRIVILEGES ON *.* TO '${name}'@'%' WITH GRANT OPTION;`,
  ];
  const loadable = isMysql(engine)
    ? []
    : specs[engine].plugins.filter((name) => name !== 'mysql_native_password');
  return [
    ...loadable.map((name) => `INSTALL SONAME 'auth_${name}';`),
    // Shows who holds a lock by name.
    ...(isMysql(engine) ? [] : [`INSTALL SONAME 'metadata_lock_info';`]),
    // MariaDB's scripts make accounts without a password for these hosts, which would win over '%'.
    `DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';`,
    ...account('root', `IDENTIFIED BY '${password}'`),
    ...specs[engine].plugins.flatMap((plugin) => account(plugin, identified(plugin))),
  ];
}

interface Files {
  engine: MysqlEngine;
  packages: Unpacked;
  program: string;
  /** Messages, character sets and the scripts of the system tables. */
  share: string;
}

function filesOf(engine: MysqlEngine, packages: Unpacked): Files {
  const shares = ['mariadb', 'mysql'].map((name) => join(packages.folder, 'usr/share', name));
  const share = shares.find((path) => existsSync(join(path, 'charsets')));
  if (share === undefined) throw new Error(`${engine}: no character sets in ${packages.folder}`);
  return { engine, packages, share, program: isMysql(engine) ? 'usr/sbin/mysqld' : 'usr/sbin/mariadbd' };
}

/** What every start of the program needs, the settings of the data folder included: they must not change between starts. */
function base(files: Files, data: string): string[] {
  const own = isMysql(files.engine)
    ? ['--mysqlx=OFF', '--skip-log-bin', '--innodb-redo-log-capacity=8M', '--innodb-doublewrite=OFF']
    : ['--innodb-log-file-size=8M', '--innodb-doublewrite=0', '--performance-schema=OFF'];
  return [
    '--no-defaults',
    `--basedir=${join(files.packages.folder, 'usr')}`,
    `--datadir=${data}`,
    `--plugin-dir=${join(files.packages.folder, 'usr/lib/mysql/plugin')}`,
    `--lc-messages-dir=${files.share}`,
    `--character-sets-dir=${join(files.share, 'charsets')}`,
    '--secure-file-priv=',
    '--skip-name-resolve',
    '--innodb-buffer-pool-size=64M',
    '--innodb-flush-log-at-trx-commit=0',
    ...own,
  ];
}

async function initialise(files: Files, data: string, as: Runner | undefined): Promise<void> {
  const { packages, program, share } = files;
  if (isMysql(files.engine)) {
    await run(packages.command(program, ...base(files, data), '--initialize-insecure'), as);
    return;
  }
  const prefix = existsSync(join(share, 'mariadb_system_tables.sql')) ? 'mariadb' : 'mysql';
  const script = (name: string): string => readFileSync(join(share, `${prefix}_${name}.sql`), 'utf8');
  const scripts = ['system_tables', 'performance_tables', 'system_tables_data'].map(script);
  const input = ['CREATE DATABASE mysql;', 'USE mysql;', ...scripts].join('\n');
  await run(packages.command(program, ...base(files, data), '--bootstrap', '--log-warnings=0'), as, input);
}

const ready = /ready for connections/;
const portTaken = /Bind on TCP\/IP port|Address already in use/;

interface Start {
  data: string;
  /** Of the error log, socket and pid file; deleted when the server ends. */
  folder: string;
  args: readonly string[];
  /** Milliseconds until it has to be ready. */
  timeout: number;
  /** Default: any free one. */
  port?: number | undefined;
}

interface Started extends Kept {
  port: number;
}

async function launch(files: Files, start: Start, as: Runner | undefined): Promise<Started | 'port taken'> {
  const port = start.port ?? (await freePort());
  const log = join(start.folder, 'error.log');
  const command = files.packages.command(
    files.program,
    ...base(files, start.data),
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    `--socket=${join(start.folder, 'socket')}`,
    `--pid-file=${join(start.folder, 'pid')}`,
    ...start.args,
  );
  const server = startKept(command, log, start.folder, as);
  const deadline = Date.now() + start.timeout;
  for (let text = tail(log); !ready.test(text); text = tail(log)) {
    if (server.ended() || Date.now() > deadline) {
      await server.stop();
      if (portTaken.test(text)) return 'port taken';
      throw new Error(`${files.engine} did not start:\n${text}`);
    }
    await delay(20);
  }
  return { port, ...server };
}

/** A data folder with its accounts, shut down cleanly, so that a copy of it starts without recovery. */
async function template(files: Files, as: Runner | undefined): Promise<string> {
  const recipe = JSON.stringify([base(files, ''), accounts(files.engine)]);
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 8);
  const final = join(cacheFolder(as), `data-${files.engine}-${key}`);
  if (existsSync(final)) return final;
  const data = ownFolder(`interlock-init-${files.engine}-`, as);
  await initialise(files, data, as);
  const folder = ownFolder(`interlock-init-${files.engine}-`, as);
  const init = join(folder, 'init.sql');
  writeFileSync(init, `${accounts(files.engine).join('\n')}\n`, { mode: 0o644 });
  const server = await launch(files, { data, folder, args: [`--init-file=${init}`], timeout: 60_000 }, as);
  if (server === 'port taken') return template(files, as);
  const connection = await createConnection({ host: '127.0.0.1', port: server.port, user: 'root', password });
  // The connection may break before the answer.
  connection.on('error', () => undefined);
  await connection.query('SHUTDOWN').catch(() => undefined);
  connection.destroy();
  await server.exit;
  publish(data, final);
  return final;
}

export interface MysqlEngineOptions {
  engine: MysqlEngine;
  /** Server variables. They win over the defaults. */
  settings?: Record<string, string>;
  timeout?: number;
  port?: number | undefined;
}

export interface RunningMysql {
  host: string;
  port: number;
  /** Every command of every connection, as it arrived. Gone after stop(). */
  generalLogFile: string;
  errorLogFile: string;
  stop(): Promise<void>;
}

const perEngine = new Map<MysqlEngine, Promise<Unpacked>>();

/** The engine's packages, fetched when they are not in the cache. Throws NotFetched. */
export function fetched(engine: MysqlEngine): Promise<Unpacked> {
  const known = perEngine.get(engine) ?? unpacked(specs[engine].packages);
  perEngine.set(engine, known);
  return known;
}

export async function startMysqlEngine(options: MysqlEngineOptions): Promise<RunningMysql> {
  const as = runner();
  const files = filesOf(options.engine, await fetched(options.engine));
  const from = await template(files, as);
  for (let attempt = 0; attempt < 3; attempt++) {
    const folder = ownFolder(`interlock-${options.engine}-`, as);
    const data = join(folder, 'data');
    await run({ file: 'cp', args: ['-R', from, data] }, as);
    const generalLogFile = join(folder, 'general.log');
    const settings = {
      max_connections: '100',
      general_log: '1',
      general_log_file: generalLogFile,
      log_output: 'FILE',
      ...options.settings,
    };
    const args = Object.entries(settings).map(([name, value]) => `--${name.replaceAll('_', '-')}=${value}`);
    const server = await launch(
      files,
      { data, folder, args, timeout: options.timeout ?? 60_000, port: options.port },
      as,
    );
    if (server === 'port taken') continue;
    server.release();
    return {
      host: '127.0.0.1',
      port: server.port,
      generalLogFile,
      errorLogFile: join(folder, 'error.log'),
      stop: () => server.stop(),
    };
  }
  throw new Error(`${options.engine}: three free ports in a row were taken by others`);
}
