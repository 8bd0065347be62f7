/**
 * Masks what must differ between two sessions on the same server, and nothing else: ids of connections and statements,
 * scrambles, the figures of COM_STATISTICS. Conversations avoid every other source of difference.
 */
import { readGreeting } from '../../../src/wire/mysql/greeting.ts';
import type { RawMysql } from './raw-client.ts';
import { greetingForClient, withoutRedirect } from '../../streams/mysql/replay.ts';

const beginKey = '-----BEGIN PUBLIC KEY-----';

/** What one client heard; `prepared` and `statistics` are the places in it of packets that hold such figures. */
export type Said = Pick<RawMysql, 'packets' | 'prepared' | 'statistics'>;

/** @param direct what a proxy takes out is still there: capabilities, redirect_url */
export function mask({ packets, prepared, statistics }: Said, direct: boolean): Buffer[] {
  const ids = new Set(prepared);
  const figures = new Set(statistics);
  const [greeting, ...rest] = packets.map((packet, at) =>
    figures.has(at) ? Buffer.from('statistics') : ids.has(at) ? withoutId(packet) : packet,
  );
  if (greeting === undefined) return [];
  if (greeting[4] !== 0x0a) return [...packets];
  const { scramble, connectionId } = readGreeting(greeting, 0, greeting.length);
  return [
    maskGreeting(greeting, direct),
    ...rest.map((packet) => maskOne(direct ? withoutRedirect(packet) : packet, scramble, connectionId)),
  ];
}

/** Of the answer to a COM_STMT_PREPARE: MariaDB counts statements over all sessions. */
function withoutId(packet: Buffer): Buffer {
  const masked = Buffer.from(packet);
  return masked.fill(0x23, 5, 9);
}

function maskGreeting(greeting: Buffer, direct: boolean): Buffer {
  const masked = Buffer.from(direct ? greetingForClient(greeting) : greeting);
  const idAt = masked.indexOf(0, 5) + 1;
  masked.fill(0x23, idAt, idAt + 12);
  // CLIENT_SSL: what the listener offers, not what the server does.
  masked[idAt + 14] = (masked[idAt + 14] ?? 0) & ~0x08;
  const secondAt = idAt + 12 + 1 + 2 + 1 + 2 + 2 + 1 + 10;
  masked.fill(0x23, secondAt, secondAt + 12);
  return masked;
}

function maskOne(packet: Buffer, scramble: Buffer, connectionId: number): Buffer {
  const masked = Buffer.from(packet);
  const at = masked.indexOf(scramble);
  if (at >= 0) masked.fill(0x23, at, at + scramble.length);
  // AuthSwitchRequest of MySQL and of COM_CHANGE_USER: a scramble of its own behind the plugin's name.
  const plugin = /^\xfe(mysql_native_password|caching_sha2_password|sha256_password)\0/.exec(
    masked.toString('latin1', 4, 40),
  );
  if (plugin !== null) masked.fill(0x23, 4 + plugin[0].length, 4 + plugin[0].length + 20);
  // The server's own key, or the proxy's.
  if (masked.indexOf(beginKey) === 5) return masked.fill(0x23, 5 + beginKey.length);
  if (masked.length > 2000) return masked;
  const text = masked.toString('latin1');
  const replaced = text
    .replaceAll(new RegExp(`\\b(connection|thread)( id)? ${connectionId}\\b`, 'gi'), '$1$2 #')
    .replace(/(statement(?: handler)? \()\d+\b/i, '$1#')
    // MariaDB 11.4: the certificate's fingerprint, hashed with the scramble (protocol.md, MySQL 9).
    .replace(/^([^]{4}\0\0\0[^]{4}A[^])[0-9A-F]{64}/, `$1${'#'.repeat(64)}`);
  return replaced === text ? masked : Buffer.from(`#${replaced.slice(1)}`, 'latin1');
}
