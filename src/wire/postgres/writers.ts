/**
 * Builds messages: step 9 of the flow. Names and texts given as strings are latin1 (one character a byte), the form in
 * which the readers return them, so they leave as the bytes that came in. pg-protocol's serializer encodes strings as
 * UTF-8 and binds only one result format, so only its constant messages are used.
 */
import { serialize } from 'pg-protocol';
import { client, headerBytes, server } from './codes.ts';

const maxMessageBytes = 0x3fffffff; // PostgreSQL's limit of 1 GB
const largestCount = 0xffff;

/** The parts of one body, written in order into one allocation. */
class Body {
  readonly #type: number;
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(type: number) {
    this.#type = type;
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    return this;
  }

  /** Zero-terminated. @throws RangeError when it has a NUL of its own */
  text(value: string | Buffer): this {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
    if (bytes.includes(0)) throw new RangeError('text with a NUL');
    return this.raw(bytes).raw(nul);
  }

  int16(value: number): this {
    const bytes = Buffer.allocUnsafe(2);
    bytes.writeUInt16BE(value);
    return this.raw(bytes);
  }

  int32(value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32BE(value | 0);
    return this.raw(bytes);
  }

  count(value: number): this {
    if (value > largestCount) throw new RangeError(`${value} items in a message`);
    return this.int16(value);
  }

  finish(): Buffer {
    const length = this.#bytes + headerBytes;
    if (length > maxMessageBytes) throw new RangeError(`message of ${length} bytes`);
    const message = Buffer.allocUnsafe(length);
    message[0] = this.#type;
    message.writeInt32BE(length - 1, 1);
    let at = headerBytes;
    for (const part of this.#parts) at += part.copy(message, at);
    return message;
  }
}

const nul = Buffer.alloc(1);

export function writeQuery(text: string | Buffer): Buffer {
  return new Body(client.query).text(text).finish();
}

export function writeParse(name: string, text: string | Buffer, types: readonly number[]): Buffer {
  const body = new Body(client.parse).text(name).text(text).count(types.length);
  for (const type of types) body.int32(type);
  return body.finish();
}

/** @param formats none = all text, one = for all values, else one per value; the same goes for resultFormats and columns */
export function writeBind(
  portal: string,
  statement: string,
  formats: readonly number[],
  values: readonly (Buffer | null)[],
  resultFormats: readonly number[],
): Buffer {
  const body = new Body(client.bind).text(portal).text(statement).count(formats.length);
  for (const format of formats) body.int16(format);
  body.count(values.length);
  for (const value of values) {
    if (value === null) body.int32(-1);
    else body.int32(value.length).raw(value);
  }
  body.count(resultFormats.length);
  for (const format of resultFormats) body.int16(format);
  return body.finish();
}

export function writeDescribe(target: 'S' | 'P', name: string): Buffer {
  return new Body(client.describe).text(target + name).finish();
}

export function writeClose(target: 'S' | 'P', name: string): Buffer {
  return new Body(client.close).text(target + name).finish();
}

/** @param maxRows 0 = all */
export function writeExecute(portal: string, maxRows: number): Buffer {
  return new Body(client.execute).text(portal).int32(maxRows).finish();
}

export function writeSync(): Buffer {
  return serialize.sync();
}

export function writeFlush(): Buffer {
  return serialize.flush();
}

/** An ErrorResponse of our own; ASCII texts. */
export function writeError(error: {
  severity: 'ERROR' | 'FATAL';
  code: string;
  message: string;
  hint?: string | undefined;
}): Buffer {
  const body = new Body(server.error)
    .text(`S${error.severity}`)
    .text(`V${error.severity}`)
    .text(`C${error.code}`)
    .text(`M${error.message}`);
  if (error.hint !== undefined) body.text(`H${error.hint}`);
  return body.raw(nul).finish();
}

/** @param mechanisms in the server's order of preference */
export function writeAuthenticationSasl(mechanisms: readonly string[]): Buffer {
  const body = new Body(server.authentication).int32(10);
  for (const name of mechanisms) body.text(name);
  return body.raw(nul).finish();
}

/** The command tag as in `DELETE 3`. */
export function writeCommandComplete(tag: string): Buffer {
  return new Body(server.commandComplete).text(tag).finish();
}

/** A message without a body: ParseComplete, BindComplete, CloseComplete, NoData, … */
export function writeBare(type: number): Buffer {
  return new Body(type).finish();
}

export function writeReadyForQuery(status: 'I' | 'T' | 'E'): Buffer {
  return new Body(server.readyForQuery).raw(Buffer.from(status, 'latin1')).finish();
}
