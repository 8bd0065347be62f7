/**
 * Cuts one direction of a MySQL connection into packets: step 2 of the flow. A payload of 16 MB - 1 or more travels as a
 * chain of packets; a chain is one Message here, or one run of pieces.
 *
 * Invariants: every pushed byte leaves exactly once and in order, as part of a message, of a piece, or of rest(); whole
 * packets that follow each other in one chunk lie side by side in `buf`, so a caller can forward a run of them as one
 * subarray; a piece never crosses a packet's border, and a packet header is never split between pieces; work is linear in
 * the bytes, whatever the chunk borders; memory held is at most one message that the caller chose to hold, and grows only
 * with bytes that did arrive, never with a length that was merely announced.
 *
 * This is the hot path: the result of next() is in the fields, no object is made per packet.
 */
import { headerBytes, maxPayloadBytes } from './codes.ts';
import { ProtocolViolation } from '../violation.ts';

/** The chunk is used up. */
export const None = 0;
/** A whole message is buf[start, end), headers included; see `chained`. */
export const Message = 1;
/** `type`, `sequence`, `length` and `chained` are known, not all of it is here: call hold() or stream(), then next(). */
export const Head = 2;
/** buf[start, end) belongs to a streamed message; `first`, `last` and `opens` tell where in it. */
export const Piece = 3;
export type Step = typeof None | typeof Message | typeof Head | typeof Piece;

/** `type` of a packet without payload. */
export const emptyPayload = -1;

const empty = Buffer.alloc(0);

export class Framer {
  /** First byte of the payload, or emptyPayload. */
  type = emptyPayload;
  /** Sequence id of the first packet of the message. */
  sequence = 0;
  /** Sequence id of its last packet so far: the peer goes on from here. */
  lastSequence = 0;
  buf: Buffer = empty;
  start = 0;
  end = 0;
  /** Bytes of the message as far as announced, headers included: all of it, or the packets of a chain so far. */
  length = 0;
  /** The message is a chain: its payload has headers inside, see joined(). */
  chained = false;
  first = false;
  last = false;
  /** The piece begins with a packet header. */
  opens = false;

  readonly #max: number;
  #chunk: Buffer = empty;
  #at = 0;
  #state: 'between' | 'head' | 'hold' | 'stream' = 'between';
  /** A header that was cut by a chunk border, with the first byte of its payload: what is here of it. */
  readonly #header: Buffer = Buffer.alloc(headerBytes + 1);
  #headerKept = 0;
  /** Bytes of the current packet that have not been taken from a chunk. */
  #missing = 0;
  /** The current packet is continued by another. */
  #continued = false;
  #held: Buffer = empty;
  #heldBytes = 0;

  /** @param maxMessageBytes a message longer than this, headers included, is a ProtocolViolation */
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

