/**
 * TLS of a listener's two legs: the keys `tls` (clients) and `server_tls` (server), and the same for the server as
 * parameters of its URL, under the names that libpq and the clients of MySQL and MariaDB give them.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { pemProblem, type PemFiles } from './pem.ts';
import type { ProtocolName } from './address.ts';

const path = z.string().min(1);

export const clientTls = z.strictObject({
  /** off; allow: plain connections too; require: no others. Cancel requests may always come plain, as libpq sends them. */
  mode: z.enum(['off', 'allow', 'require']).default('allow'),
  /** PEM files, relative to the config file. The certificate is followed by its intermediates. */
  cert: path,
  key: path,
  /** Clients must show a certificate that one of these CAs has signed. Needs mode require. */
  client_ca: path.optional(),
  min_version: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
});

/** libpq's sslmode without `allow`, which would try plain first. */
export const serverTlsModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type ServerTlsMode = (typeof serverTlsModes)[number];

export const serverTls = z.strictObject({
  /** prefer: TLS where the server has it, else plain. require: TLS, whoever the server is. */
  mode: z.enum(serverTlsModes).default('prefer'),
  /** PEM file of the CAs that may have signed the server's certificate; `system`: those that come with Node. */
  ca: path.optional(),
  /** Shown to the server: a client certificate. */
  cert: path.optional(),
  key: path.optional(),
  /** The name that verify-full looks for in the certificate and that SNI sends; the host of `server` if absent. */
  server_name: path.optional(),
  /** direct: TLS from the first byte (PostgreSQL 17 and newer). */
  negotiation: z.enum(['postgres', 'direct']).default('postgres'),
});
export type ServerTlsEntry = z.output<typeof serverTls>;

/** Files are absolute. */
export interface ClientTlsConfig {
  mode: 'allow' | 'require';
  files: PemFiles & { cert: string; key: string };
  minVersion: 'TLSv1.2' | 'TLSv1.3';
}

export interface ServerTlsConfig {
  mode: ServerTlsMode;
  files: PemFiles;
  /** The certificate has to be signed by one of files.ca, or where there are none by one of Node's own list. */
  verify: boolean;
  serverName: string | undefined;
  negotiation: 'postgres' | 'direct';
}

type Key = keyof ServerTlsEntry;
const pgParameters: Record<string, Key> = {
  sslmode: 'mode',
  sslrootcert: 'ca',
  sslcert: 'cert',
  sslkey: 'key',
  sslnegotiation: 'negotiation',
};
const mysqlParameters: Record<string, Key> = {
  'ssl-mode': 'mode',
  'ssl-ca': 'ca',
  'ssl-cert': 'cert',
  'ssl-key': 'key',
};
const parameters: Record<ProtocolName, Record<string, Key>> = {
  postgres: pgParameters,
  mysql: mysqlParameters,
};

/** MySQL's words for the modes. */
const mysqlModes: Record<string, ServerTlsMode> = {
  disabled: 'disable',
  preferred: 'prefer',
  required: 'require',
  verify_ca: 'verify-ca',
  verify_identity: 'verify-full',
};

/** @returns what the URL says about TLS, undefined when it says nothing; a text when it says something else or something wrong */
export function urlTls(protocol: ProtocolName, search: URLSearchParams): ServerTlsEntry | undefined | string {
  const known = parameters[protocol];
  const entry: Partial<Record<Key, string>> = {};
  for (const [name, value] of search) {
    const key = known[name];
    if (key === undefined)
      return `unknown parameter "${name}" in the URL; allowed: ${Object.keys(known).join(', ')}`;
    entry[key] = name === 'ssl-mode' ? (mysqlModes[value.toLowerCase()] ?? value) : value;
  }
  if (Object.keys(entry).length === 0) return undefined;
  const checked = serverTls.safeParse(entry);
  if (checked.success) return checked.data;
  const wrong = checked.error.issues[0]?.path[0];
  const name = Object.keys(known).find((one) => known[one] === wrong) ?? '';
  const allowed = wrong === 'mode' ? serverTlsModes.join(', ') : 'postgres, direct';
  return `parameter "${name}" in the URL: expected one of ${allowed}`;
}

interface Place {
  folder: string;
  problem: (key: string, message: string) => void;
}

/** @param problem is told the key inside `tls` */
export function readClientTls(
  entry: z.output<typeof clientTls> | undefined,
  { folder, problem }: Place,
): ClientTlsConfig | undefined {
  if (entry === undefined || entry.mode === 'off') return undefined;
  const { mode, cert, key, client_ca: ca, min_version: minVersion } = entry;
  if (ca !== undefined && mode !== 'require')
    problem('client_ca', 'needs mode: require, else a client without a certificate could connect plain');
  const files = { cert: resolve(folder, cert), key: resolve(folder, key), ca: ca && resolve(folder, ca) };
  const wrong = pemProblem(files);
  if (wrong !== undefined) problem(wrong.file === 'ca' ? 'client_ca' : wrong.file, wrong.message);
  return { mode, files, minVersion };
}

/** @param problem is told the key inside `server_tls` */
export function readServerTls(
  entry: ServerTlsEntry,
  protocol: ProtocolName,
  { folder, problem }: Place,
): ServerTlsConfig {
  const { mode, ca, cert, key, server_name: serverName, negotiation } = entry;
  const optional = mode === 'disable' || mode === 'prefer';
  if (negotiation === 'direct' && protocol !== 'postgres') problem('negotiation', 'direct is for PostgreSQL');
  if (negotiation === 'direct' && optional)
    problem('negotiation', 'direct needs mode require or a stricter one');
  if (ca !== undefined && optional)
    problem(
      'ca',
      'needs mode require or a stricter one: with prefer a server that fails the check would get a plain connection',
    );
  if (mode === 'verify-ca' && ca === undefined) problem('mode', 'verify-ca needs ca');
  if (ca === 'system' && mode !== 'verify-full')
    problem('ca', 'system needs mode verify-full: anyone can have a certificate of a public CA');
  if ((cert === undefined) !== (key === undefined))
    problem(cert === undefined ? 'key' : 'cert', 'cert and key belong together');
  const at = (file: string | undefined) => file && resolve(folder, file);
  const files = { cert: at(cert), key: at(key), ca: ca === 'system' ? undefined : at(ca) };
  const wrong = (cert === undefined) === (key === undefined) ? pemProblem(files) : undefined;
  if (wrong !== undefined) problem(wrong.file, wrong.message);
  const verify = ca !== undefined || mode === 'verify-full';
  return { mode, files, verify, serverName, negotiation };
}
