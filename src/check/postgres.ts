/** Looks at the two legs of a PostgreSQL listener: opens the server's as a connection would, and reads what it asks for. */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { TLSSocket } from 'node:tls';
import pg from 'pg';
import type { ListenerConfig } from '../config/load.ts';
import { shown } from '../config/address.ts';
import type { Opened, Target } from '../proxy/open-server.ts';
import { firstAnswer, type FirstAnswer } from './first-answer.ts';
import { CannotConnect, openServer, ownCertificate, trust } from './open.ts';
import { postgresCells } from './postgres-cells.ts';
import { clientLegs, type Leg, type Report } from './report.ts';

/** Without one in the URL: the method is the same for a name that does not exist, unless pg_hba.conf names users. */
const anyone = 'postgres';

/** @param target the same listener, as the proxy would run it */
export async function checkPostgres(
  listener: ListenerConfig,
  target: Target,
  timeoutMs: number,
): Promise<Report> {
  const { server, credentials } = listener;
  const report: Report = {
    listener: listener.name,
    facts: [['server', shown(server)]],
    cells: [],
    problems: [],
  };
  const { facts, problems } = report;
  let opened: Opened;
  try {
    opened = await openServer(target, timeoutMs);
  } catch (error) {
    if (!(error instanceof CannotConnect)) throw error;
    problems.push(`cannot connect to the server: ${error.message}`);
    return report;
  }
  const leg: Leg = 'path' in server ? 'socket' : opened.encrypted ? 'TLS' : 'plain';
  const certificate = peerCertificate(opened.socket);
  const own = ownCertificate(listener);
  facts.push(['connection to it', describe(leg, opened.socket, certificate, listener)]);
  if (own !== undefined)
    facts.push(['shown to clients', `certificate of ${names(own)} until ${own.validTo}`]);
  const user = credentials?.user ?? anyone;
  const database = credentials?.database || user;
  const answer = await firstAnswer(opened.socket, user, database, timeoutMs);
  const { asked, error } = answer;
  if (error !== undefined || asked === undefined) {
    const said = error === undefined ? 'it closes the connection' : `${error.message} (${error.code})`;
    problems.push(`the server answers the log-in of ${user} with: ${said}`);
    return report;
  }
  facts.push([`log-in of ${user}`, asked.mechanisms.length > 0 ? asked.mechanisms.join(', ') : asked.method]);
  if (asked.method !== 'none' && credentials !== undefined && credentials.password !== '')
    problems.push(...(await logIn(listener, target, opened.encrypted, answer, timeoutMs)));
  const version = answer.parameters.get('server_version');
  if (version !== undefined) facts.push(['version', version]);
  if (answer.isolation !== undefined) facts.push(['isolation by default', isolation(answer.isolation)]);
  else if (problems.length === 0)
    facts.push(['isolation by default', 'not asked for: the URL has no user and password']);
  const sameCertificate = own !== undefined && certificate !== undefined && own.raw.equals(certificate.raw);
  report.cells = postgresCells({ clients: clientLegs(listener), server: leg, sameCertificate }, asked);
  return report;
}

function peerCertificate(socket: Socket): X509Certificate | undefined {
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
}

function describe(
  leg: Leg,
  socket: Socket,
  certificate: X509Certificate | undefined,
  { serverTls }: ListenerConfig,
): string {
  if (!(socket instanceof TLSSocket) || certificate === undefined) return leg;
  return `${socket.getProtocol()}, certificate of ${names(certificate)} until ${certificate.validTo}, ${trust(serverTls)}`;
}

function names({ subject, subjectAltName }: X509Certificate): string {
  return (subjectAltName ?? subject).replaceAll('\n', ', ');
}

/** The same user again, with the password: what only a session can tell is put into the answer. @returns what went wrong */
async function logIn(
  { server, credentials, serverTls: { negotiation } }: ListenerConfig,
  { serverTls }: Target,
  encrypted: boolean,
  answer: FirstAnswer,
  timeoutMs: number,
): Promise<string[]> {
  const at =
    'path' in server
      ? { host: dirname(server.path), port: Number(/\d+$/.exec(server.path)?.[0] ?? 5432) }
      : { host: server.host, port: server.port };
  const client = new pg.Client({
    ...at,
    ...credentials,
    database: credentials?.database || credentials?.user,
    ssl: encrypted ? serverTls.options(at.host) : false,
    ...(encrypted && negotiation === 'direct' && { sslnegotiation: 'direct' }),
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    application_name: 'interlock check',
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ isolation: string; version: string }>(
      `SELECT current_setting('default_transaction_isolation') AS isolation, current_setting('server_version') AS version`,
    );
    answer.isolation = rows[0]?.isolation ?? '';
    answer.parameters.set('server_version', rows[0]?.version ?? '');
    return [];
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return [`the account of the URL cannot log in: ${code === undefined ? '' : `${code}: `}${message}`];
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** docs: see the reason `isolation`. */
function isolation(level: string): string {
  return level === 'read committed' ? level : `${level}: nothing is rewritten there (reason isolation)`;
}
