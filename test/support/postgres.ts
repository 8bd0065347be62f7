/**
 * Real PostgreSQL servers for tests: one call, one throw-away server on a free port. A URL in the environment
 * (INTERLOCK_TEST_PG15_URL … INTERLOCK_TEST_PG18_URL, superuser) replaces the engine of that version, except where a test
 * needs settings, authentication or a log of its own.
 */
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { installedFolder, postgresVersions, type PostgresVersion } from '../../src/demo/engine-files.ts';
import { startEngine } from '../../src/demo/engine.ts';
import type { Certificate } from './certificates.ts';
import { parseLog, type LoggedStatement } from '../../src/demo/server-log.ts';

export type { PostgresVersion } from '../../src/demo/engine-files.ts';
export type { LoggedStatement } from '../../src/demo/server-log.ts';

export interface PostgresOptions {
  version: PostgresVersion;
  /** postgresql.conf settings. Defaults: fsync off, deadlock_timeout 200ms, log_statement all. */
  settings?: Record<string, string>;
  /** How role `app` (password `secret`) has to log in. `postgres` is always trusted. Default: everyone is. */
  auth?: 'password' | 'md5' | 'scram-sha-256';
  /** The server has TLS with this certificate; `ca` signs the certificates of clients. */
  tls?: Certificate & { ca?: string };
  /** Lines of pg_hba.conf in front of the others. */
  hba?: string[];
  /** The test reads the log or takes the server down: never a server from the environment. */
  own?: boolean;
}

export interface Postgres {
  host: string;
  port: number;
  version: PostgresVersion;
  /** Superuser, database postgres. */
  url: string;
  /** Role `app` when `auth` was given, else the same as url. */
  appUrl: string;
  /** Undefined for a server from the environment. */
  logFile: string | undefined;
  /** PGHOST, PGPORT, PGUSER, PGDATABASE for psql, pgbench, pg_dump. */
  psqlEnv: Record<string, string>;
  /** Creates an empty database and gives its name. Dropped with the server, or by stop() on a server from the environment. */
  newDatabase(): Promise<string>;
  /** Everything logged so far with log_statement = all, in order. */
  statements(): LoggedStatement[];
  stop(): Promise<void>;
}

/** url with another host, port or database. */
export function pointed(
  url: string,
  to: { host?: string; port?: number; database?: string; user?: string },
): string {
  const parts = new URL(url);
  if (to.host !== undefined) parts.hostname = to.host;
  if (to.port !== undefined) parts.port = String(to.port);
  if (to.database !== undefined) parts.pathname = `/${to.database}`;
  if (to.user !== undefined) parts.username = to.user;
  return parts.href;
}

export async function run(url: string, ...statements: string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results: pg.QueryResult[] = [];
    for (const text of statements) results.push(await client.query(text));
    return results;
  } finally {
    await client.end();
  }
}

const variable = (version: PostgresVersion): string => `INTERLOCK_TEST_PG${version}_URL`;

/** Undefined when the version can be started here, else why not. */
export function missing(version: PostgresVersion, own: 'own' | 'any' = 'any'): string | undefined {
  if (own === 'any' && process.env[variable(version)] !== undefined) return undefined;
  try {
    installedFolder(version);
    return undefined;
  } catch (error) {
    return `${(error as Error).message}. Give a server in ${variable(version)}.`;
  }
}

/** The versions of `wanted` that can run here; the others are announced on standard error, loudly, never silently left out. */
export function availableVersions(
  wanted: readonly PostgresVersion[] = postgresVersions,
  own: 'own' | 'any' = 'any',
): PostgresVersion[] {
  return wanted.filter((version) => {
    const why = missing(version, own);
    if (why !== undefined) process.stderr.write(`\n*** NOT TESTED: ${why}\n\n`);
    return why === undefined;
  });
}

function environmentOf(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const env: Record<string, string> = {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGDATABASE: pathname.slice(1),
  };
  if (password !== '') env.PGPASSWORD = decodeURIComponent(password);
  return env;
}

function withDatabases(
  url: string,
  keep: boolean,
): { newDatabase: Postgres['newDatabase']; dropAll: () => Promise<void> } {
  const made: string[] = [];
  return {
    newDatabase: async () => {
      const name = `t_${randomBytes(5).toString('hex')}`;
      await run(url, `CREATE DATABASE ${name}`);
      made.push(name);
      return name;
    },
    dropAll: async () => {
      if (!keep) return;
      for (const name of made) await run(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

function fromEnvironment(options: PostgresOptions, url: string): Postgres {
  const { newDatabase, dropAll } = withDatabases(url, true);
  const { hostname, port } = new URL(url);
  return {
    host: hostname,
    port: Number(port === '' ? 5432 : port),
    version: options.version,
    url,
    appUrl: url,
    logFile: undefined,
    psqlEnv: environmentOf(url),
    newDatabase,
    statements: () => {
      throw new Error(`${variable(options.version)}: the log of a given server cannot be read`);
    },
    stop: dropAll,
  };
}

function tlsSettings({ cert, key, ca }: Certificate & { ca?: string }): Record<string, string> {
  const files = { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key };
  return ca === undefined ? files : { ...files, ssl_ca_file: ca };
}

/** Starts a server (about 0.3 s once its template exists). It ends with this process at the latest. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { own: wanted, settings, auth, tls, hba: first = [] } = options;
  const own = wanted === true || [settings, auth, tls].some((one) => one !== undefined) || first.length > 0;
  const given = own ? undefined : process.env[variable(options.version)];
  if (given !== undefined) return fromEnvironment(options, given);
  const hba = [
    ...first,
    'host all postgres 127.0.0.1/32 trust',
    `host all all 127.0.0.1/32 ${options.auth ?? 'trust'}`,
    'host replication all 127.0.0.1/32 trust',
  ];
  const encryption = options.auth === 'md5' ? { password_encryption: 'md5' } : {};
  const engine = await startEngine({
    version: options.version,
    hba,
    settings: { ...encryption, ...(tls === undefined ? {} : tlsSettings(tls)), ...settings },
  });
  const url = `postgres://postgres@127.0.0.1:${engine.port}/postgres`;
  let appUrl = url;
  if (options.auth !== undefined) {
    await run(url, `CREATE ROLE app LOGIN PASSWORD 'secret'`, 'GRANT CREATE ON SCHEMA public TO app');
    appUrl = `postgres://app:secret@127.0.0.1:${engine.port}/postgres`;
  }
  return {
    host: engine.host,
    port: engine.port,
    version: options.version,
    url,
    appUrl,
    logFile: engine.logFile,
    psqlEnv: environmentOf(url),
    newDatabase: withDatabases(url, false).newDatabase,
    statements: () => parseLog(readFileSync(engine.logFile, 'utf8')),
    stop: () => engine.stop(),
  };
}
