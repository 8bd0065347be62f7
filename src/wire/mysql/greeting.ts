/**
 * The server's first packet, Protocol::HandshakeV10: step 1 of a session. It is relayed with the capability bits masked
 * in place; nothing else of it changes, so the scramble stays the server's own and authentication can be relayed.
 */
import { capability, has } from './capabilities.ts';
import type { Capabilities } from './capabilities.ts';
import { marker } from './codes.ts';
import { Cursor } from './cursor.ts';
import { parseVersion } from './version.ts';
import type { ServerVersion } from './version.ts';
import { ProtocolViolation } from '../violation.ts';

export interface Greeting {
  /** As sent, latin1-decoded. */
  versionText: string;
  version: ServerVersion;
  connectionId: number;
  /** Both parts together, without the closing NUL: 20 bytes for all plugins known. A copy. */
  scramble: Buffer;
  capabilities: Capabilities;
  /** Default collation of the server, low byte. */
  collation: number;
  /** Status flags. */
  status: number;
  /** '' without CLIENT_PLUGIN_AUTH. */
  plugin: string;
}

const firstPartBytes = 8;
const fillerBytes = 6;

interface Layout extends Greeting {
  /** Offsets in the buffer of the three places that hold capability bits. */
  lowerAt: number;
  upperAt: number;
  mariadbAt: number;
}

/**
 * @param start,end the whole packet. The caller has looked at its type: a server may send an ERR packet in its place.
 * @throws ProtocolViolation also for protocol versions other than 10, and servers older than 4.1
 */
export function readGreeting(buf: Buffer, start: number, end: number): Greeting {
  const { lowerAt: _lower, upperAt: _upper, mariadbAt: _mariadb, ...greeting } = layout(buf, start, end);
  return greeting;
}

/**
 * A copy of the greeting that offers only what is in `offer`. Flags that the server does not have are never added, except
 * for CLIENT_SSL, which is the client's leg's own.
 */
export function editGreeting(buf: Buffer, start: number, end: number, offer: Capabilities): Buffer {
  const { capabilities, lowerAt, upperAt, mariadbAt } = layout(buf, start, end);
  const flags = (capabilities.flags | capability.ssl) & offer.flags;
  const edited = Buffer.from(buf.subarray(start, end));
  edited.writeUInt16LE(flags & 0xffff, lowerAt - start);
  edited.writeUInt16LE(flags >>> 16, upperAt - start);
  if (!has(capabilities.flags, capability.mysql))
    edited.writeUInt32LE((capabilities.mariadb & offer.mariadb) >>> 0, mariadbAt - start);
  return edited;
}

function layout(buf: Buffer, start: number, end: number): Layout {
  const cursor = new Cursor(buf, start, end);
  const protocol = cursor.byte();
  if (protocol !== marker.greeting) throw new ProtocolViolation(`greeting of protocol ${protocol}`);
  const versionText = cursor.terminated().toString('latin1');
  const connectionId = cursor.uint32();
  const scrambleStart = cursor.bytes(firstPartBytes);
  cursor.skip(1);
  const lowerAt = cursor.offset;
  const lower = cursor.uint16();
  const collation = cursor.byte();
  const status = cursor.uint16();
  const upperAt = cursor.offset;
  const flags = (lower | (cursor.uint16() << 16)) >>> 0;
  if (!has(flags, capability.protocol41) || !has(flags, capability.secureConnection))
    throw new ProtocolViolation('the server speaks a protocol older than 4.1');
  const scrambleBytes = cursor.byte();
  cursor.skip(fillerBytes);
  const mariadbAt = cursor.offset;
  const extended = cursor.uint32();
  const isMariadb = !has(flags, capability.mysql);
  // The last byte of the second part is a NUL, counted in its length.
  const second = cursor.bytes(Math.max(12, scrambleBytes - firstPartBytes - 1));
  if (cursor.left > 0) cursor.skip(1);
  const plugin = has(flags, capability.pluginAuth) ? cursor.terminatedOrRest().toString('latin1') : '';
  return {
    versionText,
    version: parseVersion(versionText, isMariadb),
    connectionId,
    scramble: Buffer.concat([scrambleStart, second]),
    capabilities: { flags, mariadb: isMariadb ? extended : 0 },
    collation,
    status,
    plugin,
    lowerAt,
    upperAt,
    mariadbAt,
  };
}
