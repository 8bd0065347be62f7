/**
 * Reads the server messages that memory needs: step 10 of the flow. Every function takes one whole message
 * buf[start, end), header included. Strings are latin1-decoded bytes. ProtocolViolation on anything inconsistent, except
 * for errors, which are read as far as they go: servers and poolers are known to send incomplete ones.
 */
import { bodyOf, Cursor, nameAt, terminator } from './cursor.ts';
import { headerBytes } from './codes.ts';
import { ProtocolViolation } from '../violation.ts';

/** Structurally a ResultColumn of the memory. */
export interface ColumnDescription {
  name: string;
  /** OID of the table, 0 if the column is not a plain table column. */
  tableId: number;
  attribute: number;
  /** Type OID. */
  type: number;
  /** 0 text, 1 binary. A Describe of a statement says 0 whatever Bind will ask for. */
  format: number;
}

export interface ServerError {
  severity: string;
  /** SQLSTATE, '' when the message has none. */
  code: string;
  message: string;
  schema?: string;
  table?: string;
  constraint?: string;
}

const bytesAfterColumnName = 18;

/** @param most columns; what follows them is not looked at */
export function readRowDescription(
  buf: Buffer,
  start: number,
  end: number,
  most = Number.POSITIVE_INFINITY,
): ColumnDescription[] {
  const cursor = new Cursor(buf, start, end);
  const count = cursor.uint16();
  if (count * (bytesAfterColumnName + 1) > cursor.left)
    throw new ProtocolViolation('RowDescription is shorter than its count');
  const columns: ColumnDescription[] = [];
  for (let index = 0; index < Math.min(count, most); index += 1) {
    const name = cursor.name();
    const tableId = cursor.uint32();
    const attribute = cursor.int16();
    const type = cursor.uint32();
    cursor.bytes(6); // type length and modifier
    columns.push({ name, tableId, attribute, type, format: cursor.int16() });
  }
  if (count <= most) cursor.finish();
  return columns;
}

/** Number of columns of a DataRow or RowDescription. */
export function readFieldCount(buf: Buffer, start: number, end: number): number {
  const body = bodyOf(buf, start, end);
  if (end - body < 2) throw new ProtocolViolation('message ends too early');
  return buf.readUInt16BE(body);
}

/** First value of a DataRow. The rest of the row is not looked at. @throws ProtocolViolation also on a row without columns */
export function readFirstValue(buf: Buffer, start: number, end: number): string | null {
  const cursor = new Cursor(buf, start, end);
  if (cursor.uint16() === 0) throw new ProtocolViolation('row without columns');
  return cursor.value()?.toString('latin1') ?? null;
}

/** The command tag: `DELETE 3`. */
export function readCommandComplete(buf: Buffer, start: number, end: number): string {
  const body = bodyOf(buf, start, end);
  if (terminator(buf, body, end) !== end - 1) throw new ProtocolViolation('bytes behind the command tag');
  return nameAt(buf, body, end - 1);
}

/** ErrorResponse or NoticeResponse. Never throws: a missing terminator or field leaves the rest empty. */
export function readError(buf: Buffer, start: number, end: number): ServerError {
  const error: ServerError = { severity: '', code: '', message: '' };
  let severity = '';
  let at = start + headerBytes;
  while (at < end) {
    const field = buf[at] ?? 0;
    if (field === 0) break;
    const nul = buf.indexOf(0, at + 1);
    const stop = nul < 0 || nul > end ? end : nul;
    const text = buf.toString('latin1', at + 1, stop);
    switch (String.fromCharCode(field)) {
      case 'S':
        severity = text;
        break;
      case 'V': // as S, never translated
        error.severity = text;
        break;
      case 'C':
        error.code = text;
        break;
      case 'M':
        error.message = text;
        break;
      case 's':
        error.schema = text;
        break;
      case 't':
        error.table = text;
        break;
      case 'n':
        error.constraint = text;
        break;
    }
    at = stop + 1;
  }
  if (error.severity === '') error.severity = severity;
  return error;
}

const statuses = new Map<number | undefined, 'I' | 'T' | 'E'>([
  [0x49, 'I'],
  [0x54, 'T'],
  [0x45, 'E'],
]);

/** Transaction status of ReadyForQuery. */
export function readReadyStatus(buf: Buffer, start: number, end: number): 'I' | 'T' | 'E' {
  const body = bodyOf(buf, start, end);
  const status = end - body === 1 ? statuses.get(buf[body]) : undefined;
  if (status === undefined) throw new ProtocolViolation('unknown transaction status');
  return status;
}

export function readParameterStatus(
  buf: Buffer,
  start: number,
  end: number,
): { name: string; value: string } {
  const cursor = new Cursor(buf, start, end);
  const name = cursor.name();
  const value = cursor.name();
  cursor.finish();
  return { name, value };
}
