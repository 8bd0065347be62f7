/**
 * The server's packets between the client's log-in (or COM_CHANGE_USER) and the final OK or ERR: step 1 of a session.
 * They are relayed; what they are has to be known to see the end, and to see caching_sha2_password ask for the password
 * itself, which differs by the TLS state of the two legs (protocol.md, MySQL 8).
 */
import { headerBytes, marker } from './codes.ts';
import { Cursor } from './cursor.ts';
import { writePacket } from './writers.ts';

export type AuthPacket =
  | { kind: 'ok' | 'error' }
  /** The client has to answer with this plugin. The last NUL of the data is not part of a scramble. */
  | { kind: 'switch'; plugin: string; data: Buffer }
  /** 0xfe alone: mysql_old_password, from before 4.1. */
  | { kind: 'old-switch' }
  | { kind: 'more'; data: Buffer }
  /** MySQL's multi-factor authentication: the first factor was accepted. */
  | { kind: 'next-factor'; plugin: string; data: Buffer }
  /** A plugin's own packet, without a marker (MariaDB's dialog asks like this). */
  | { kind: 'plugin'; data: Buffer };

/** The challenge-response plugins, and those that bring their own protection: whoever reads the answer learns no password. */
const discreet: ReadonlySet<string> = new Set([
  'mysql_native_password',
  'mysql_old_password',
  'caching_sha2_password',
  'client_ed25519',
  'parsec',
  'auth_gssapi_client',
  'authentication_kerberos_client',
  'authentication_ldap_sasl_client',
  'authentication_oci_client',
  'authentication_webauthn_client',
  'authentication_windows_client',
]);

/**
 * What a client of this plugin sends may be the password itself: mysql_clear_password and dialog (PAM, LDAP),
 * authentication_openid_connect_client, sha256_password over TLS, and every plugin that is not known here.
 */
export function revealing(plugin: string): boolean {
  return plugin !== '' && !discreet.has(plugin);
}

/** One-byte AuthMoreData of caching_sha2_password. */
export const cachingSha2 = {
  /** The server knew the password's hash: OK follows. */
  fastAuthSuccess: 0x03,
  /** The password itself is wanted: in the clear over TLS, RSA-encrypted otherwise. */
  performFullAuthentication: 0x04,
} as const;

/** Bytes of a scramble; a switch's data has a NUL behind it. */
export const scrambleBytes = 20;

/** What a client sends alone to ask for the server's RSA key. */
const publicKeyRequests: Partial<Record<string, number>> = {
  caching_sha2_password: 0x02,
  sha256_password: 0x01,
};

export function readAuthPacket(buf: Buffer, start: number, end: number): AuthPacket {
  const cursor = new Cursor(buf, start, end);
  if (cursor.left === 0) return { kind: 'plugin', data: cursor.rest() };
  const first = cursor.byte();
  switch (first) {
    case marker.ok:
      return { kind: 'ok' };
    case marker.error:
      return { kind: 'error' };
    case marker.authSwitch:
      if (cursor.left === 0) return { kind: 'old-switch' };
      return { kind: 'switch', ...pluginAndData(cursor) };
    case marker.authMoreData:
      return { kind: 'more', data: cursor.rest() };
    case marker.authNextFactor:
      return { kind: 'next-factor', ...pluginAndData(cursor) };
    default:
      return { kind: 'plugin', data: buf.subarray(start + headerBytes, end) };
  }
}

/** caching_sha2_password's state, when that is what the bytes are. */
export function cachingSha2State(packet: AuthPacket): 'fast' | 'full' | undefined {
  if (packet.kind !== 'more' || packet.data.length !== 1) return undefined;
  if (packet.data[0] === cachingSha2.fastAuthSuccess) return 'fast';
  return packet.data[0] === cachingSha2.performFullAuthentication ? 'full' : undefined;
}

/** A client's packet that asks for the server's RSA key; the answer is a `more` with a PEM text. */
export function isPublicKeyRequest(plugin: string, buf: Buffer, start: number, end: number): boolean {
  return end - start === headerBytes + 1 && buf[start + headerBytes] === publicKeyRequests[plugin];
}

/** A client's request for the server's RSA key. Of these plugins only. */
export function writePublicKeyRequest(sequence: number, plugin: string): Buffer {
  return writePacket(sequence, Buffer.from([publicKeyRequests[plugin] ?? 0]));
}

/** AuthMoreData: the answer to such a request, among others. */
export function writeMoreData(sequence: number, data: Buffer): Buffer {
  return writePacket(sequence, Buffer.concat([Buffer.from([marker.authMoreData]), data]));
}

/** How a password travels under RSA: the scramble over and over, XORed. In place; once more gives it back. */
export function maskPassword(bytes: Buffer, scramble: Buffer): void {
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = (bytes[at] ?? 0) ^ (scramble[at % scramble.length] ?? 0);
}

function pluginAndData(cursor: Cursor): { plugin: string; data: Buffer } {
  const plugin = cursor.terminatedOrRest().toString('latin1');
  return { plugin, data: cursor.rest() };
}
