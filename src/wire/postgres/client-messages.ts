/**
 * Reads the client messages that carry statements: step 3 of the flow. Every function takes one whole message
 * buf[start, end), header included, and throws ProtocolViolation on anything inconsistent. Names are latin1-decoded;
 * Buffers in the results are views of buf.
 */
import { Cursor } from './cursor.ts';
import { ProtocolViolation } from '../violation.ts';

export interface ParseMessage {
  name: string;
  text: Buffer;
  /** Type OIDs, 0 = left to the server. */
  types: number[];
}

export interface BindMessage {
  portal: string;
  statement: string;
  /** 0 text, 1 binary, one per value (the message's short forms are expanded). */
  formats: number[];
  values: (Buffer | null)[];
  /** As sent: none = all text, one = for all columns, else one per column. */
  resultFormats: number[];
}

export interface Target {
  target: 'S' | 'P';
  name: string;
}

/** The SQL text, without its terminator. */
export function readQuery(buf: Buffer, start: number, end: number): Buffer {
  const cursor = new Cursor(buf, start, end);
  const text = cursor.terminated();
  cursor.finish();
  return text;
}

export function readParse(buf: Buffer, start: number, end: number): ParseMessage {
  const cursor = new Cursor(buf, start, end);
  const name = cursor.name();
  const text = cursor.terminated();
  const types = repeat(cursor.uint16(), cursor, 4, () => cursor.uint32());
  cursor.finish();
  return { name, text, types };
}

export function readBind(buf: Buffer, start: number, end: number): BindMessage {
  const cursor = new Cursor(buf, start, end);
  const portal = cursor.name();
  const statement = cursor.name();
  const sent = readFormats(cursor);
  const values = repeat(cursor.uint16(), cursor, 4, () => cursor.value());
  const resultFormats = readFormats(cursor);
  cursor.finish();
  if (sent.length > 1 && sent.length !== values.length) {
    throw new ProtocolViolation(`Bind has ${sent.length} formats for ${values.length} values`);
  }
  const formats = values.map((_, index) => (sent.length > 1 ? sent[index] : sent[0]) ?? 0);
  return { portal, statement, formats, values, resultFormats };
}

export function readDescribe(buf: Buffer, start: number, end: number): Target {
  return readTarget(buf, start, end);
}

export function readClose(buf: Buffer, start: number, end: number): Target {
  return readTarget(buf, start, end);
}

/** maxRows: 0 = all. */
export function readExecute(buf: Buffer, start: number, end: number): { portal: string; maxRows: number } {
  const cursor = new Cursor(buf, start, end);
  const portal = cursor.name();
  const maxRows = cursor.int32();
  cursor.finish();
  return { portal, maxRows };
}

function readTarget(buf: Buffer, start: number, end: number): Target {
  const cursor = new Cursor(buf, start, end);
  const letter = String.fromCharCode(cursor.byte());
  if (letter !== 'S' && letter !== 'P')
    throw new ProtocolViolation('Describe or Close of neither statement nor portal');
  const name = cursor.name();
  cursor.finish();
  return { target: letter, name };
}

function readFormats(cursor: Cursor): number[] {
  return repeat(cursor.uint16(), cursor, 2, () => {
    const format = cursor.int16();
    if (format !== 0 && format !== 1) throw new ProtocolViolation(`format code ${format}`);
    return format;
  });
}

/** An announced count is checked against the bytes that are there before anything is allocated. */
function repeat<T>(count: number, cursor: Cursor, smallest: number, read: () => T): T[] {
  if (count * smallest > cursor.left) throw new ProtocolViolation('message is shorter than its counts');
  const items: T[] = [];
  for (let index = 0; index < count; index += 1) items.push(read());
  return items;
}
