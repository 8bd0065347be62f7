/** Logs in to MySQL or MariaDB with the account of the server's URL and asks for what decides about rewrites. mysql2 is the client. */
import type { ConnectionOptions, RowDataPacket, SslOptions } from 'mysql2/promise';
import type { Credentials, Endpoint } from '../config/address.ts';
import { readPem } from '../config/pem.ts';
import type { ServerTlsConfig } from '../config/tls.ts';

/** Of the session that the account gets. Public names of server variables. */
const wanted = [
  'transaction_isolation',
  'tx_isolation',
  'innodb_snapshot_isolation',
  'innodb_rollback_on_timeout',
  'require_secure_transport',
  'sql_mode',
] as const;

export type MysqlVariables = Partial<Record<(typeof wanted)[number], string>>;

/**
 * @param tls the leg has TLS, whose certificate was checked already where it has to be
 * @throws what mysql2 reports: the server's error with its errno, or that it does not know the account's plugin
 */
export async function askMysql(
  server: Endpoint,
  { user, password, database }: Credentials,
  tls: ServerTlsConfig | undefined,
  timeoutMs: number,
): Promise<MysqlVariables> {
  const { createConnection } = await import('mysql2/promise');
  const where = 'path' in server ? { socketPath: server.path } : { host: server.host, port: server.port };
  const options: ConnectionOptions = {
    ...where,
    user,
    password,
    ...(database !== '' && { database }),
    connectTimeout: timeoutMs,
    ...(tls !== undefined && { ssl: sslOptions(tls) }),
  };
  const connection = await createConnection(options);
  try {
    const names = wanted.map((name) => `'${name}'`).join(', ');
    const [rows] = await connection.query<RowDataPacket[]>(
      `SHOW SESSION VARIABLES WHERE Variable_name IN (${names})`,
    );
    return Object.fromEntries(rows.map((row) => [row['Variable_name'], row['Value']])) as MysqlVariables;
  } finally {
    connection.destroy();
  }
}

function sslOptions({ files, verify, mode }: ServerTlsConfig): SslOptions {
  const { cert, key, ca } = readPem(files);
  return {
    rejectUnauthorized: verify,
    verifyIdentity: mode === 'verify-full',
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
