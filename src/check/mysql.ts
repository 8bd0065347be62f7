/** `interlock check --connect` for a listener in front of MySQL or MariaDB. */
import { shown } from '../config/address.ts';
import type { ListenerConfig } from '../config/load.ts';
import type { Target } from '../proxy/open-server.ts';
import { askMysql, type MysqlVariables } from './mysql-login.ts';
import { mysqlCells } from './mysql-cells.ts';
import { probeMysql, type MysqlProbe } from './mysql-probe.ts';
import { CannotConnect, ownCertificate, trust } from './open.ts';
import { clientLegs, type Report } from './report.ts';

/** @param target the same listener, as the proxy would run it */
export async function checkMysql(
  listener: ListenerConfig,
  target: Target,
  timeoutMs: number,
): Promise<Report> {
  const report: Report = { listener: listener.name, facts: [], cells: [], problems: [] };
  report.facts.push(['server', shown(listener.server)]);
  let probe: MysqlProbe;
  try {
    probe = await probeMysql(target, timeoutMs);
  } catch (error) {
    if (!(error instanceof CannotConnect)) throw error;
    report.problems.push(`cannot connect to the server: ${error.message}`);
    return report;
  }
  const { greeting, offersTls, tls } = probe;
  const server = 'path' in listener.server ? 'socket' : tls === undefined ? 'plain' : 'TLS';
  report.facts.push(
    ['version', greeting.versionText],
    ['authentication by default', greeting.plugin],
    ['connection to it', describeLeg(listener, probe)],
  );
  if (server === 'plain' && offersTls)
    report.facts.push(['', 'the server offers TLS; server_tls.mode is disable']);
  report.cells = mysqlCells({
    clients: clientLegs(listener),
    server,
    version: greeting.version,
    sameCertificate: sameCertificate(listener, probe),
  });
  await addAccount(report, listener, tls !== undefined, timeoutMs, greeting.version.mariadb);
  return report;
}

function describeLeg({ server, serverTls }: ListenerConfig, { tls }: MysqlProbe): string {
  if ('path' in server) return 'unix socket';
  if (tls === undefined) return 'plain';
  return `${tls.version}, certificate ${trust(serverTls)}`;
}

function sameCertificate(listener: ListenerConfig, { tls }: MysqlProbe): boolean | undefined {
  return tls && ownCertificate(listener)?.raw.equals(tls.certificate.raw);
}

async function addAccount(
  report: Report,
  { server, credentials, serverTls }: ListenerConfig,
  tls: boolean,
  timeoutMs: number,
  mariadb: boolean,
): Promise<void> {
  if (credentials === undefined) {
    report.facts.push(['account', 'none in the URL: isolation and the like were not asked for']);
    return;
  }
  report.facts.push(['account', credentials.user]);
  try {
    const variables = await askMysql(server, credentials, tls ? serverTls : undefined, timeoutMs);
    report.facts.push(...isolationFacts(variables, mariadb));
    if (variables.require_secure_transport === 'ON')
      report.facts.push(['require_secure_transport', 'ON: the server takes no plain connections']);
  } catch (error) {
    const { errno, message } = error as { errno?: number; message: string };
    // Without a number it is mysql2's own: it does not know every plugin of MariaDB.
    if (errno === undefined) report.facts.push(['', `not logged in: ${message.split('.')[0] ?? ''}`]);
    else report.problems.push(`the account of the URL cannot log in: ${errno}: ${message}`);
  }
}

/** docs: what is rewritten where, see the reason `isolation`. */
export function isolationFacts(variables: MysqlVariables, mariadb: boolean): [string, string][] {
  const level = variables.transaction_isolation ?? variables.tx_isolation ?? 'unknown';
  const snapshot = variables.innodb_snapshot_isolation;
  const facts: [string, string][] = [['isolation by default', level]];
  if (mariadb && snapshot !== undefined) facts.push(['innodb_snapshot_isolation', snapshot]);
  if (level === 'SERIALIZABLE') facts.push(['', 'nothing is rewritten there (reason isolation)']);
  else if (level === 'REPEATABLE-READ' && snapshot === 'ON')
    facts.push([
      '',
      'split deletes are not rewritten there (reason isolation); they are at READ COMMITTED, or with innodb_snapshot_isolation OFF',
    ]);
  return facts;
}
