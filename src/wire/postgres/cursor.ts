/**
 * A bounds-checked reader over the body of one framed message. Whatever would leave the message is a ProtocolViolation,
 * never a read of a neighbour's bytes.
 */
import { headerBytes } from './codes.ts';
import { ProtocolViolation } from '../violation.ts';

/** Where the body of the message buf[start, end) begins. @throws ProtocolViolation when its length says something else */
export function bodyOf(buf: Buffer, start: number, end: number): number {
  if (start < 0 || end > buf.length || end - start < headerBytes)
    throw new ProtocolViolation('message without header');
  if (buf.readInt32BE(start + 1) !== end - start - 1)
    throw new ProtocolViolation('message length disagrees with its frame');
  return start + headerBytes;
}

/** Offset of the NUL that ends the string at `at`. Names are short: a loop is faster than a call out of JavaScript. */
export function terminator(buf: Buffer, at: number, end: number): number {
  for (let i = at; i < end; i += 1) if (buf[i] === 0) return i;
  throw new ProtocolViolation('string without terminator');
}

/** latin1-decoded: one character a byte. */
export function nameAt(buf: Buffer, at: number, nul: number): string {
  return at === nul ? '' : buf.toString('latin1', at, nul);
}

export class Cursor {
  readonly #buf: Buffer;
  readonly #end: number;
  #at: number;

  /** @param start,end the whole message, header included */
  constructor(buf: Buffer, start: number, end: number) {
    this.#buf = buf;
    this.#at = bodyOf(buf, start, end);
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    return this.#buf.readUInt8(this.#take(1));
  }

  int16(): number {
    return this.#buf.readInt16BE(this.#take(2));
  }

  /** A count: 16 bits, the protocol allows up to 65535. */
  uint16(): number {
    return this.#buf.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#buf.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#buf.readUInt32BE(this.#take(4));
  }

  /** The bytes up to the next NUL, which is consumed: a view. */
  terminated(): Buffer {
    const nul = this.#buf.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end) throw new ProtocolViolation('string without terminator');
    const bytes = this.#buf.subarray(this.#at, nul);
    this.#at = nul + 1;
    return bytes;
  }

  /** As terminated(), latin1-decoded: one character a byte. */
  name(): string {
    return this.terminated().toString('latin1');
  }

  /** A view. */
  bytes(count: number): Buffer {
    const at = this.#take(count);
    return this.#buf.subarray(at, at + count);
  }

  /** int32 length and bytes; length -1 is null. */
  value(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) throw new ProtocolViolation(`value of length ${length}`);
    return this.bytes(length);
  }

  /** @throws ProtocolViolation when bytes are left over */
  finish(): void {
    if (this.left !== 0) throw new ProtocolViolation(`${this.left} bytes after the end of the message`);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new ProtocolViolation('message ends too early');
    this.#at = at + count;
    return at;
  }
}
