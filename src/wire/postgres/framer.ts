/**
 * Cuts one direction of a PostgreSQL connection, after start-up, into messages: step 2 of the flow.
 *
 * Invariants: every pushed byte leaves exactly once and in order, as part of a message, of a piece, or of rest(); whole
 * messages that follow each other in one chunk lie side by side in `buf`, so a caller can forward a run of them as one
 * subarray; work is linear in the bytes, whatever the chunk borders; memory held is at most one message that the caller
 * chose to hold, and grows only with bytes that did arrive, never with a length that was merely announced.
 *
 * This is the hot path: the result of next() is in the fields, no object is made per message.
 */
import { headerBytes } from './codes.ts';
import { ProtocolViolation } from '../violation.ts';

/** The chunk is used up. */
export const None = 0;
/** A whole message is buf[start, end), header included. */
export const Message = 1;
/** `type` and `length` are known, the body is not here yet: call hold() or stream(), then next(). */
export const Head = 2;
/** buf[start, end) belongs to a streamed message; `first` and `last` tell where it begins and ends. */
export const Piece = 3;
export type Step = typeof None | typeof Message | typeof Head | typeof Piece;

const empty = Buffer.alloc(0);

export class Framer {
  type = 0;
  buf: Buffer = empty;
  start = 0;
  end = 0;
  /** Bytes of the whole message, header included. */
  length = 0;
  first = false;
  last = false;

  readonly #max: number;
  #chunk: Buffer = empty;
  #at = 0;
  #state: 'between' | 'head' | 'hold' | 'stream' = 'between';
  /** A header that was cut by a chunk border: its bytes so far. */
  readonly #header: Buffer = Buffer.alloc(headerBytes);
  #headerKept = 0;
  /** Bytes of the current message that have not been taken from a chunk. */
  #missing = 0;
  #held: Buffer = empty;
  #heldBytes = 0;

  /** @param maxMessageBytes a message longer than this, header included, is a ProtocolViolation */
  constructor(maxMessageBytes: number) {
    this.#max = maxMessageBytes;
  }

  /** Bytes that were taken from earlier chunks and not given out yet. */
  get pending(): number {
    return this.#headerKept + this.#heldBytes;
  }

  /** A message is given out in pieces, and its last one has not been. */
  get streaming(): boolean {
    return this.#state === 'stream';
  }

