/** Both framers on their own: recorded streams with changed bytes, and random ones, in any chunks, held or streamed. */
import * as mysql from '../../src/wire/mysql/framer.ts';
import * as postgres from '../../src/wire/postgres/framer.ts';
import { ProtocolViolation } from '../../src/wire/violation.ts';
import type { Material } from './material.ts';
import { mutateBytes } from './mutate.ts';
import type { Random } from './random.ts';
import type { Target } from './targets.ts';

interface Framer {
  push(chunk: Buffer): void;
  next(): number;
  hold(): void;
  stream(): void;
  rest(): Buffer;
  readonly pending: number;
  readonly buf: Buffer;
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

interface Stream {
  chunks: Buffer[];
  /** Messages from this length on are streamed. */
  large: number;
  /** rest() is taken behind this chunk. */
  stopAt: number;
}

/** Small, so that changed lengths pass it and exceed it. */
const maxMessageBytes = 20_000;

const cut = (random: Random, bytes: Buffer): Buffer[] => random.pieces(bytes, [1, 5, 60, 4000]);

function makeStream(random: Random, material: readonly Material[]): Stream {
  const { pieces } = random.pick(material);
  const first = random.below(pieces.length);
  const some = Buffer.concat(pieces.slice(first, first + random.few(12)).map(({ bytes }) => bytes));
  const bytes = random.chance(4)
    ? random.bytes(random.few(300))
    : mutateBytes(random, some, random.pick(pieces).bytes);
  const chunks = cut(random, bytes);
  return { chunks, large: random.pick([0, 20, 200, Infinity]), stopAt: random.below(2 * chunks.length + 1) };
}

/** Every byte leaves once, in order, as a message, a piece or the rest; or a violation is thrown. */
function runStream(framer: Framer, { chunks, large, stopAt }: Stream): string {
  const out: Buffer[] = [];
  let pushed = 0;
  let bytes = 0;
  try {
    for (const [index, chunk] of chunks.entries()) {
      framer.push(chunk);
      pushed = index + 1;
      bytes += chunk.length;
      if (index === stopAt) break;
      for (let step = framer.next(); step !== 0; step = framer.next()) {
        if (step !== postgres.Head) out.push(Buffer.from(framer.buf.subarray(framer.start, framer.end)));
        else if (framer.length >= large) framer.stream();
        else framer.hold();
      }
      if (framer.pending > bytes) throw new Error('holds more than it got');
    }
  } catch (error) {
    if (error instanceof ProtocolViolation) return 'violation';
    throw error;
  }
  out.push(framer.rest());
  if (!Buffer.concat(out).equals(Buffer.concat(chunks.slice(0, pushed))))
    throw new Error('bytes lost, doubled or moved');
  return 'framed';
}

export function frameTargets(material: Record<'postgres' | 'mysql', readonly Material[]>): Target[] {
  const target = (wire: 'postgres' | 'mysql', makeFramer: () => Framer): Target<Stream> => ({
    name: `${wire} framer`,
    share: 70,
    make: (random) => makeStream(random, material[wire]),
    run: (stream) => runStream(makeFramer(), stream),
  });
  return [
    target('postgres', () => new postgres.Framer(maxMessageBytes)),
    target('mysql', () => new mysql.Framer(maxMessageBytes)),
  ];
}
