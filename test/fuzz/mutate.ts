/** What is done to recorded bytes: inside a message, to its length, and to the order of messages. */
import type { Side } from '../../src/session/types.ts';
import type { Random } from './random.ts';

export interface Piece {
  side: Side;
  bytes: Buffer;
}

/** How a protocol writes the length of a message. */
export interface Header {
  bytes: number;
  /** Writes the length that the message has now. */
  mend(message: Buffer): void;
  /** Writes any length. */
  lie(message: Buffer, length: number): void;
}

export const postgresHeader: Header = {
  bytes: 5,
  mend: (message) => message.writeInt32BE(message.length - 1, 1),
  lie: (message, length) => message.writeInt32BE(length | 0, 1),
};
export const mysqlHeader: Header = {
  bytes: 4,
  mend: (message) => message.writeUIntLE(Math.min(message.length - 4, 0xffffff), 0, 3),
  lie: (message, length) => message.writeUIntLE(length & 0xffffff, 0, 3),
};

const oddLengths = [-1, 0, 1, 3, 4, 5, 8, 250, 251, 0xffff, 0xfffffe, 0xffffff, 0x7fffffff, -0x80000000];
const oddBytes = [0, 1, 0x16, 0x27, 0x5c, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

/** Changes a few bytes, in place or by making the text longer or shorter. @returns a copy */
export function mutateBytes(random: Random, bytes: Buffer, other: Buffer, from = 0): Buffer {
  let out = Buffer.from(bytes);
  for (let times = random.few(4); times > 0; times -= 1) {
    const at = from + random.below(Math.max(1, out.length - from));
    const length = random.few(12);
    switch (random.below(7)) {
      case 0:
        if (at < out.length) out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        if (at < out.length) out[at] = random.pick(oddBytes);
        break;
      case 2:
        if (at + 4 <= out.length) out.writeInt32BE(random.pick(oddLengths), at);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at, at + length), out.subarray(at)]);
        break;
      case 5:
        out = Buffer.concat([out.subarray(0, at), random.bytes(length), out.subarray(at)]);
        break;
      case 6: {
        const start = random.below(Math.max(1, other.length));
        out = Buffer.concat([
          out.subarray(0, at),
          other.subarray(start, start + 4 * length),
          out.subarray(at),
        ]);
        break;
      }
    }
  }
  return out;
}

/** Changes one to six messages of a conversation: their bytes, their length, their place, their sender. */
export function mutatePieces(random: Random, pieces: readonly Piece[], header: Header): Piece[] {
  const out = [...pieces];
  for (let times = random.few(6); times > 0 && out.length > 0; times -= 1) {
    const at = random.below(out.length);
    const piece = out[at] as Piece;
    const { side } = piece;
    switch (random.below(9)) {
      case 0:
      case 1:
      case 2: {
        // Inside the body, and the length says so: what reads bodies gets to see it.
        const bytes = mutateBytes(random, piece.bytes, random.pick(out).bytes, header.bytes);
        if (bytes.length >= header.bytes) header.mend(bytes);
        out[at] = { side, bytes };
        break;
      }
      case 3:
        out[at] = { side, bytes: mutateBytes(random, piece.bytes, random.pick(out).bytes) };
        break;
      case 4: {
        const bytes = Buffer.from(piece.bytes);
        if (bytes.length >= header.bytes)
          header.lie(bytes, random.chance(2) ? random.next() : random.pick(oddLengths));
        out[at] = { side, bytes };
        break;
      }
      case 5:
        out.splice(at, random.few(3));
        break;
      case 6:
        out.splice(random.below(out.length), 0, piece);
        break;
      case 7:
        out.splice(random.below(out.length), 0, ...out.splice(at, 1));
        break;
      case 8:
        out[at] = { side: side === 'client' ? 'server' : 'client', bytes: piece.bytes };
        break;
    }
  }
  return out;
}

/** The same bytes in other chunks: messages of one side glued together, or cut anywhere. */
export function rechunk(random: Random, pieces: readonly Piece[]): Piece[] {
  if (!random.chance(3)) return [...pieces];
  const out: Piece[] = [];
  for (const { side, bytes } of pieces) {
    const last = out.at(-1);
    if (last?.side === side && random.chance(2)) last.bytes = Buffer.concat([last.bytes, bytes]);
    else if (bytes.length > 1 && random.chance(3)) {
      const at = 1 + random.below(bytes.length - 1);
      out.push({ side, bytes: bytes.subarray(0, at) }, { side, bytes: bytes.subarray(at) });
    } else out.push({ side, bytes });
  }
  return out;
}
