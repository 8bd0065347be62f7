/**
 * A MySQL or MariaDB server with a certificate, and Interlock in front of it with a listener for each kind of server leg; the
 * client's leg is what the client makes of it.
 */
import { chmodSync } from 'node:fs';
import { startInterlock, type Proxy } from './proxy.ts';
import { authority, type Authority, type Certificate } from './certificates.ts';
import { startMysql, type Mysql, type MysqlEngine } from './mysql.ts';

export interface Legs {
  client: boolean;
  server: boolean;
}
export const everyPair: readonly Legs[] = [false, true].flatMap((client) =>
  [false, true].map((server) => ({ client, server })),
);
export const nameOf = ({ client, server }: Legs): string =>
  `${client ? 'TLS' : 'plain'} client, ${server ? 'TLS' : 'plain'} server`;

export interface TlsServer {
  server: Mysql;
  ca: Authority;
  /** The server's own. */
  certificate: Certificate;
  stop(): Promise<void>;
}

/** @param settings further server variables */
export async function startTlsServer(
  engine: MysqlEngine,
  settings: Record<string, string> = {},
): Promise<TlsServer> {
  const ca = authority();
  try {
    const certificate = ca.issue('server', ['127.0.0.1', 'localhost']);
    // The server runs as nobody.
    chmodSync(certificate.key, 0o644);
    const ssl = { ssl_ca: ca.cert, ssl_cert: certificate.cert, ssl_key: certificate.key };
    const server = await startMysql({ engine, settings: { ...ssl, ...settings } });
    return {
      server,
      ca,
      certificate,
      stop: async () => {
        await server.stop();
        ca.remove();
      },
    };
  } catch (error) {
    ca.remove();
    throw error;
  }
}

export interface TlsProxy extends Proxy {
  portOf(listener: string): number;
}

/** @param listeners of the config file, YAML, one a line, each at port 0 */
export async function startTlsProxy(listeners: readonly string[], more = ''): Promise<TlsProxy> {
  const config = `listeners:\n${listeners.map((one) => `  - ${one}\n`).join('')}${more}`;
  const proxy = await startInterlock({ server: 'mysql://127.0.0.1:1', config });
  const ports = new Map<string, number>();
  for (const listener of listeners) {
    const name = /name: ([\w-]+)/.exec(listener)?.[1];
    const line = await proxy.waitForLog((one) => one.msg === 'listening' && one.listener === name);
    ports.set(name ?? '', Number(line.port));
  }
  return { ...proxy, portOf: (listener) => ports.get(listener) ?? 0 };
}

/** `plain` and `tls`, by the server's leg; both take clients with TLS and without. */
export function bothListeners({ server, ca, certificate }: TlsServer, shown = certificate): string[] {
  const tls = `tls: { cert: ${shown.cert}, key: ${shown.key} }`;
  const common = `listen: "127.0.0.1:0", server: "mysql://127.0.0.1:${server.port}", ${tls}`;
  return [
    `{ name: plain, ${common}, server_tls: { mode: disable } }`,
    `{ name: tls, ${common}, server_tls: { mode: verify-full, ca: ${ca.cert} } }`,
  ];
}
