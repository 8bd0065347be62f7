/**
 * Which log-ins of PostgreSQL can work over two legs of their own: authentication is relayed, so what binds it to a TLS
 * connection or a host name sees the difference (protocol.md, PostgreSQL 7).
 */
import type { Cell, Leg } from './report.ts';

/** What the server asks for first. */
export interface Asked {
  /** As in pg_hba.conf; none: it lets the user in without asking, by trust, peer or a certificate. */
  method: 'none' | 'password' | 'md5' | 'sasl' | 'gss' | 'other';
  mechanisms: readonly string[];
}

export interface Legs {
  /** Ways in which clients may connect to the listener. */
  clients: readonly Leg[];
  server: Leg;
  /** The listener shows the server's own certificate. */
  sameCertificate: boolean;
}

const plus = 'SCRAM-SHA-256-PLUS';

const otherCertificate =
  "the listener's certificate is not the server's, which channel binding takes for an attack: give the listener the " +
  'certificate and key of the server; or let clients switch it off (channel_binding=disable, PGCHANNELBINDING); or, where ' +
  'one leg stays on this machine, let it be plain (sslmode=disable in the client, or server_tls.mode: disable)';
const noBinding =
  'fails: the server offers no channel binding on a leg without TLS; set server_tls.mode: require, and give the listener ' +
  'the certificate and key of the server';
const negotiation =
  'fails: even without TLS it says that it would bind if the server could, which the server takes for a downgrade; leave it off';
const insists = 'fails without the certificate and key of the server at the listener';
const clearPassword =
  'the password crosses the plain leg in the clear: use scram-sha-256, or TLS on both legs';
const gssNote =
  'a ticket is for the host name that the client connects to: it has to be the name of the server';

export function postgresCells(legs: Legs, asked: Asked): Cell[] {
  return legs.clients.flatMap((client) => cellsOf(client, legs, asked));
}

function cellsOf(client: Leg, { server, sameCertificate }: Legs, { method, mechanisms }: Asked): Cell[] {
  const cell = (login: string, result: Cell['result'], note?: string): Cell => ({
    client,
    server,
    login,
    result,
    ...(note !== undefined && { note }),
  });
  if (method === 'gss') return [cell(method, 'depends', gssNote)];
  if (method === 'other') return [cell('a method that Interlock does not know', 'depends')];
  if (method === 'password' && client !== server && (client === 'plain' || server === 'plain'))
    return [cell(method, 'works', clearPassword)];
  if (method !== 'sasl') return [cell(method, 'works')];
  if (!mechanisms.some((name) => name.startsWith('SCRAM-'))) return [cell(mechanisms.join(', '), 'works')];
  const [none, prefer, require] = [
    'no channel binding',
    'channel_binding=prefer, as libpq',
    'channel_binding=require',
  ].map((binding) => `scram-sha-256, ${binding}`) as [string, string, string];
  const works = [cell(none, 'works')];
  // Without TLS there is nothing to bind to: who requires it fails at the server itself, too.
  if (client !== 'TLS') {
    const node = cell('scram-sha-256, enableChannelBinding of node-postgres', 'depends', negotiation);
    return [...works, cell(prefer, 'works'), ...(server === 'TLS' ? [node] : [])];
  }
  if (server !== 'TLS' || !mechanisms.includes(plus))
    return [...works, cell(prefer, 'works'), cell(require, 'depends', noBinding)];
  if (sameCertificate) return [...works, cell(prefer, 'works'), cell(require, 'works')];
  return [...works, cell(prefer, 'fails', otherCertificate), cell(require, 'depends', insists)];
}
