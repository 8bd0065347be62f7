/**
 * Builds packets: step 9 of the flow. Names and texts given as strings are latin1 (one character a byte), the form in
 * which the readers return them, so they leave as the bytes that came in. Commands begin a new sequence and have id 0.
 */
import { capability, has } from './capabilities.ts';
import { headerBytes, marker, maxPayloadBytes } from './codes.ts';
import type { ColumnDefinition } from './columns.ts';
import { command } from './commands.ts';
import { lenenc } from './lenenc.ts';
import { nullBitOffset, withLength } from './types.ts';

/** A payload as one packet, or as a chain where it has to be one. */
export function writePacket(sequence: number, payload: Buffer): Buffer {
  const packets = Math.floor(payload.length / maxPayloadBytes) + 1;
  const bytes = Buffer.allocUnsafe(payload.length + packets * headerBytes);
  let to = 0;
  for (let index = 0; index < packets; index += 1) {
    const from = index * maxPayloadBytes;
    const length = Math.min(maxPayloadBytes, payload.length - from);
    bytes.writeUIntLE(length, to, 3);
    bytes[to + 3] = sequence + index;
    payload.copy(bytes, to + headerBytes, from, from + length);
    to += headerBytes + length;
  }
  return bytes;
}

/** @param attributes of the client's own query, see readQuery(); none when it did not agree on them */
export function writeQuery(
  text: string | Buffer,
  flags: number,
  attributes: Buffer = noAttributes(flags),
): Buffer {
  return writeCommand(command.query, attributes, bytesOf(text));
}

export function writePrepare(text: string | Buffer): Buffer {
  return writeCommand(command.stmtPrepare, bytesOf(text));
}

export function writeStatementClose(statementId: number): Buffer {
  return writeCommand(command.stmtClose, uint32(statementId));
}

export function writeStatementReset(statementId: number): Buffer {
  return writeCommand(command.stmtReset, uint32(statementId));
}

/** Any command: its byte, then its body. */
export function writeCommand(code: number, ...body: Buffer[]): Buffer {
  return writePacket(0, Buffer.concat([Buffer.from([code]), ...body]));
}

export interface OkFields {
  affectedRows?: number | bigint;
  insertId?: number | bigint;
  status: number;
  warnings?: number;
  info?: string;
}

/** @param header eof: the form that ends rows when EOF packets are deprecated */
export function writeOk(sequence: number, ok: OkFields, header: 'ok' | 'eof' = 'ok'): Buffer {
  const parts = [
    Buffer.from([header === 'ok' ? marker.ok : marker.eof]),
    lenenc(ok.affectedRows ?? 0),
    lenenc(ok.insertId ?? 0),
    uint16(ok.status),
    uint16(ok.warnings ?? 0),
  ];
  if (ok.info !== undefined) parts.push(lenencText(ok.info));
  return writePacket(sequence, Buffer.concat(parts));
}

export function writeEof(sequence: number, status: number, warnings = 0): Buffer {
  return writePacket(sequence, Buffer.concat([Buffer.from([marker.eof]), uint16(warnings), uint16(status)]));
}

/** An ERR packet of our own. @param sqlstate five characters; '' before log-in */
export function writeErr(
  sequence: number,
  error: { errno: number; sqlstate: string; message: string },
): Buffer {
  const state = error.sqlstate === '' ? '' : `#${error.sqlstate}`;
  const parts = [
    Buffer.from([marker.error]),
    uint16(error.errno),
    Buffer.from(state + error.message, 'latin1'),
  ];
  return writePacket(sequence, Buffer.concat(parts));
}

/** @param definitionsFollow given only where MariaDB's metadata caching was agreed on */
export function writeColumnCount(sequence: number, columns: number, definitionsFollow?: boolean): Buffer {
  const parts = [lenenc(columns)];
  if (definitionsFollow !== undefined) parts.push(Buffer.from([definitionsFollow ? 1 : 0]));
  return writePacket(sequence, Buffer.concat(parts));
}

/** @param extended MariaDB's extended metadata was agreed on: its block is written, empty */
export function writeColumnDefinition(sequence: number, column: ColumnDefinition, extended = false): Buffer {
  const fixed = Buffer.alloc(13);
  fixed[0] = 12;
  fixed.writeUInt16LE(column.collation, 1);
  fixed[7] = column.type;
  fixed.writeUInt16LE(column.flags, 8);
  fixed[10] = column.decimals;
  const { schema, table, orgTable, name, orgName } = column;
  const texts = ['def', schema, table, orgTable, name, orgName].map((text) => lenencText(text));
  return writePacket(sequence, Buffer.concat([...texts, ...(extended ? [lenenc(0)] : []), fixed]));
}

export function writeTextRow(sequence: number, values: readonly (string | Buffer | null)[]): Buffer {
  const parts = values.map((value) => (value === null ? Buffer.from([0xfb]) : lenencText(value)));
  return writePacket(sequence, Buffer.concat(parts));
}

/** @param values each as readBinaryValue() gives it, without a length of its own */
export function writeBinaryRow(
  sequence: number,
  columns: readonly Pick<ColumnDefinition, 'type'>[],
  values: readonly (Buffer | null)[],
): Buffer {
  const nulls = Buffer.alloc((values.length + 7 + nullBitOffset) >> 3);
  const parts: Buffer[] = [Buffer.from([marker.ok]), nulls];
  values.forEach((value, index) => {
    const bit = index + nullBitOffset;
    if (value === null) nulls[bit >> 3] = (nulls[bit >> 3] ?? 0) | (1 << (bit & 7));
    else parts.push(...withLength(columns[index]?.type ?? 0, value));
  });
  return writePacket(sequence, Buffer.concat(parts));
}

export function writePreparedOk(
  sequence: number,
  prepared: { statementId: number; columns: number; parameters: number },
): Buffer {
  const { statementId, columns, parameters } = prepared;
  const parts = [Buffer.from([marker.ok]), uint32(statementId), uint16(columns), uint16(parameters)];
  return writePacket(sequence, Buffer.concat([...parts, Buffer.alloc(3)]));
}

function noAttributes(flags: number): Buffer {
  return Buffer.from(has(flags, capability.queryAttributes) ? [0, 1] : []);
}

function lenencText(text: string | Buffer): Buffer {
  const bytes = bytesOf(text);
  return Buffer.concat([lenenc(bytes.length), bytes]);
}

function bytesOf(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
