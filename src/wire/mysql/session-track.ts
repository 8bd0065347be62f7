/**
 * Session state changes in OK packets (CLIENT_SESSION_TRACK): read for the lexer's settings and the schema (step 10), and
 * MariaDB's redirect_url, which would send the client past the proxy, taken out (protocol.md, MySQL 10).
 */
import { capability, has } from './capabilities.ts';
import { headerBytes } from './codes.ts';
import { Cursor } from './cursor.ts';
import { lenenc, skipLenenc } from './lenenc.ts';
import { readOk } from './server-packets.ts';
import { status } from './status.ts';
import { writePacket } from './writers.ts';

/** Types of one change. */
export const track = {
  systemVariables: 0,
  schema: 1,
  stateChange: 2,
  gtids: 3,
  transactionCharacteristics: 4,
  transactionState: 5,
} as const;

/** A change of another type than these two is not of interest and left out. Texts are latin1-decoded. */
export type StateChange =
  { kind: 'variable'; name: string; value: string } | { kind: 'schema'; name: string };

const redirect = 'redirect_url';

/** @param changes OkPacket.stateChanges @throws ProtocolViolation */
export function readStateChanges(changes: Buffer): StateChange[] {
  const found: StateChange[] = [];
  const cursor = new Cursor(framed(changes), 0, changes.length + headerBytes);
  while (cursor.left > 0) {
    const type = cursor.byte();
    const data = cursor.lenencBytes();
    if (type === track.schema) {
      found.push({
        kind: 'schema',
        name: new Cursor(framed(data), 0, data.length + headerBytes).lenencName(),
      });
    } else if (type === track.systemVariables) found.push(...variables(data));
  }
  return found;
}

/**
 * Takes redirect_url out of an OK packet.
 * @param flags agreed capabilities
 * @returns undefined when there is none in it: forward the packet as it is. Else a packet with the same sequence id.
 * @throws ProtocolViolation
 */
export function stripRedirect(buf: Buffer, start: number, end: number, flags: number): Buffer | undefined {
  if (!has(flags, capability.sessionTrack) || end - start < headerBytes + 7) return undefined;
  const { status: flagsOfStatus, stateChanges, info } = readOk(buf, start, end, flags);
  // Nearly every packet ends here: no change at all, or none with that name.
  if (stateChanges.length === 0 || !stateChanges.includes(redirect, 0, 'latin1')) return undefined;
  const kept = withoutRedirect(stateChanges);
  if (kept.length === stateChanges.length) return undefined;
  const statusAt = skipLenenc(buf, skipLenenc(buf, start + headerBytes + 1));
  const fixed = Buffer.from(buf.subarray(start + headerBytes, statusAt + 4));
  if (kept.length === 0) fixed.writeUInt16LE(flagsOfStatus & ~status.sessionStateChanged, fixed.length - 4);
  const text = Buffer.from(info, 'latin1');
  const parts = [fixed, lenenc(text.length), text];
  if (kept.length > 0) parts.push(lenenc(kept.length), kept);
  return writePacket(buf[start + 3] ?? 0, Buffer.concat(parts));
}

function withoutRedirect(changes: Buffer): Buffer {
  const kept: Buffer[] = [];
  const cursor = new Cursor(framed(changes), 0, changes.length + headerBytes);
  while (cursor.left > 0) {
    const from = cursor.offset - headerBytes;
    const type = cursor.byte();
    const data = cursor.lenencBytes();
    const entry = changes.subarray(from, cursor.offset - headerBytes);
    if (type !== track.systemVariables || !data.includes(redirect, 0, 'latin1')) kept.push(entry);
    else kept.push(withoutVariable(data));
  }
  return Buffer.concat(kept);
}

/** One entry may hold several variables. */
function withoutVariable(data: Buffer): Buffer {
  const kept = variables(data).filter(({ name }) => name !== redirect);
  if (kept.length === 0) return Buffer.alloc(0);
  const parts = kept.flatMap(({ name, value }) => [name, value]).map((text) => Buffer.from(text, 'latin1'));
  const body = Buffer.concat(parts.flatMap((part) => [lenenc(part.length), part]));
  return Buffer.concat([Buffer.from([track.systemVariables]), lenenc(body.length), body]);
}

function variables(data: Buffer): { kind: 'variable'; name: string; value: string }[] {
  const cursor = new Cursor(framed(data), 0, data.length + headerBytes);
  const found: { kind: 'variable'; name: string; value: string }[] = [];
  while (cursor.left > 0) {
    const name = cursor.lenencName();
    found.push({ kind: 'variable', name, value: cursor.lenencName() });
  }
  return found;
}

/** The bytes as a packet, which is what a Cursor reads. */
function framed(bytes: Buffer): Buffer {
  return writePacket(0, bytes);
}
