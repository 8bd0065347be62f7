/**
 * The client's first packets: SSLRequest and Protocol::HandshakeResponse41; and COM_CHANGE_USER, which carries the same
 * fields. Step 1 of a session: who the client is, and what it chose, which is the truth for parsing from here on.
 * Strings are latin1-decoded bytes. Nothing here checks or keeps a password.
 */
import { agreed, capability, has } from './capabilities.ts';
import type { Capabilities } from './capabilities.ts';
import { scrambleBytes } from './authentication.ts';
import { headerBytes, maxPayloadBytes } from './codes.ts';
import { Cursor } from './cursor.ts';
import { writePacket } from './writers.ts';
import { ProtocolViolation } from '../violation.ts';

export interface Login {
  user: string;
  /** '' when none was asked for. */
  database: string;
  /** Authentication plugin the client answered with; '' when it does not say. */
  plugin: string;
  /** Connection attributes: `program_name`, `_client_name`, … */
  attributes: Map<string, string>;
  /** Collation id, of a response its low byte; undefined: a COM_CHANGE_USER that does not say. */
  collation: number | undefined;
  /** Where the answer to the scramble lies in the buffer. */
  authResponse: Answer;
  /** Where the plugin's name does, its NUL included; empty when it does not say. */
  pluginAt: { start: number; end: number };
}

/** Its length stands from `at` to `start`, where it has one; the next field begins at `next`. */
export interface Answer {
  at: number;
  start: number;
  end: number;
  next: number;
}

export interface HandshakeResponse extends Login {
  kind: 'response';
  /** As sent: not yet limited to what was offered, see agreed(). */
  capabilities: Capabilities;
  /** Largest packet the client takes, 0 = no limit of its own. */
  maxPacketBytes: number;
}

/** Followed by TLS, never by more packets in the clear. */
export interface SslRequest {
  kind: 'ssl';
  capabilities: Capabilities;
}

/** Payload of an SSLRequest: the fixed part of a response and nothing else. */
export const sslRequestBytes = 32;
/** A log-in packet is user, database, an answer and attributes (64 KB at most): nothing honest is longer than this. */
export const maxLoginBytes = 128 * 1024;

const reservedBytes = 19;
/** Offset of MariaDB's flags in the payload. */
const extendedAt = 28;

/** @throws ProtocolViolation also for clients older than 4.1 */
export function readHandshakeResponse(
  buf: Buffer,
  start: number,
  end: number,
): HandshakeResponse | SslRequest {
  const cursor = new Cursor(buf, start, end);
  const payload = cursor.left;
  if (payload < sslRequestBytes) throw new ProtocolViolation('log-in packet of a client older than 4.1');
  const flags = cursor.uint32();
  if (!has(flags, capability.protocol41))
    throw new ProtocolViolation('the client speaks a protocol older than 4.1');
  const maxPacketBytes = cursor.uint32();
  const collation = cursor.byte();
  cursor.skip(reservedBytes);
  const extended = cursor.uint32();
  // A client that says CLIENT_MYSQL uses these bytes as filler.
  const capabilities = { flags, mariadb: has(flags, capability.mysql) ? 0 : extended };
  if (payload === sslRequestBytes) {
    if (!has(flags, capability.ssl)) throw new ProtocolViolation('log-in packet without a user');
    return { kind: 'ssl', capabilities };
  }
  const user = cursor.terminated().toString('latin1');
  const authResponse = readAuthResponse(cursor, flags, has(flags, capability.pluginAuthLenencClientData));
  const database = has(flags, capability.connectWithDb) ? optionalName(cursor) : '';
  const plugin = readPlugin(cursor, flags);
  const attributes = has(flags, capability.connectAttrs) ? readAttributes(cursor) : new Map<string, string>();
  return {
    kind: 'response',
    capabilities,
    maxPacketBytes,
    collation,
    user,
    authResponse,
    database,
    ...plugin,
    attributes,
  };
}

/**
 * COM_CHANGE_USER.
 * @param flags agreed capabilities of the session
 */
export function readChangeUser(buf: Buffer, start: number, end: number, flags: number): Login {
  const cursor = new Cursor(buf, start, end);
  cursor.skip(1);
  const user = cursor.terminated().toString('latin1');
  const authResponse = readAuthResponse(cursor, flags, false);
  const database = cursor.terminatedOrRest().toString('latin1');
  const collation = cursor.left >= 2 ? cursor.uint16() : undefined;
  const plugin = readPlugin(cursor, flags);
  const attributes = has(flags, capability.connectAttrs) ? readAttributes(cursor) : new Map<string, string>();
  return { user, authResponse, database, collation, ...plugin, attributes };
}

