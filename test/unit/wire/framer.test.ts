import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Framer, Head, Message, None, Piece } from '../../../src/wire/postgres/framer.ts';
import { ProtocolViolation } from '../../../src/wire/violation.ts';
import { cut, frames, message } from './support.ts';

const conversation = [
  message('Q', 'BEGIN\0'),
  message('S'),
  message('d', 'x'.repeat(40)),
  message('H'),
  message('Q', '\0'),
];
const stream = Buffer.concat(conversation);
const expected = conversation.map((bytes) => ({
  type: String.fromCharCode(bytes[0] ?? 0),
  bytes: bytes.toString('latin1'),
}));

const body = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const messages = fc.array(
  fc
    .tuple(fc.constantFrom('Q', 'P', 'B', 'D', 'E', 'S', 'd'), body)
    .map(([type, bytes]) => message(type, bytes)),
  { maxLength: 12 },
);

describe('chunk borders', () => {
  test.each([
    ['held', Infinity],
    ['streamed', 0],
    ['large ones streamed', 30],
  ])('a cut at any byte gives the same messages: %s', (_, large) => {
    for (let at = 0; at <= stream.length; at += 1) expect(frames(cut(stream, [at]), large)).toEqual(expected);
  });

  test('two cuts anywhere give the same messages', () => {
    for (let a = 0; a <= stream.length; a += 1) {
      for (let b = a; b <= stream.length; b += 1) expect(frames(cut(stream, [a, b]), 30)).toEqual(expected);
    }
  });

  test('byte by byte', () => {
    const bytes = [...stream].map((byte) => Buffer.from([byte]));
    expect(frames(bytes)).toEqual(expected);
    expect(frames(bytes, 0)).toEqual(expected);
  });

  test('any messages, any cuts, any threshold', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat(), { maxLength: 20 }), fc.nat(80), (list, places, large) => {
        const seen = frames(cut(Buffer.concat(list), places), large);
        expect(seen.map((one) => one.bytes)).toEqual(list.map((bytes) => bytes.toString('latin1')));
      }),
    );
  });
});

describe('one chunk', () => {
  test('whole messages lie side by side in the chunk itself', () => {
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

  test('Head is given only when the body is incomplete', () => {
    const framer = new Framer(1000);
    framer.push(message('Q', 'abc\0').subarray(0, 7));
    expect(framer.next()).toBe(Head);
    expect([framer.type, framer.length]).toEqual([0x51, 9]);
  });

  test('a streamed piece starts with the header and borrows the chunk', () => {
    const framer = new Framer(1000);
    const chunk = message('Q', 'abc\0').subarray(0, 7);
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

describe('limits', () => {
  const announce = (length: number): Buffer => {
    const header = Buffer.from('Q\0\0\0\0');
    header.writeInt32BE(length, 1);
    return header;
  };
  test.each([0, 3, -1, -2147483648, 1000, 2147483647])(
    'length %i ends the connection, with the header in one chunk or two',
    (length) => {
      expect(() => frames([announce(length)], Infinity, 1000)).toThrow(ProtocolViolation);
      expect(() => frames(cut(announce(length), [2]), Infinity, 1000)).toThrow(ProtocolViolation);
    },
  );

  test('the limit itself is allowed', () => {
    expect(frames([message('Q', 'x'.repeat(995))], Infinity, 1000)).toHaveLength(1);
    expect(() => frames([message('Q', 'x'.repeat(996))], Infinity, 1000)).toThrow(/over the limit of 1000/);
  });

  test('an announced length takes no memory before the bytes are there', () => {
    const framer = new Framer(0x40000000);
    framer.push(announce(0x30000000));
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

  test('also between Head and the decision', () => {
    for (const at of [6, 7]) {
      for (const places of [[], [3]]) {
        const framer = new Framer(1000);
        for (const chunk of cut(stream.subarray(0, at), places)) {
          framer.push(chunk);
          framer.next();
        }
        expect(framer.rest()).toEqual(stream.subarray(0, at));
      }
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
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
      const bytes = chunks.map((chunk) => Buffer.from(chunk));
      const framer = new Framer(500);
      let out = 0;
      let pushed = 0;
      try {
        for (const chunk of bytes) {
          framer.push(chunk);
          pushed += chunk.length;
          for (let step = framer.next(); step !== None; step = framer.next()) {
            if (step === Head) framer.hold();
            else out += framer.end - framer.start;
          }
        }
        expect(out + framer.pending).toBe(pushed);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolViolation);
      }
    }),
  );
});