  /** @throws ProtocolViolation on a message over the limit; the framer is of no use after that */
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
    const here = this.#headerKept + this.#chunk.length - this.#at;
    this.#held = Buffer.allocUnsafe(Math.min(this.length, Math.max(512, here)));
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
    const kept = Buffer.concat([
      this.#held.subarray(0, this.#heldBytes),
      this.#header.subarray(0, this.#headerKept),
    ]);
    const unread = this.#chunk.subarray(this.#at);
    const all = kept.length === 0 ? unread : Buffer.concat([kept, unread]);
    this.#used();
    this.#state = 'between';
    this.#headerKept = 0;
    this.#dropHeld();
    return all;
  }

  #begin(): Step {
    const at = this.#at;
    const chunk = this.#chunk;
    const available = chunk.length - at;
    if (available <= headerBytes && (available < headerBytes || announced(chunk, at) > 0)) {
      chunk.copy(this.#header, 0, at);
      this.#headerKept = available;
      return this.#used();
    }
    this.#readFirst(chunk, at);
    if (this.chained || available < this.length) return this.#head(this.length);
    this.#at = at + this.length;
    return this.#give(chunk, at, this.#at, Message);
  }

  #continueHeader(): Step {
    if (!this.#fillHeader(headerBytes)) return this.#used();
    const inside = announced(this.#header, 0) > 0;
    if (inside && !this.#fillHeader(headerBytes + 1)) return this.#used();
    this.#readFirst(this.#header, 0);
    const missing = this.length - this.#headerKept;
    const whole = !this.chained && this.#chunk.length - this.#at >= missing;
    this.#head(missing);
    if (!whole) return Head;
    this.hold();
    return this.#continueHeld();
  }

  #head(missing: number): Step {
    this.#state = 'head';
    this.#missing = missing;
    return Head;
  }

  #continueHeld(): Step {
    for (;;) {
      const taken = Math.min(this.#missing, this.#chunk.length - this.#at);
      this.#keep(this.#chunk, this.#at, this.#at + taken);
      this.#at += taken;
      this.#missing -= taken;
      if (this.#missing > 0) return this.#used();
      if (!this.#continued) break;
      if (!this.#fillHeader(headerBytes)) return this.#used();
      this.#readNext(this.#header, 0);
      this.#keep(this.#header, 0, headerBytes);
      this.#headerKept = 0;
      this.#missing -= headerBytes;
    }
    const whole = this.#held;
    this.#dropHeld();
    this.#state = 'between';
    return this.#give(whole, 0, this.length, Message);
  }

  #continueStream(): Step {
    if (this.#missing === 0) return this.#nextOfChain();
    if (this.#headerKept > 0) {
      // The header lies in an earlier chunk: it goes out by itself, in a buffer of its own.
      const header = Buffer.from(this.#header.subarray(0, this.#headerKept));
      this.#headerKept = 0;
      this.first = true;
      this.opens = true;
      this.last = false;
      return this.#give(header, 0, header.length, Piece);
    }
    const at = this.#at;
    const taken = Math.min(this.#missing, this.#chunk.length - at);
    if (taken === 0) return this.#used();
    this.first = this.#missing === this.length;
    this.opens = this.first;
    return this.#piece(at, taken);
  }

  /** A packet of a streamed chain is done, the next one's header is due. */
  #nextOfChain(): Step {
    this.first = false;
    this.opens = true;
    const at = this.#at;
    if (this.#headerKept === 0 && this.#chunk.length - at >= headerBytes) {
      this.#readNext(this.#chunk, at);
      return this.#piece(at, Math.min(this.#missing, this.#chunk.length - at));
    }
    if (!this.#fillHeader(headerBytes)) return this.#used();
    const header = Buffer.from(this.#header.subarray(0, headerBytes));
    this.#headerKept = 0;
    this.#readNext(header, 0);
    this.#missing -= headerBytes;
    this.#closePiece();
    return this.#give(header, 0, headerBytes, Piece);
  }

  #piece(at: number, taken: number): Step {
    this.#at = at + taken;
    this.#missing -= taken;
    this.#closePiece();
    return this.#give(this.#chunk, at, this.#at, Piece);
  }

  #closePiece(): void {
    this.last = this.#missing === 0 && !this.#continued;
    if (this.last) this.#state = 'between';
  }

  /** @returns whether `wanted` bytes of the header are here now */
  #fillHeader(wanted: number): boolean {
    const taken = Math.min(wanted - this.#headerKept, this.#chunk.length - this.#at);
    this.#chunk.copy(this.#header, this.#headerKept, this.#at, this.#at + taken);
    this.#headerKept += taken;
    this.#at += taken;
    return this.#headerKept === wanted;
  }

  #readFirst(from: Buffer, at: number): void {
    const payload = announced(from, at);
    this.length = payload + headerBytes;
    this.sequence = from[at + 3] ?? 0;
    this.lastSequence = this.sequence;
    this.type = payload === 0 ? emptyPayload : (from[at + headerBytes] ?? 0);
    this.chained = payload === maxPayloadBytes;
    this.#continued = this.chained;
    this.#checkLength();
  }

  /** A further packet of a chain. */
  #readNext(from: Buffer, at: number): void {
    const payload = announced(from, at);
    this.length += payload + headerBytes;
    this.lastSequence = from[at + 3] ?? 0;
    this.#continued = payload === maxPayloadBytes;
    this.#missing = payload + headerBytes;
    this.#checkLength();
  }

  #checkLength(): void {
    if (this.length > this.#max)
      throw new ProtocolViolation(`message of ${this.length} bytes is over the limit of ${this.#max}`);
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

/** int<3> payload length of the header at `at`. */
function announced(buf: Buffer, at: number): number {
  return (buf[at] ?? 0) | ((buf[at + 1] ?? 0) << 8) | ((buf[at + 2] ?? 0) << 16);
}
