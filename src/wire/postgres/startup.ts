/**
 * Reads what a client may send before typed messages begin: SSLRequest, GSSENCRequest, CancelRequest, StartupMessage, or
 * TLS at once. These have no type byte. Anything else is a ProtocolViolation. Also the proxy's own request and its answer.
 */
import { ProtocolViolation } from '../violation.ts';

export type StartupPacket =
  | { kind: 'ssl' | 'gss'; bytes: Buffer }
  /** bytes: the beginning of a TLS handshake, as far as it has come (direct TLS). */
  | { kind: 'tls'; bytes: Buffer }
  /** bytes: the whole request, to be relayed; the key has 4…256 bytes (protocol 3.2). */
  | { kind: 'cancel'; bytes: Buffer }
  /** version: major in the upper 16 bits, minor in the lower. Names and values are latin1-decoded bytes. */
  | { kind: 'startup'; bytes: Buffer; version: number; parameters: Map<string, string> };

/** What PostgreSQL itself accepts: MAX_STARTUP_PACKET_LENGTH, which does not count the length word. */
export const maxStartupBytes = 10_004;

const cancelCode = 80877102;
const sslCode = 80877103;
const gssCode = 80877104;
/** Content type of the first TLS record; no start-up packet is long enough to begin with it. */
const tlsHandshake = 0x16;
/** The protocol's name in ALPN: a server of another protocol then refuses the handshake (ALPACA). */
export const alpnProtocol = 'postgresql';
const smallestCancel = 16;
const largestCancel = 12 + 256;

/**
 * @param buf all bytes since the connection began, or since the answer to the last request
 * @returns undefined: more bytes are needed. `bytes` is a view of buf; whatever follows it is unread.
 * @throws ProtocolViolation
 */
export function readStartup(buf: Buffer): StartupPacket | undefined {
  if (buf[0] === tlsHandshake) return { kind: 'tls', bytes: buf };
  if (buf.length < 4) return undefined;
  const length = buf.readInt32BE(0);
  if (length < 8 || length > maxStartupBytes)
    // The server logs it (COMMERROR) and closes: an early Terminate, read as a length, comes from clients that gave up.
    throw new ProtocolViolation(`start-up packet of length ${length}`, false);
  if (buf.length < length) return undefined;
  const bytes = buf.subarray(0, length);
  const code = buf.readInt32BE(4);
  if (code === sslCode || code === gssCode) {
    if (length !== 8) throw new ProtocolViolation(`encryption request of length ${length}`);
    return { kind: code === sslCode ? 'ssl' : 'gss', bytes };
  }
  if (code === cancelCode) {
    if (length < smallestCancel || length > largestCancel)
      throw new ProtocolViolation(`cancel request of length ${length}`);
    return { kind: 'cancel', bytes };
  }
  if (code >>> 16 !== 3)
    throw new ProtocolViolation(`protocol version ${code >>> 16}.${code & 0xffff} is not supported`);
  return { kind: 'startup', bytes, version: code, parameters: readParameters(bytes) };
}

/** A StartupMessage of protocol 3.0. @param parameters ASCII or latin1-decoded bytes, without NUL */
export function writeStartup(parameters: Record<string, string>): Buffer {
  const text = Object.entries(parameters)
    .flat()
    .map((part) => `${part}\0`);
  const bytes = Buffer.from(`\0\0\0\0\0\x03\0\0${text.join('')}\0`, 'latin1');
  bytes.writeInt32BE(bytes.length, 0);
  return bytes;
}

export function writeSslRequest(): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(8, 0);
  bytes.writeInt32BE(sslCode, 4);
  return bytes;
}

/**
 * The server's answer to SSLRequest. stuffed: bytes follow it, which could be taken for encrypted ones (CVE-2021-23222).
 * error: an ErrorResponse, or anything else, of an unauthenticated server: its text must not be shown (CVE-2024-10977).
 */
export function readSslAnswer(bytes: Buffer): 'yes' | 'no' | 'stuffed' | 'error' {
  const answer = String.fromCharCode(bytes[0] ?? 0);
  if (answer !== 'S' && answer !== 'N') return 'error';
  if (bytes.length > 1) return 'stuffed';
  return answer === 'S' ? 'yes' : 'no';
}

/** name NUL value NUL … NUL. As in the server, a name that is sent twice counts the second time. */
function readParameters(bytes: Buffer): Map<string, string> {
  const parameters = new Map<string, string>();
  const last = bytes.length - 1;
  let at = 8;
  while (at < last) {
    const name = bytes.indexOf(0, at);
    const value = name < 0 || name === at ? -1 : bytes.indexOf(0, name + 1);
    // A value that ends at the last byte leaves no terminator for the list.
    if (value < 0 || value >= last)
      throw new ProtocolViolation('start-up parameters are not name and value pairs');
    parameters.set(bytes.toString('latin1', at, name), bytes.toString('latin1', name + 1, value));
    at = value + 1;
  }
  if (at !== last || bytes[last] !== 0) throw new ProtocolViolation('start-up packet without terminator');
  return parameters;
}
