import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Framer, Head, Message, None, Piece, emptyPayload } from '../../../../src/wire/mysql/framer.ts';
import { joined, resequence, sequencedHeader } from '../../../../src/wire/mysql/sequence.ts';
import { ProtocolViolation } from '../../../../src/wire/violation.ts';
import { writePacket } from '../../../../src/wire/mysql/writers.ts';
import { cut, messages, type Seen } from './support.ts';

const conversation = [
  writePacket(0, Buffer.from('\x03BEGIN')),
  writePacket(1, Buffer.alloc(0)),
  writePacket(2, Buffer.from('\xfe'.repeat(40), 'latin1')),
  writePacket(255, Buffer.from('\x0e')),
  writePacket(0, Buffer.alloc(0)),
  writePacket(7, Buffer.from('\x03ab')),
];
const stream = Buffer.concat(conversation);
const plain = (list: Buffer[]): Seen[] =>
  list.map((bytes) => ({
    type: bytes[4] ?? emptyPayload,
    sequence: bytes[3] ?? 0,
    lastSequence: bytes[3] ?? 0,
    chained: false,
    bytes,
  }));
const expected = plain(conversation);

/** Large messages by what they hash to: a comparison byte by byte takes minutes. */
function digests(seen: Seen[]): unknown[] {
  return seen.map(({ bytes, ...rest }) => ({
    ...rest,
    digest: createHash('sha1').update(bytes).digest('hex'),
  }));
}

const packets = fc.array(
  fc
    .tuple(fc.nat(255), fc.uint8Array({ maxLength: 30 }))
    .map(([sequence, payload]) => writePacket(sequence, Buffer.from(payload))),
  { maxLength: 12 },
);

describe('chunk borders', () => {
  test.each([
    ['held', Infinity],
    ['streamed', 0],
    ['large ones streamed', 30],
  ])('a cut at any byte gives the same messages: %s', (_, large) => {
    for (let at = 0; at <= stream.length; at += 1)
      expect(messages(cut(stream, [at]), large)).toEqual(expected);
  });

  test('two cuts anywhere give the same messages', () => {
    for (let a = 0; a <= stream.length; a += 1) {
      for (let b = a; b <= stream.length; b += 1) expect(messages(cut(stream, [a, b]), 30)).toEqual(expected);
    }
  });

  test('byte by byte', () => {
    const bytes = [...stream].map((byte) => Buffer.from([byte]));
    expect(messages(bytes)).toEqual(expected);
    expect(messages(bytes, 0)).toEqual(expected);
  });

  test('any packets, any cuts, any threshold', () => {
    fc.assert(
      fc.property(packets, fc.array(fc.nat(), { maxLength: 20 }), fc.nat(40), (list, places, large) => {
        expect(messages(cut(Buffer.concat(list), places), large)).toEqual(plain(list));
      }),
    );
  });
});

describe('one chunk', () => {
  test('whole packets lie side by side in the chunk itself', () => {
    const framer = new Framer(1000);
    framer.push(stream);
    let at = 0;
    while (framer.next() === Message) {
      expect(framer.buf).toBe(stream);
      expect(framer.start).toBe(at);
      at = framer.end;
    }
    expect(at).toBe(stream.length);
    expect(framer.pending).toBe(0);
  });

  test('Head is given only when the payload is incomplete, with its first byte', () => {
    const framer = new Framer(1000);
    framer.push(writePacket(3, Buffer.from('\x03abc')).subarray(0, 5));
    expect(framer.next()).toBe(Head);
    expect([framer.type, framer.length, framer.sequence, framer.chained]).toEqual([3, 8, 3, false]);
  });

  test('the header alone is not enough for Head: its first payload byte tells what to do', () => {
    const framer = new Framer(1000);
    framer.push(writePacket(3, Buffer.from('\x03abc')).subarray(0, 4));
    expect(framer.next()).toBe(None);
    expect(framer.pending).toBe(4);
  });

  test('a streamed piece starts with the header and borrows the chunk', () => {
    const framer = new Framer(1000);
    const chunk = writePacket(0, Buffer.from('\x03abc')).subarray(0, 7);
    framer.push(chunk);
    framer.next();
    framer.stream();
    expect(framer.next()).toBe(Piece);
    expect(framer.buf).toBe(chunk);
    expect([framer.start, framer.end, framer.first, framer.last]).toEqual([0, 7, true, false]);
    expect(framer.next()).toBe(None);
    expect(framer.pending).toBe(0);
  });
});

