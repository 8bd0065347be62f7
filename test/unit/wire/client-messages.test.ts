import fc from 'fast-check';
import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import * as read from '../../../src/wire/postgres/client-messages.ts';
import { ProtocolViolation } from '../../../src/wire/violation.ts';
import * as write from '../../../src/wire/postgres/writers.ts';
import { message } from './support.ts';

/** Reads a message that lies between other bytes, so that a read over its borders shows. */
function inside<T>(bytes: Buffer, reader: (buf: Buffer, start: number, end: number) => T): T {
  const around = Buffer.concat([Buffer.from('....'), bytes, Buffer.from('\0\0\0\0')]);
  return reader(around, 4, 4 + bytes.length);
}

const readQuery = (buf: Buffer, start: number, end: number): Buffer =>
  buf.subarray(read.readQuery(buf, start, end), end - 1);

const name = fc.string({ unit: 'binary-ascii', maxLength: 12 }).map((text) => text.replaceAll('\0', ''));
const value = fc.option(
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  { nil: null },
);

describe('what was written is read', () => {
  test('Query', () => {
    expect(inside(write.writeQuery('select \xe4'), readQuery)).toEqual(Buffer.from('select \xe4', 'latin1'));
    expect(inside(message('Q', '\0'), readQuery)).toHaveLength(0);
  });
  test('Parse', () => {
    fc.assert(
      fc.property(name, name, fc.array(fc.nat(0xffffffff), { maxLength: 5 }), (statement, text, types) => {
        expect(inside(write.writeParse(statement, text, types), read.readParse)).toEqual({
          name: statement,
          text: Buffer.from(text),
          types,
        });
      }),
    );
  });
  test('Bind', () => {
    fc.assert(
      fc.property(
        name,
        name,
        fc.array(fc.tuple(value, fc.nat(1)), { maxLength: 6 }),
        fc.array(fc.nat(1), { maxLength: 4 }),
        (portal, statement, list, resultFormats) => {
          const values = list.map(([one]) => one);
          const formats = list.map(([, format]) => format);
          const bytes = write.writeBind(portal, statement, formats, values, resultFormats);
          expect(inside(bytes, read.readBind)).toEqual({ portal, statement, formats, values, resultFormats });
        },
      ),
    );
  });
  test('Describe, Close, Execute', () => {
    expect(inside(write.writeDescribe('S', 'st'), read.readDescribe)).toEqual({ target: 'S', name: 'st' });
    expect(inside(write.writeClose('P', ''), read.readClose)).toEqual({ target: 'P', name: '' });
    expect(inside(write.writeExecute('c\xe9', 50), read.readExecute)).toEqual({
      portal: 'c\xe9',
      maxRows: 50,
    });
  });
});

describe('short forms of Bind', () => {
  const bind = (formats: number[], values: (Buffer | null)[]) =>
    inside(write.writeBind('', '', formats, values, []), read.readBind).formats;
  const one = Buffer.from('1');
  test('no format means text', () => expect(bind([], [one, null])).toEqual([0, 0]));
  test('one format is for all', () => expect(bind([1], [one, null, one])).toEqual([1, 1, 1]));
  test('one format without values', () => expect(bind([1], [])).toEqual([]));
  test('another number is refused', () =>
    expect(() => bind([1, 0], [one, null, one])).toThrow(ProtocolViolation));
  test('an unknown format is refused', () => expect(() => bind([2], [one])).toThrow(ProtocolViolation));
});

test('more than 32767 values are read', () => {
  const values = Array.from({ length: 65535 }, () => Buffer.from('7'));
  expect(inside(write.writeBind('', '', [], values, []), read.readBind).values).toHaveLength(65535);
  expect(() => write.writeBind('', '', [], [...values, null], [])).toThrow(RangeError);
});

describe('malformed messages are refused', () => {
  const cases: [string, Buffer, (buf: Buffer, start: number, end: number) => unknown][] = [
    ['Query without terminator', message('Q', 'select 1'), readQuery],
    ['Query without body', message('Q'), readQuery],
    ['Query with bytes behind the NUL', message('Q', 'select 1\0x'), readQuery],
    ['Parse with a count over its bytes', message('P', '\0\0\xff\xff'), read.readParse],
    ['Parse with bytes left over', message('P', '\0\0\0\0x'), read.readParse],
    ['Bind value of length -2', message('B', '\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0'), read.readBind],
    ['Bind value longer than the message', message('B', '\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0'), read.readBind],
    ['Bind without result formats', message('B', '\0\0\0\0\0\0'), read.readBind],
    ['Describe of X', message('D', 'X\0'), read.readDescribe],
    ['Close without name', message('C', 'S'), read.readClose],
    ['Execute without maxRows', message('E', '\0'), read.readExecute],
  ];
  test.each(cases)('%s', (_, bytes, reader) => {
    expect(() => inside(bytes, reader)).toThrow(ProtocolViolation);
  });
  test('a length that disagrees with the frame', () => {
    const bytes = message('Q', 'x\0');
    bytes.writeInt32BE(7, 1);
    expect(() => inside(bytes, readQuery)).toThrow(ProtocolViolation);
  });
});

test('a changed byte gives a result or a violation, nothing else', () => {
  const samples = [
    write.writeQuery('select 1'),
    write.writeParse('st', 'select $1', [23, 25]),
    write.writeBind('p', 'st', [0, 1], [Buffer.from('abc'), null], [1]),
    write.writeExecute('p', 3),
    write.writeClose('S', 'st'),
  ];
  const readers = [
    readQuery,
    read.readParse,
    read.readBind,
    read.readDescribe,
    read.readClose,
    read.readExecute,
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.constantFrom(...readers),
      fc.nat(),
      fc.nat(255),
      (sample, reader, at, byte) => {
        const bytes = Buffer.from(sample);
        bytes[at % bytes.length] = byte;
        try {
          inside(bytes, reader as typeof readQuery);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

describe('the same bytes as pg-protocol, where it can build them', () => {
  test.each([
    ['query', write.writeQuery('select 1'), serialize.query('select 1')],
    [
      'parse',
      write.writeParse('s', 'select $1', [23]),
      serialize.parse({ name: 's', text: 'select $1', types: [23] }),
    ],
    [
      'bind',
      write.writeBind('p', 's', [0, 1, 0], [Buffer.from('a'), Buffer.from('b'), null], [1]),
      serialize.bind({ portal: 'p', statement: 's', values: ['a', Buffer.from('b'), null], binary: true }),
    ],
    ['describe', write.writeDescribe('P', 'p'), serialize.describe({ type: 'P', name: 'p' })],
    ['close', write.writeClose('S', 's'), serialize.close({ type: 'S', name: 's' })],
    ['execute', write.writeExecute('p', 9), serialize.execute({ portal: 'p', rows: 9 })],
  ])('%s', (_, ours, theirs) => expect(ours).toEqual(theirs));
});

test('a text with a NUL is never written', () => {
  expect(() => write.writeQuery('select 1\0; drop table t')).toThrow(RangeError);
  expect(() => write.writeParse('a\0b', 'select 1', [])).toThrow(RangeError);
});
