/** Builds raw messages and runs the framer over them. */
import { Framer, Head, Message, None, Piece } from '../../../src/wire/postgres/framer.ts';

/** One message: type byte, length, body. */
export function message(type: string, body: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(body as string, 'latin1');
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
}

export interface Seen {
  type: string;
  bytes: string;
}

/**
 * Everything that came out, messages whole again. Every chunk is overwritten after use, as a socket's buffer would be.
 * @param large messages from this length on are streamed, others held
 */
export function frames(chunks: Buffer[], large = Infinity, max = 1_000_000): Seen[] {
  const framer = new Framer(max);
  const seen: Seen[] = [];
  let streamed: Buffer[] = [];
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    framer.push(lent);
    for (let step = framer.next(); step !== None; step = framer.next()) {
      const bytes = Buffer.from(framer.buf.subarray(framer.start, framer.end));
      if (step === Head) {
        if (framer.length >= large) framer.stream();
        else framer.hold();
      } else if (step === Message) {
        seen.push({ type: String.fromCharCode(framer.type), bytes: bytes.toString('latin1') });
      } else if (step === Piece) {
        if (framer.first !== (streamed.length === 0)) throw new Error('first is wrong');
        streamed.push(bytes);
        if (framer.last) {
          const whole = Buffer.concat(streamed);
          if (whole.length !== framer.length) throw new Error('last is wrong');
          seen.push({ type: String.fromCharCode(framer.type), bytes: whole.toString('latin1') });
          streamed = [];
        }
      }
    }
    lent.fill(0xee);
  }
  return seen;
}

/** Cuts at the given places. */
export function cut(bytes: Buffer, places: number[]): Buffer[] {
  const sorted = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}
