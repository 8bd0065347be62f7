/**
 * Where listeners listen and servers are found: TCP addresses and Unix sockets, in the forms that users of libpq, the MySQL
 * clients, nginx and PgBouncer know. Each is a zod schema with its own message.
 */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { urlTls, type ServerTlsEntry } from './tls.ts';

export interface TcpAddress {
  /** Name or IP address, IPv6 without brackets. */
  host: string;
  port: number;
}

/** A Unix socket. */
export interface SocketFile {
  path: string;
}

export type Endpoint = TcpAddress | SocketFile;
export type ListenAddress = TcpAddress | (SocketFile & { /** Permission bits. */ mode: number });

/** `db:5432`, `[::1]:5432`, `unix:/run/x.sock`: for people, and as a key. */
export function shown(at: Endpoint): string {
  if ('path' in at) return `unix:${at.path}`;
  return `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`;
}

/** sun_path of Linux is 108 bytes and of macOS 104, the zero at the end included. */
const longestPath = 103;
/** Whoever gets there still has to log in; PostgreSQL, MySQL and PgBouncer do the same. */
const openToAll = 0o777;

const socketPath = z
  .string()
  .refine(isAbsolute, 'the path of a socket has to begin with /')
  .refine(
    (path) => Buffer.byteLength(path) <= longestPath,
    `a socket's path has ${longestPath} bytes at most`,
  );

const socketMode = z
  .string()
  .regex(/^0?[0-7]{3}$/, "write the mode in octal and in quotes, for example '0660'")
  .transform((text) => Number.parseInt(text, 8));

/** `127.0.0.1:6432`, `localhost:6432`, `[::1]:6432`. Port 0: any free one. */
export const tcpAddress = z.string().transform((text, context): TcpAddress => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    const message = 'write host:port, for example 127.0.0.1:6432 or [::1]:6432';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }
  return { host: match[1] ?? match[2] ?? '', port };
});

const socketText = z
  .string()
  .transform((text) => text.replace(/^unix:(\/\/(?=\/))?/, ''))
  .pipe(socketPath);

/** A TCP address, `unix:/path`, or `{path, mode}`. */
export const listenAddress = z.union([
  z.string().transform((text, context): ListenAddress => {
    const parsed = (text.startsWith('unix:') ? socketText : tcpAddress).safeParse(text);
    if (parsed.success)
      return typeof parsed.data === 'string' ? { path: parsed.data, mode: openToAll } : parsed.data;
    for (const { message } of parsed.error.issues) context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }),
  z.strictObject({ path: socketPath, mode: socketMode.default(openToAll) }),
]);

/** MariaDB speaks MySQL's protocol; which of the two a server is, its greeting tells. */
export type ProtocolName = 'postgres' | 'mysql';
/** Of the URL; for `check --connect`, never for a client's session. */
export interface Credentials {
  user: string;
  password: string;
  /** '' where none is named. */
  database: string;
}

export interface ServerAddress {
  /** Undefined: neither scheme nor file name tells. */
  protocol: ProtocolName | undefined;
  at: Endpoint;
  /** What the URL's parameters say about TLS. */
  tls: ServerTlsEntry | undefined;
  credentials: Credentials | undefined;
}

const schemes: Record<string, ProtocolName> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
};
const defaultPort: Record<ProtocolName, number> = { postgres: 5432, mysql: 3306 };
/** Of a socket in a URL, as libpq (a folder) and the clients of MySQL call it. */
const socketParameters: Record<ProtocolName, readonly string[]> = {
  postgres: ['host', 'port'],
  mysql: ['socket', 'unix_socket', 'socketPath'],
};

/** PostgreSQL's own name for the socket in a folder: .s.PGSQL.5432. */
const postgresSocket = (folder: string, port: number) => `${folder.replace(/\/+$/, '')}/.s.PGSQL.${port}`;

/**
 * `postgres://db:5432`, `postgres:///?host=/var/run/postgresql`, `mysql:///?socket=/run/mysqld/mysqld.sock`, or
 * `unix:/path`. The scheme chooses the protocol. User, password and database may stand in it, as in the app's own
 * connection string; only `check --connect` uses them, the client's log-in is relayed. Parameters about TLS have the names that the app's
 * driver gives them: `?sslmode=verify-full&sslrootcert=ca.pem`, `?ssl-mode=REQUIRED`. Messages never repeat the URL.
 */
export const serverUrl = z.string().transform((text, context): ServerAddress => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (text.startsWith('unix:')) {
    const parsed = socketText.safeParse(text);
    if (!parsed.success) return refuse(parsed.error.issues[0]?.message ?? 'no path');
    const path = parsed.data;
    const protocol = /\/\.s\.PGSQL\.\d+$/.test(path) ? 'postgres' : undefined;
    return { protocol, at: { path }, tls: undefined, credentials: undefined };
  }
  if (!URL.canParse(text)) return refuse('write a URL, for example postgres://db:5432');
  const url = new URL(text);
  const protocol = schemes[url.protocol];
  if (protocol === undefined)
    return refuse('the URL has to begin with postgres://, postgresql://, mysql:// or mariadb://');
  const others = new URLSearchParams(url.searchParams);
  for (const name of socketParameters[protocol]) others.delete(name);
  const tls = urlTls(protocol, others);
  if (typeof tls === 'string') return refuse(tls);
  if (url.hash !== '') return refuse('a URL of a server has no #');
  const at = endpointOf(url, protocol);
  if (typeof at === 'string') return refuse(at);
  return { protocol, at, tls, credentials: credentialsOf(url) };
});

function credentialsOf({ username, password, pathname }: URL): Credentials | undefined {
  if (username === '') return undefined;
  const [user, secret, database] = [username, password, pathname.slice(1)].map(decoded);
  return { user: user ?? '', password: secret ?? '', database: database ?? '' };
}

/** A % that encodes nothing stands for itself, as in the drivers. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @returns what is wrong with the URL, where something is */
function endpointOf(url: URL, protocol: ProtocolName): Endpoint | string {
  const parameter = (name: string) => url.searchParams.get(name) ?? '';
  const port = Number(url.port || (protocol === 'postgres' && parameter('port')) || defaultPort[protocol]);
  let host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1');
  let path = '';
  if (protocol === 'postgres') {
    if (host === '') host = parameter('host');
    if (host.startsWith('/')) path = postgresSocket(host, port);
  } else path = socketParameters.mysql.map(parameter).find((value) => value !== '') ?? '';
  if (path !== '') {
    const parsed = socketPath.safeParse(path);
    return parsed.success ? { path } : (parsed.error.issues[0]?.message ?? 'no path');
  }
  if (host === '') return `the URL has no host${noHostHint[protocol]}`;
  return port > 0 && port <= 65_535 ? { host, port } : 'the port of the URL is not one';
}

const noHostHint: Record<ProtocolName, string> = {
  postgres: '; a socket is named by its folder: postgres:///?host=/var/run/postgresql',
  mysql: '; a socket is named by its file: mysql:///?socket=/run/mysqld/mysqld.sock',
};