describe('chains of packets', () => {
  const payload = Buffer.alloc(2 * 0xffffff + 5, 0x61);
  payload[0] = 0xfe;
  const chain = writePacket(254, payload);
  const full = writePacket(1, payload.subarray(0, 0xffffff));
  const after = writePacket(9, Buffer.from('z'));
  const bytes = Buffer.concat([chain, after]);
  const borders = [4 + 0xffffff, 2 * (4 + 0xffffff)];
  const whole = digests([
    { type: 0xfe, sequence: 254, lastSequence: 0, chained: true, bytes: chain },
    ...plain([after]),
  ]);

  test('the numbers run on and wrap; an exact multiple ends in an empty packet', () => {
    expect(chain.length).toBe(payload.length + 12);
    expect([chain[3], chain[borders[0]! + 3], chain[borders[1]! + 3]]).toEqual([254, 255, 0]);
    expect(full.length).toBe(0xffffff + 8);
    expect(full.subarray(-4)).toEqual(Buffer.from([0, 0, 0, 2]));
    expect(digests(messages([full]))).toEqual(
      digests([{ type: 0xfe, sequence: 1, lastSequence: 2, chained: true, bytes: full }]),
    );
  });

  test.each([
    ['held', Infinity],
    ['streamed', 0],
  ])('a cut near any border gives one message: %s', (_, large) => {
    const short = Buffer.concat([full, after]);
    const both = digests([
      { type: 0xfe, sequence: 1, lastSequence: 2, chained: true, bytes: full },
      ...plain([after]),
    ]);
    for (let at = borders[0]! - 1; at <= borders[0]! + 5; at += 1)
      expect(digests(messages(cut(short, [at, at + 1]), large))).toEqual(both);
    expect(digests(messages(cut(bytes, borders), large))).toEqual(whole);
    expect(digests(messages(cut(bytes, [2, bytes.length - 5]), large))).toEqual(whole);
  });

  test('always announced by Head, also when it is all here', () => {
    const framer = new Framer(1e9);
    framer.push(bytes);
    expect(framer.next()).toBe(Head);
    expect([framer.type, framer.chained, framer.length]).toEqual([0xfe, true, 0xffffff + 4]);
  });

  test('a piece never crosses a packet border', () => {
    const framer = new Framer(1e9);
    framer.push(bytes);
    framer.next();
    framer.stream();
    const starts: number[] = [];
    for (let step = framer.next(); step === Piece; step = framer.next()) {
      expect(framer.opens).toBe(true);
      starts.push(framer.start);
    }
    expect(starts).toEqual([0, ...borders]);
  });

  test('joined() gives the payload', () => {
    expect(joined(bytes, 0, chain.length).equals(payload)).toBe(true);
    expect(joined(full, 0, full.length).length).toBe(0xffffff);
    expect(joined(stream, 0, conversation[0]!.length)).toEqual(Buffer.from('\x03BEGIN'));
    expect(() => joined(stream, 0, stream.length)).toThrow(ProtocolViolation);
    expect(() => joined(chain, 0, borders[0]!)).toThrow(ProtocolViolation);
    expect(() => joined(chain, 0, borders[0]! - 1)).toThrow(ProtocolViolation);
  });

  test('the limit counts the whole chain', () => {
    expect(() => messages([bytes], 0, 20_000_000)).toThrow(/over the limit/);
    expect(() => messages([bytes], Infinity, 20_000_000)).toThrow(/over the limit/);
    expect(messages([bytes], 0, chain.length).length).toBe(2);
  });
});

