/**
 * `interlock check --connect`: opens a connection to every listener's server, as the proxy would, and says which clients get
 * through. Nothing listens, nothing is changed; the server sees one connection that is broken off, and one log-in where the URL has an account.
 */
import type { Config, ListenerConfig } from '../config/load.ts';
import type { ProtocolName } from '../config/address.ts';
import { mysqlTls } from '../proxy/mysql.ts';
import type { Target } from '../proxy/open-server.ts';
import { postgresTls } from '../proxy/postgres.ts';
import { ServerTls } from '../proxy/tls.ts';
import { checkMysql } from './mysql.ts';
import { checkPostgres } from './postgres.ts';
import type { Report } from './report.ts';

type Check = (listener: ListenerConfig, target: Target, timeoutMs: number) => Promise<Report>;

const checks: Record<ProtocolName, Check> = { mysql: checkMysql, postgres: checkPostgres };

export async function checkConnections(config: Config): Promise<Report[]> {
  const reports: Report[] = [];
  for (const listener of config.listeners) {
    const { protocol, server, serverTls } = listener;
    const tls = protocol === 'postgres' ? postgresTls : mysqlTls;
    const target: Target = { server, serverTls: new ServerTls(serverTls), protocol: tls };
    reports.push(await checks[protocol](listener, target, config.proxyLimits.connectTimeout));
  }
  return reports;
}
