/**
 * Reads the client's commands: step 3 of the flow. Every function takes one whole packet buf[start, end), header and
 * command byte included, and throws ProtocolViolation on anything inconsistent. Buffers in the results are views of buf.
 * COM_STMT_EXECUTE is in execute.ts.
 */
import { capability, has } from './capabilities.ts';
import { Cursor } from './cursor.ts';
import { readBinaryValue } from './types.ts';
import { ProtocolViolation } from '../violation.ts';

export interface QueryCommand {
  text: Buffer;
  /** What stands between the command byte and the text: the query attributes, when they were agreed on. */
  attributes: Buffer;
}

/** @param flags agreed capabilities */
export function readQuery(buf: Buffer, start: number, end: number, flags: number): QueryCommand {
  const cursor = new Cursor(buf, start, end);
  cursor.skip(1);
  const from = cursor.offset;
  if (has(flags, capability.queryAttributes)) skipAttributes(cursor);
  return { attributes: buf.subarray(from, cursor.offset), text: cursor.rest() };
}

/** The SQL text. */
export function readPrepare(buf: Buffer, start: number, end: number): Buffer {
  return afterCommand(buf, start, end).rest();
}

/** Name of the schema, latin1-decoded. */
export function readInitDb(buf: Buffer, start: number, end: number): string {
  return afterCommand(buf, start, end).rest().toString('latin1');
}

/** Of COM_STMT_EXECUTE, _BULK_EXECUTE, _FETCH, _RESET, _CLOSE and _SEND_LONG_DATA. */
export function readStatementId(buf: Buffer, start: number, end: number): number {
  return afterCommand(buf, start, end).uint32();
}

/** Parameter index from 0. The data may be the first part of a value, or of a message that is too long to hold. */
export function readLongData(
  buf: Buffer,
  start: number,
  end: number,
): { statementId: number; parameter: number } {
  const cursor = afterCommand(buf, start, end);
  return { statementId: cursor.uint32(), parameter: cursor.uint16() };
}

export function readFetch(buf: Buffer, start: number, end: number): { statementId: number; rows: number } {
  const cursor = afterCommand(buf, start, end);
  return { statementId: cursor.uint32(), rows: cursor.uint32() };
}

/** COM_SET_OPTION: what it switches multi-statements to; undefined: an option that is not known. */
export function readSetOption(buf: Buffer, start: number, end: number): 'on' | 'off' | undefined {
  const option = afterCommand(buf, start, end).uint16();
  if (option > 1) return undefined;
  return option === 0 ? 'on' : 'off';
}

/** MariaDB: the statement that was prepared last, also while the answer to its prepare is still due. */
export const lastPrepared = 0xffffffff;

function afterCommand(buf: Buffer, start: number, end: number): Cursor {
  const cursor = new Cursor(buf, start, end);
  cursor.skip(1);
  return cursor;
}

function skipAttributes(cursor: Cursor): void {
  const count = cursor.lenenc();
  const sets = cursor.lenenc();
  if (sets !== 1) throw new ProtocolViolation(`${sets} sets of query attributes`);
  if (count === 0) return;
  const nulls = cursor.bytes((count + 7) >> 3);
  if (cursor.byte() !== 1) throw new ProtocolViolation('query attributes without types');
  if (count * 3 > cursor.left) throw new ProtocolViolation('packet is shorter than its counts');
  const types: number[] = [];
  for (let index = 0; index < count; index += 1) {
    types.push(cursor.byte());
    cursor.skip(1);
    cursor.lenencBytes();
  }
  for (let index = 0; index < count; index += 1) {
    if (((nulls[index >> 3] ?? 0) & (1 << (index & 7))) === 0) readBinaryValue(cursor, types[index] ?? 0);
  }
}