describe('limits', () => {
  test('the limit itself is allowed; over it ends the connection, with the header in one chunk or two', () => {
    const at = writePacket(0, Buffer.alloc(996));
    const over = writePacket(0, Buffer.alloc(997));
    expect(messages([at], Infinity, 1000)).toHaveLength(1);
    expect(() => messages([over], Infinity, 1000)).toThrow(ProtocolViolation);
    expect(() => messages(cut(over.subarray(0, 5), [2]), Infinity, 1000)).toThrow(/over the limit of 1000/);
  });

  test('an announced length takes no memory before the bytes are there', () => {
    const framer = new Framer(0x40000000);
    framer.push(Buffer.from([0xfe, 0xff, 0xff, 0, 3]));
    framer.next();
    framer.hold();
    expect(framer.next()).toBe(None);
    expect(framer.pending).toBe(5);
    expect(framer.rest().buffer.byteLength).toBeLessThan(100_000);
  });
});

describe('rest', () => {
  test('takes out exactly the bytes that were not given out, at any cut and whatever was decided', () => {
    for (const large of [0, Infinity]) {
      for (let at = 0; at <= stream.length; at += 1) {
        const framer = new Framer(1000);
        framer.push(Buffer.from(stream.subarray(0, at)));
        const out: Buffer[] = [];
        for (let step = framer.next(); step !== None; step = framer.next()) {
          if (step !== Head) out.push(Buffer.from(framer.buf.subarray(framer.start, framer.end)));
          else if (large === 0) framer.stream();
          else framer.hold();
        }
        framer.push(stream.subarray(at));
        out.push(framer.rest());
        expect(Buffer.concat(out)).toEqual(stream);
        expect(framer.pending).toBe(0);
      }
    }
  });

  test('in the middle of a chain, with the next header cut', () => {
    const chain = writePacket(0, Buffer.alloc(0x1000005, 1));
    for (const large of [0, Infinity]) {
      const framer = new Framer(1e9);
      const out: Buffer[] = [];
      framer.push(chain.subarray(0, 0xffffff + 4 + 2));
      for (let step = framer.next(); step !== None; step = framer.next()) {
        if (step !== Head) out.push(Buffer.from(framer.buf.subarray(framer.start, framer.end)));
        else if (large === 0) framer.stream();
        else framer.hold();
      }
      framer.push(chain.subarray(0xffffff + 6));
      out.push(framer.rest());
      expect(Buffer.concat(out).equals(chain)).toBe(true);
    }
  });
});

describe('misuse is an error, not lost bytes', () => {
  test('push on an unread chunk', () => {
    const framer = new Framer(1000);
    framer.push(stream);
    framer.next();
    expect(() => framer.push(stream)).toThrow(/not used up/);
  });
  test('next without a decision, a decision without Head', () => {
    const framer = new Framer(1000);
    expect(() => framer.hold()).toThrow(/without Head/);
    framer.push(stream.subarray(0, 6));
    framer.next();
    expect(() => framer.next()).toThrow(/hold\(\) or stream\(\)/);
  });
});

test('random bytes end in a violation or in messages, and every byte is accounted for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
      fc.boolean(),
      (chunks, hold) => {
        const framer = new Framer(500);
        let out = 0;
        let pushed = 0;
        try {
          for (const chunk of chunks) {
            framer.push(Buffer.from(chunk));
            pushed += chunk.length;
            for (let step = framer.next(); step !== None; step = framer.next()) {
              if (step !== Head) out += framer.end - framer.start;
              else if (hold) framer.hold();
              else framer.stream();
            }
          }
          expect(out + framer.pending).toBe(pushed);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      },
    ),
  );
});

describe('sequence ids', () => {
  test('a header is made anew, the packet stays', () => {
    const before = Buffer.from(stream);
    expect(sequencedHeader(stream, 0, 5)).toEqual(Buffer.from([6, 0, 0, 5]));
    expect(stream).toEqual(before);
  });
  test('a run is numbered in place, over 255 too', () => {
    const run = Buffer.concat([conversation[0]!, conversation[1]!, conversation[2]!]);
    expect(resequence(run, 254)).toBe(1);
    expect(messages([run]).map((one) => one.sequence)).toEqual([254, 255, 0]);
    expect(() => resequence(run.subarray(0, 7), 0)).toThrow(ProtocolViolation);
  });
});
