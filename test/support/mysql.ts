/**
 * Real MariaDB and MySQL servers for tests: one call, one throw-away server on a free port. A URL in the environment
 * (INTERLOCK_TEST_MARIADB1011_URL, INTERLOCK_TEST_MARIADB118_URL, INTERLOCK_TEST_MYSQL97_URL; an account with all
 * privileges) replaces an engine.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { debianSource, NotFetched } from './debian-packages.ts';
import { pointed } from './postgres.ts';
import {
  fetched,
  mysqlEngines,
  password as defaultPassword,
  pluginsOf,
  startMysqlEngine,
  type AuthPlugin,
  type MysqlEngine,
} from './mysql-engine.ts';

export { mysqlEngines, type AuthPlugin, type MysqlEngine } from './mysql-engine.ts';

export interface MysqlOptions {
  engine: MysqlEngine;
  /** Server variables. Defaults: everything is logged, logs are not flushed, nothing else. */
  settings?: Record<string, string>;
  /** Default for new sessions. Without it the engine's own, REPEATABLE READ. */
  isolation?: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
  /** Where one listened before. Default: any free one. */
  port?: number;
}

export interface LoggedCommand {
  /** CONNECTION_ID() of the session; the same through a 1:1 relay. */
  connection: number;
  /** As the server names it: Connect, Query, Prepare, Execute, Close stmt, Quit … */
  command: string;
  /** Execute: with the values in the place of the question marks. */
  text: string;
}

export interface Mysql {
  host: string;
  port: number;
  engine: MysqlEngine;
  /** VERSION(), the distribution's additions included. */
  version: string;
  /** Of the account, which has all privileges. Default: root, no database. */
  url(user?: string, password?: string, database?: string): string;
  /** Accounts by the plugin they log in with. Empty for a server from the environment. */
  accounts: Partial<Record<AuthPlugin, { user: string; password: string }>>;
  /** Undefined for a server from the environment. */
  generalLogFile: string | undefined;
  /** Creates an empty database and gives its name. Dropped with the server, or by stop() on a server from the environment. */
  newDatabase(): Promise<string>;
  /** Everything logged so far, in order. */
  commands(): LoggedCommand[];
  stop(): Promise<void>;
}

/** Statements one by one on a connection of their own; gives the rows of the last one. */
export async function ask<Row>(url: string, ...statements: string[]): Promise<Row[]> {
  const connection = await createConnection(url);
  try {
    let rows: unknown = [];
    for (const text of statements) [rows] = await connection.query<RowDataPacket[]>(text);
    return rows as Row[];
  } finally {
    await connection.end();
  }
}

const variable = (engine: MysqlEngine): string =>
  `INTERLOCK_TEST_${engine.replaceAll(/[^a-z0-9]/g, '').toUpperCase()}_URL`;

/** MySQL comes from a suite that moves, so it may be gone one day; MariaDB must be had wherever it can be. */
const mayBeMissing = (engine: MysqlEngine): boolean =>
  engine.startsWith('mysql') || (process.env.CI === undefined && debianSource() === undefined);

/** Undefined when the engine can be started here (it is fetched now, if need be), else why not. */
export async function missing(engine: MysqlEngine): Promise<string | undefined> {
  if (process.env[variable(engine)] !== undefined) return undefined;
  try {
    await fetched(engine);
    return undefined;
  } catch (error) {
    if (!(error instanceof NotFetched)) throw error;
    return `${engine}: ${error.message}. Give a server in ${variable(engine)}.`;
  }
}

/**
 * The engines of `wanted` that can run here; the others are announced on standard error, or an error where they may not be
 * missing. ownSettings: the test starts servers with settings, so a given server is of no use to it.
 */
export async function availableEngines(
  wanted: readonly MysqlEngine[] = mysqlEngines,
  { ownSettings = false } = {},
): Promise<MysqlEngine[]> {
  const announce = (why: string): boolean => process.stderr.write(`\n*** NOT TESTED: ${why}\n\n`);
  const available: MysqlEngine[] = [];
  for (const engine of wanted) {
    const given = process.env[variable(engine)] !== undefined;
    const why = await missing(engine);
    if (ownSettings && given)
      announce(`${engine} with its own settings: ${variable(engine)} is a given server`);
    else if (why === undefined) available.push(engine);
    else if (mayBeMissing(engine)) announce(why);
    else throw new Error(why);
  }
  return available;
}