/**
 * A copy of a response or SSLRequest with no other flags than `allowed`: some clients set flags without looking at the
 * greeting, and the server, which does know them, would believe it. Undefined: there is nothing to change. All flags that
 * give this packet its own shape are among those that are parsed, so its other bytes stay right. CLIENT_SSL is set exactly
 * if it is allowed: it speaks of the leg on which the packet leaves, not of the one on which it came.
 */
export function maskResponse(
  buf: Buffer,
  start: number,
  end: number,
  allowed: Capabilities,
): Buffer | undefined {
  const { flags, mariadb } = readHandshakeResponse(buf, start, end).capabilities;
  const kept = agreed(allowed, { flags: (flags | capability.ssl) >>> 0, mariadb });
  if (kept.flags === flags && kept.mariadb === mariadb) return undefined;
  const edited = Buffer.from(buf.subarray(start, end));
  edited.writeUInt32LE(kept.flags, headerBytes);
  if (!has(flags, capability.mysql)) edited.writeUInt32LE(kept.mariadb, headerBytes + extendedAt);
  return edited;
}

/** The SSLRequest that goes ahead of a response: its fixed part, with CLIENT_SSL. @param response a whole packet */
export function writeSslRequest(sequence: number, response: Buffer): Buffer {
  const payload = Buffer.from(response.subarray(headerBytes, headerBytes + sslRequestBytes));
  payload.writeUInt32LE((payload.readUInt32LE(0) | capability.ssl) >>> 0);
  return writePacket(sequence, payload);
}

/** Shows in the server's log who it was. An account of this name would be refused as well, or needs no password. */
const nobody = 'interlock: the client left before it logged in';
/** utf8mb4_general_ci */
const utf8mb4 = 45;

/** The response of a client that nobody is, with an answer to the scramble that is none. */
export function writeNobody(sequence: number, tls: boolean): Buffer {
  const { mysql, protocol41, secureConnection, pluginAuth, ssl } = capability;
  const fixed = Buffer.alloc(sslRequestBytes);
  // CLIENT_MYSQL: the reserved bytes hold no flags of MariaDB's.
  fixed.writeUInt32LE(mysql | protocol41 | secureConnection | pluginAuth | (tls ? ssl : 0));
  fixed.writeUInt32LE(maxPayloadBytes, 4);
  fixed[8] = utf8mb4;
  const answer = Buffer.alloc(1 + scrambleBytes, scrambleBytes);
  return writePacket(
    sequence,
    Buffer.concat([fixed, Buffer.from(`${nobody}\0`), answer, Buffer.from('mysql_native_password\0')]),
  );
}

/**
 * A copy of a response or COM_CHANGE_USER with neither answer nor plugin, so that the server asks for the account's own.
 * Plugins that send the password itself answer for one leg; on another one they have to be asked anew.
 */
export function unanswered(buf: Buffer, start: number, end: number, login: Login): Buffer {
  const { authResponse, pluginAt } = login;
  const none = Buffer.alloc(1);
  const payload = [
    buf.subarray(start + headerBytes, authResponse.at),
    none,
    buf.subarray(authResponse.next, pluginAt.start),
    ...(pluginAt.end > pluginAt.start ? [none] : []),
    buf.subarray(pluginAt.end, end),
  ];
  return writePacket(buf[start + 3] ?? 0, Buffer.concat(payload));
}

function readAuthResponse(cursor: Cursor, flags: number, lenenc: boolean): Answer {
  const at = cursor.offset;
  if (lenenc || has(flags, capability.secureConnection)) {
    const bytes = lenenc ? cursor.lenenc() : cursor.byte();
    const start = cursor.offset;
    cursor.skip(bytes);
    return { at, start, end: start + bytes, next: start + bytes };
  }
  const end = at + cursor.terminated().length;
  return { at, start: at, end, next: cursor.offset };
}

function readPlugin(cursor: Cursor, flags: number): Pick<Login, 'plugin' | 'pluginAt'> {
  const start = cursor.offset;
  const plugin = has(flags, capability.pluginAuth) ? optionalName(cursor) : '';
  return { plugin, pluginAt: { start, end: cursor.offset } };
}

function optionalName(cursor: Cursor): string {
  return cursor.left === 0 ? '' : cursor.terminatedOrRest().toString('latin1');
}

function readAttributes(cursor: Cursor): Map<string, string> {
  const attributes = new Map<string, string>();
  if (cursor.left === 0) return attributes;
  const bytes = cursor.lenenc();
  const end = cursor.offset + bytes;
  if (bytes > cursor.left) throw new ProtocolViolation('connection attributes leave the packet');
  while (cursor.offset < end) {
    const name = cursor.lenencName();
    attributes.set(name, cursor.lenencName());
  }
  if (cursor.offset !== end) throw new ProtocolViolation('connection attributes leave their block');
  return attributes;
}
