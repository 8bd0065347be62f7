/**
 * A bounds-checked reader over the payload of one packet. Whatever would leave the packet is a ProtocolViolation, never
 * a read of a neighbour's bytes. Integers are little-endian; "lenenc" is the manual's length-encoded integer.
 */
import { headerBytes, maxPayloadBytes } from './codes.ts';
import { ProtocolViolation } from '../violation.ts';

const nullValue = 0xfb;

export class Cursor {
  readonly #buf: Buffer;
  readonly #end: number;
  #at: number;

  /** @param start,end one packet, header included; a continued packet has to be joined before */
  constructor(buf: Buffer, start: number, end: number) {
    if (start < 0 || end > buf.length || end - start < headerBytes)
      throw new ProtocolViolation('packet without header');
    const length = buf.readUIntLE(start, 3);
    if (length !== end - start - headerBytes || length === maxPayloadBytes)
      throw new ProtocolViolation('packet length disagrees with its frame');
    this.#buf = buf;
    this.#at = start + headerBytes;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** Offset of the next byte in the buffer. */
  get offset(): number {
    return this.#at;
  }

  byte(): number {
    return this.#buf.readUInt8(this.#take(1));
  }

  uint16(): number {
    return this.#buf.readUInt16LE(this.#take(2));
  }

  uint32(): number {
    return this.#buf.readUInt32LE(this.#take(4));
  }

  /** A count or a length. @throws ProtocolViolation also when it is no safe integer, or the mark of NULL */
  lenenc(): number {
    const first = this.byte();
    if (first < nullValue) return first;
    if (first === 0xfc) return this.uint16();
    if (first === 0xfd) return this.#buf.readUIntLE(this.#take(3), 3);
    if (first !== 0xfe) throw new ProtocolViolation(`0x${first.toString(16)} is no length`);
    const at = this.#take(8);
    const high = this.#buf.readUInt32LE(at + 4);
    if (high >= 0x200000) throw new ProtocolViolation('length over 2^53');
    return high * 0x100000000 + this.#buf.readUInt32LE(at);
  }

  /** As lenenc(), for values that use all 64 bits: insert ids. */
  lenencBig(): bigint {
    if (this.#buf[this.#at] !== 0xfe) return BigInt(this.lenenc());
    this.#take(1);
    return this.#buf.readBigUInt64LE(this.#take(8));
  }

  /** string<lenenc>: a view. */
  lenencBytes(): Buffer {
    return this.bytes(this.lenenc());
  }

  /** As lenencBytes(), latin1-decoded: one character a byte. */
  lenencName(): string {
    return this.lenencBytes().toString('latin1');
  }

  /** A value of a text row: string<lenenc>, or NULL. */
  value(): Buffer | null {
    if (this.left > 0 && this.#buf[this.#at] === nullValue) {
      this.#at += 1;
      return null;
    }
    return this.lenencBytes();
  }

  /** The bytes up to the next NUL, which is consumed: a view. */
  terminated(): Buffer {
    const nul = this.#buf.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end) throw new ProtocolViolation('string without terminator');
    const bytes = this.#buf.subarray(this.#at, nul);
    this.#at = nul + 1;
    return bytes;
  }

  /** As terminated(), but the end of the packet is a terminator too: some peers leave out the last NUL. */
  terminatedOrRest(): Buffer {
    const nul = this.#buf.indexOf(0, this.#at);
    return nul < 0 || nul >= this.#end ? this.rest() : this.terminated();
  }

  /** A view. */
  bytes(count: number): Buffer {
    const at = this.#take(count);
    return this.#buf.subarray(at, at + count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** Everything that is left: a view. */
  rest(): Buffer {
    return this.bytes(this.left);
  }

  /** @throws ProtocolViolation when bytes are left over */
  finish(): void {
    if (this.left !== 0) throw new ProtocolViolation(`${this.left} bytes after the end of the packet`);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new ProtocolViolation('packet ends too early');
    this.#at = at + count;
    return at;
  }
}
