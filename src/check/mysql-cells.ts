/**
 * Which log-ins of MySQL and MariaDB work over a listener's legs: the table of docs/tls.md for one configuration. Pure; what
 * it says was observed with real servers and clients (test/same/mysql/tls, test/clients/mysql/tls).
 */
import { atLeast, type ServerVersion } from '../wire/mysql/version.ts';
import type { Cell, Leg } from './report.ts';

export interface MysqlLegs {
  /** Kinds of connection that the listener takes. */
  clients: readonly Leg[];
  server: Leg;
  version: ServerVersion;
  /** The listener shows the server's own certificate; undefined: the server's was not seen. */
  sameCertificate: boolean | undefined;
}

type Column = (client: Leg, legs: MysqlLegs) => Pick<Cell, 'result' | 'note'>;

const secure = (leg: Leg): boolean => leg !== 'plain';

const challenge: Column = () => ({ result: 'works' });

const inFull: Column = (client, { server }) => {
  if (secure(client) === secure(server)) return { result: 'works' };
  if (secure(server)) {
    const note =
      "the client gets Interlock's RSA key: one that has the server's key in a file is refused; let it ask (--get-server-public-key, allowPublicKeyRetrieval)";
    return { result: 'works', note };
  }
  const note =
    'the password goes to the server under the RSA key that the server sends; where others can reach that connection, set server_tls.mode to require';
  return { result: 'works', note };
};

const clear: Column = (client, { server }) => {
  if (!secure(client) || secure(server)) return { result: 'works' };
  return { result: 'depends', note: 'accounts with these are refused here; set server_tls.mode to require' };
};

/** Connector/C 3.4 and later: it verifies, with a proof by the server where it has no CA. */
const verifying: Column = (client, { version, sameCertificate }) => {
  if (client === 'socket') return { result: 'works' };
  if (client === 'plain') {
    const note =
      'they want TLS: give the listener a certificate (tls), or start them with --skip-ssl or --disable-ssl-verify-server-cert';
    return { result: 'depends', note };
  }
  if (sameCertificate === true && version.mariadb && atLeast(version, 11, 4)) return { result: 'works' };
  const remedy =
    version.mariadb && atLeast(version, 11, 4) ? "; or show the server's own certificate and key in tls" : '';
  const note = `only to 127.0.0.1 or ::1, or with the CA of this listener's certificate (--ssl-ca)${remedy}`;
  return { result: 'depends', note };
};

const ofMysql: [string, Column][] = [
  ['caching_sha2_password, from the cache', challenge],
  ['caching_sha2_password in full, sha256_password', inFull],
];
const ofMariadb: [string, Column][] = [['mysql_native_password, ed25519, parsec', challenge]];
const ofBoth: [string, Column][] = [
  ['mysql_clear_password, dialog (PAM, LDAP)', clear],
  ["MariaDB's clients from 11.4 on, by default", verifying],
];

export function mysqlCells(legs: MysqlLegs): Cell[] {
  const columns = [...(legs.version.mariadb ? ofMariadb : ofMysql), ...ofBoth];
  return legs.clients.flatMap((client) =>
    columns.map(([login, column]) => ({ client, server: legs.server, login, ...column(client, legs) })),
  );
}
