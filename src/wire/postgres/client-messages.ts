/**
 * Reads the client messages that carry statements: step 3 of the flow. Every function takes one whole message
 * buf[start, end), header included, and throws ProtocolViolation on anything inconsistent. Names are latin1-decoded;
 * Buffers in the results are views of buf.
 */
import { bodyOf, Cursor, nameAt, terminator } from './cursor.ts';
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

/** @returns where the SQL text begins; it ends in front of the message's last byte, its terminator */
export function readQuery(buf: Buffer, start: number, end: number): number {
  const body = bodyOf(buf, start, end);
  if (buf.indexOf(0, body) !== end - 1) throw new ProtocolViolation('Query is not one string');
  return body;
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

/** The two names at the head of a Bind: what is needed of most of them. */
export function readBindNames(
  buf: Buffer,
  start: number,
  end: number,
): Pick<BindMessage, 'portal' | 'statement'> {
  const body = bodyOf(buf, start, end);
  const portalEnd = terminator(buf, body, end);
  const statementEnd = terminator(buf, portalEnd + 1, end);
  return { portal: nameAt(buf, body, portalEnd), statement: nameAt(buf, portalEnd + 1, statementEnd) };
}

/** maxRows: 0 = all. */
export function readExecute(buf: Buffer, start: number, end: number): { portal: string; maxRows: number } {
  const body = bodyOf(buf, start, end);
  const nul = terminator(buf, body, end);
  if (end - nul !== 5) throw new ProtocolViolation('Execute is not a name and a count');
  return { portal: nameAt(buf, body, nul), maxRows: buf.readInt32BE(nul + 1) };
}

const letterS = 0x53;
const letterP = 0x50;

function readTarget(buf: Buffer, start: number, end: number): Target {
  const body = bodyOf(buf, start, end);
  const letter = buf[body];
  if (body === end || (letter !== letterS && letter !== letterP))
    throw new ProtocolViolation('Describe or Close of neither statement nor portal');
  if (terminator(buf, body + 1, end) !== end - 1)
    throw new ProtocolViolation('bytes behind the name in Describe or Close');
  return { target: letter === letterS ? 'S' : 'P', name: nameAt(buf, body + 1, end - 1) };
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