  /** The chunk is borrowed until next() returned None; what is kept longer is copied. */
  push(chunk: Buffer): void {
    if (this.#at < this.#chunk.length) throw new Error('framer: the previous chunk is not used up');
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** @throws ProtocolViolation on an impossible length; the framer is of no use after that */
  next(): Step {
    switch (this.#state) {
      case 'between':
        return this.#headerKept > 0 ? this.#continueHeader() : this.#begin();
      case 'hold':
        return this.#continueHeld();
      case 'stream':
        return this.#continueStream();
      case 'head':
        throw new Error('framer: call hold() or stream() after Head');
    }
  }

  /** Collect the message whose Head was returned; it comes as one Message. */
  hold(): void {
    this.#leaveHead('hold');
    this.#held = Buffer.allocUnsafe(
      Math.min(this.length, Math.max(512, this.#headerKept + this.#chunk.length - this.#at)),
    );
    this.#keep(this.#header, 0, this.#headerKept);
    this.#headerKept = 0;
  }

  /** Give out the message whose Head was returned piece by piece as it arrives. */
  stream(): void {
    this.#leaveHead('stream');
    this.first = false;
  }

  /** Takes out everything that was not given out, for a switch to raw relay. A view of the last chunk where possible. */
  rest(): Buffer {
    const kept =
      this.#state === 'hold'
        ? this.#held.subarray(0, this.#heldBytes)
        : this.#header.subarray(0, this.#headerKept);
    const unread = this.#chunk.subarray(this.#at);
    const all = kept.length === 0 ? unread : Buffer.concat([kept, unread]);
    this.#chunk = empty;
    this.#at = 0;
    this.#state = 'between';
    this.#headerKept = 0;
    this.#dropHeld();
    return all;
  }

  #begin(): Step {
    const at = this.#at;
    const available = this.#chunk.length - at;
    if (available < headerBytes) {
      this.#chunk.copy(this.#header, 0, at);
      this.#headerKept = available;
      return this.#used();
    }
    this.#readHeader(this.#chunk, at);
    if (available < this.length) {
      this.#state = 'head';
      this.#missing = this.length;
      return Head;
    }
    this.#at = at + this.length;
    return this.#give(this.#chunk, at, this.#at, Message);
  }

  #continueHeader(): Step {
    const taken = Math.min(headerBytes - this.#headerKept, this.#chunk.length - this.#at);
    this.#chunk.copy(this.#header, this.#headerKept, this.#at, this.#at + taken);
    this.#headerKept += taken;
    this.#at += taken;
    if (this.#headerKept < headerBytes) return this.#used();
    this.#readHeader(this.#header, 0);
    this.#missing = this.length - headerBytes;
    this.#state = 'head';
    if (this.#chunk.length - this.#at < this.#missing) return Head;
    this.hold();
    return this.#continueHeld();
  }

  #continueHeld(): Step {
    const taken = Math.min(this.#missing, this.#chunk.length - this.#at);
    this.#keep(this.#chunk, this.#at, this.#at + taken);
    this.#at += taken;
    this.#missing -= taken;
    if (this.#missing > 0) return this.#used();
    const whole = this.#held;
    this.#dropHeld();
    this.#state = 'between';
    return this.#give(whole, 0, this.length, Message);
  }

  #continueStream(): Step {
    if (this.#headerKept > 0) {
      // The header lies in an earlier chunk: it goes out by itself, in a buffer of its own.
      const header = Buffer.from(this.#header);
      this.#headerKept = 0;
      this.first = true;
      this.last = false;
      return this.#give(header, 0, headerBytes, Piece);
    }
    const at = this.#at;
    const taken = Math.min(this.#missing, this.#chunk.length - at);
    if (taken === 0) return this.#used();
    this.first = this.#missing === this.length;
    this.#at = at + taken;
    this.#missing -= taken;
    this.last = this.#missing === 0;
    if (this.last) this.#state = 'between';
    return this.#give(this.#chunk, at, this.#at, Piece);
  }

  #readHeader(from: Buffer, at: number): void {
    const length = from.readInt32BE(at + 1);
    this.type = from[at] ?? 0;
    if (length < 4) throw new ProtocolViolation(`message ${shown(this.type)} has length ${length}`);
    if (length + 1 > this.#max) {
      throw new ProtocolViolation(
        `message ${shown(this.type)} of ${length + 1} bytes is over the limit of ${this.#max}`,
      );
    }
    this.length = length + 1;
  }

  #leaveHead(state: 'hold' | 'stream'): void {
    if (this.#state !== 'head') throw new Error(`framer: ${state}() without Head`);
    this.#state = state;
  }

  /** Appends to the held message. Doubling keeps it linear however small the chunks are. */
  #keep(from: Buffer, start: number, end: number): void {
    const needed = this.#heldBytes + end - start;
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.length, Math.max(needed, 2 * this.#held.length)));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    from.copy(this.#held, this.#heldBytes, start, end);
    this.#heldBytes = needed;
  }

  #dropHeld(): void {
    this.#held = empty;
    this.#heldBytes = 0;
  }

  #used(): Step {
    this.#chunk = empty;
    this.#at = 0;
    return None;
  }

  #give(buf: Buffer, start: number, end: number, step: Step): Step {
    this.buf = buf;
    this.start = start;
    this.end = end;
    return step;
  }
}

/** A type byte for an error text: the letter where there is one. */
function shown(type: number): string {
  return type > 0x20 && type < 0x7f
    ? `'${String.fromCharCode(type)}'`
    : `0x${type.toString(16).padStart(2, '0')}`;
}
