/**
 * The server's packets between the client's log-in (or COM_CHANGE_USER) and the final OK or ERR: step 1 of a session.
 * They are relayed; what they are has to be known to see the end, and to see caching_sha2_password ask for the password
 * itself, which differs by the TLS state of the two legs (protocol.md, MySQL 8).
 */
import { headerBytes, marker } from './codes.ts';
import { Cursor } from './cursor.ts';

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

/** One-byte AuthMoreData of caching_sha2_password. */
export const cachingSha2 = {
  /** The server knew the password's hash: OK follows. */
  fastAuthSuccess: 0x03,
  /** The password itself is wanted: in the clear over TLS, RSA-encrypted otherwise. */
  performFullAuthentication: 0x04,
} as const;

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

function pluginAndData(cursor: Cursor): { plugin: string; data: Buffer } {
  const plugin = cursor.terminatedOrRest().toString('latin1');
  return { plugin, data: cursor.rest() };
}
