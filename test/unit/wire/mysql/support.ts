/** Runs the framer over bytes, whole or cut, and the reply tracker over what it gave. */
import { Framer, Head, Message, None, Piece } from '../../../../src/wire/mysql/framer.ts';

export interface Seen {
  type: number;
  sequence: number;
  lastSequence: number;
  chained: boolean;
  bytes: Buffer;
}

/**
 * Everything that came out, messages whole again. Every chunk is overwritten after use, as a socket's buffer would be.
 * @param large messages from this length on (as known at Head) are streamed, others held
 */
export function messages(chunks: Buffer[], large = Infinity, max = 100_000_000): Seen[] {
  const framer = new Framer(max);
  const seen: Seen[] = [];
  let streamed: Buffer[] = [];
  const add = (bytes: Buffer): void => {
    const { type, sequence, lastSequence, chained } = framer;
    seen.push({ type, sequence, lastSequence, chained, bytes });
  };
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    framer.push(lent);
    for (let step = framer.next(); step !== None; step = framer.next()) {
      if (step === Head) {
        if (framer.length >= large) framer.stream();
        else framer.hold();
        continue;
      }
      const bytes = Buffer.from(framer.buf.subarray(framer.start, framer.end));
      if (step === Message) add(bytes);
      else if (step === Piece) {
        if (framer.first !== (streamed.length === 0)) throw new Error('first is wrong');
        if (framer.first && !framer.opens) throw new Error('opens is wrong');
        if (framer.opens && bytes.length < 4) throw new Error('a header is split');
        streamed.push(bytes);
        if (framer.last) {
          add(Buffer.concat(streamed));
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

/** Reads a packet that lies between other bytes, so that a read over its borders shows. */
export function inside<T>(packet: Buffer, reader: (buf: Buffer, start: number, end: number) => T): T {
  const around = Buffer.concat([
    Buffer.from('....'),
    packet,
    Buffer.from('\xfe\xfe\xfe\xfe\xfe\0\0\0\0', 'latin1'),
  ]);
  return reader(around, 4, 4 + packet.length);
}
