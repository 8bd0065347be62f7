/**
 * Sequence ids and chains of whole messages: step 9 of the flow. A plan that skips or adds packets in front of a
 * forwarded one changes the number that the client expects; only the header is made anew, the payload is not copied.
 */
import { headerBytes, maxPayloadBytes } from './codes.ts';
import { ProtocolViolation } from '../violation.ts';

/** The header of the packet at `start` with another sequence id; buf[start + 4, end) follows it unchanged. */
export function sequencedHeader(buf: Buffer, start: number, sequence: number): Buffer {
  const header = Buffer.from(buf.subarray(start, start + headerBytes));
  header[3] = sequence;
  return header;
}

/**
 * Numbers the packets of a buffer that the caller owns, in place.
 * @param bytes whole packets side by side
 * @returns the sequence id that comes next
 */
export function resequence(bytes: Buffer, first: number): number {
  let sequence = first;
  for (let at = 0; at < bytes.length; at = packetEnd(bytes, at, bytes.length)) {
    bytes[at + 3] = sequence;
    sequence = (sequence + 1) & 0xff;
  }
  return sequence;
}

/** The payload of a message, of a chain too: a view where there is only one packet. @throws ProtocolViolation */
export function joined(buf: Buffer, start: number, end: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = start; at < end;) {
    const stop = packetEnd(buf, at, end);
    parts.push(buf.subarray(at + headerBytes, stop));
    if (stop - at - headerBytes < maxPayloadBytes !== (stop === end))
      throw new ProtocolViolation('not the packets of one message');
    at = stop;
  }
  return parts.length === 1 ? (parts[0] ?? empty) : Buffer.concat(parts);
}

const empty = Buffer.alloc(0);

function packetEnd(buf: Buffer, at: number, end: number): number {
  if (end - at < headerBytes) throw new ProtocolViolation('packet without header');
  const stop = at + headerBytes + buf.readUIntLE(at, 3);
  if (stop > end) throw new ProtocolViolation('packet ends too early');
  return stop;
}