/** `time <tab> id command <tab> text`; the time is left out (a tab instead) when it did not change, on MariaDB. */
const entry = /^(?:\d{4}-\S+|\d{6} +\d+:\d\d:\d\d|\t)\t *(\d+) ([A-Z][A-Za-z ]*?)\s*\t(.*)$/;
const header = /^(?:\S*\/)?\S+, Version: .*started with:$|^Tcp port: |^Time +Id Command +Argument$/;

export function parseGeneralLog(text: string): LoggedCommand[] {
  const commands: LoggedCommand[] = [];
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const [, connection, command, argument] = entry.exec(line) ?? [];
    const last = commands.at(-1);
    if (connection !== undefined && command !== undefined)
      commands.push({ connection: Number(connection), command, text: argument ?? '' });
    // A text of several lines goes on as it is.
    else if (last !== undefined && !header.test(line)) last.text += `\n${line}`;
  }
  return commands;
}

function databases(url: string): { newDatabase: Mysql['newDatabase']; dropAll: () => Promise<void> } {
  const made: string[] = [];
  return {
    newDatabase: async () => {
      const name = `t_${randomBytes(5).toString('hex')}`;
      await ask(url, `CREATE DATABASE ${name}`);
      made.push(name);
      return name;
    },
    dropAll: async () => {
      if (made.length > 0) await ask(url, ...made.map((name) => `DROP DATABASE IF EXISTS ${name}`));
    },
  };
}

async function versionOf(url: string): Promise<string> {
  const [row] = await ask<{ version: string }>(url, 'SELECT VERSION() AS version');
  return row?.version ?? '';
}

function urlOf(given: string): Mysql['url'] {
  const { username, password: own } = new URL(given);
  return (user, password, database) => {
    const url = new URL(pointed(given, { user: user ?? username, database: database ?? '' }));
    url.password = password ?? (user === undefined ? own : defaultPassword);
    return url.href;
  };
}

async function fromEnvironment(options: MysqlOptions, given: string): Promise<Mysql> {
  if (options.settings !== undefined || options.isolation !== undefined)
    throw new Error(
      `${variable(options.engine)}: this test needs its own settings and cannot use a given server`,
    );
  const { newDatabase, dropAll } = databases(given);
  const { hostname, port } = new URL(given);
  return {
    host: hostname,
    port: Number(port === '' ? 3306 : port),
    engine: options.engine,
    version: await versionOf(given),
    url: urlOf(given),
    accounts: {},
    generalLogFile: undefined,
    newDatabase,
    commands: () => {
      throw new Error(`${variable(options.engine)}: the log of a given server cannot be read`);
    },
    stop: dropAll,
  };
}

/** Starts a server (about a second once its template exists). It ends with this process at the latest. */
export async function startMysql(options: MysqlOptions): Promise<Mysql> {
  const given = process.env[variable(options.engine)];
  if (given !== undefined) return fromEnvironment(options, given);
  const isolation =
    options.isolation === undefined ? {} : { transaction_isolation: options.isolation.replaceAll(' ', '-') };
  const server = await startMysqlEngine({
    engine: options.engine,
    settings: { ...isolation, ...options.settings },
    port: options.port,
  });
  const root = `mysql://root:${defaultPassword}@127.0.0.1:${server.port}/`;
  const accounts = pluginsOf(options.engine).map((plugin) => [
    plugin,
    { user: plugin, password: defaultPassword },
  ]);
  return {
    host: server.host,
    port: server.port,
    engine: options.engine,
    version: await versionOf(root),
    url: urlOf(root),
    accounts: Object.fromEntries(accounts) as Mysql['accounts'],
    generalLogFile: server.generalLogFile,
    newDatabase: databases(root).newDatabase,
    commands: () => parseGeneralLog(readFileSync(server.generalLogFile, 'utf8')),
    stop: () => server.stop(),
  };
}
