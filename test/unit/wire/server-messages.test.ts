import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as read from '../../../src/wire/postgres/server-messages.ts';
import { ProtocolViolation } from '../../../src/wire/violation.ts';
import * as write from '../../../src/wire/postgres/writers.ts';
import { server } from '../../../src/wire/postgres/codes.ts';
import { message } from './support.ts';

function inside<T>(bytes: Buffer, reader: (buf: Buffer, start: number, end: number) => T): T {
  const around = Buffer.concat([Buffer.from('....'), bytes, Buffer.from('1234\0')]);
  return reader(around, 4, 4 + bytes.length);
}

const rowDescription = message(
  'T',
  '\0\x02id\0\0\x01\x86\xa0\0\x01\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0?column?\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\x01',
);
const dataRow = message('D', '\0\x02\0\0\0\x0242\xff\xff\xff\xff');

describe('results', () => {
  test('RowDescription', () => {
    expect(inside(rowDescription, read.readRowDescription)).toEqual([
      { name: 'id', tableId: 100000, attribute: 1, type: 23, format: 0 },
      { name: '?column?', tableId: 0, attribute: 0, type: 25, format: 1 },
    ]);
    expect(inside(rowDescription, read.readFieldCount)).toBe(2);
    const first = inside(rowDescription, (buf, start, end) => read.readRowDescription(buf, start, end, 1));
    expect(first.map(({ name }) => name)).toEqual(['id']);
  });
  test('a table OID over 2^31 stays positive', () => {
    const bytes = Buffer.from(rowDescription);
    bytes.writeUInt32BE(0xfffffff0, 10);
    expect(inside(bytes, read.readRowDescription)[0]?.tableId).toBe(0xfffffff0);
  });
  test('first value', () => {
    expect(inside(dataRow, read.readFirstValue)).toBe('42');
    expect(inside(message('D', '\0\x01\xff\xff\xff\xff'), read.readFirstValue)).toBeNull();
    expect(inside(message('D', '\0\x01\0\0\0\0'), read.readFirstValue)).toBe('');
    expect(inside(message('D', '\0\x01\0\0\0\x01\xe9'), read.readFirstValue)).toBe('\xe9');
  });
  test.each(['\0\0', '\0', '\0\x01', '\0\x01\0\0\0\x05abc', '\0\x01\xff\xff\xff\xfe'])(
    'a broken row is refused: %j',
    (body) => {
      expect(() => inside(message('D', body), read.readFirstValue)).toThrow(ProtocolViolation);
    },
  );
  test('CommandComplete, ReadyForQuery, ParameterStatus', () => {
    expect(inside(write.writeCommandComplete('DELETE 3'), read.readCommandComplete)).toBe('DELETE 3');
    expect(inside(write.writeReadyForQuery('E'), read.readReadyStatus)).toBe('E');
    expect(inside(message('S', 'client_encoding\0UTF8\0'), read.readParameterStatus)).toEqual({
      name: 'client_encoding',
      value: 'UTF8',
    });
    expect(() => inside(message('Z', 'X'), read.readReadyStatus)).toThrow(ProtocolViolation);
    expect(() => inside(message('S', 'a\0b'), read.readParameterStatus)).toThrow(ProtocolViolation);
  });
});

describe('errors', () => {
  const fields = 'SFEHLER\0VERROR\0C23505\0Mdoppelt\0sshop\0tcart\0ncart_key\0';
  test('all fields; the untranslated severity wins', () => {
    expect(inside(message('E', `${fields}\0`), read.readError)).toEqual({
      severity: 'ERROR',
      code: '23505',
      message: 'doppelt',
      schema: 'shop',
      table: 'cart',
      constraint: 'cart_key',
    });
  });
  test('before 9.6 there is only the translated one', () => {
    expect(inside(message('E', 'SFEHLER\0C23505\0\0'), read.readError).severity).toBe('FEHLER');
  });
  test('no SQLSTATE', () => expect(inside(message('E', 'SERROR\0Mx\0\0'), read.readError).code).toBe(''));
  test('nothing at all', () =>
    expect(inside(message('E'), read.readError)).toEqual({ severity: '', code: '', message: '' }));
  test('a missing terminator does not reach into the next message', () => {
    expect(inside(message('E', 'SERROR\0Mcut'), read.readError).message).toBe('cut');
  });
  test('what we write is read, with the hint', () => {
    const bytes = write.writeError({
      severity: 'FATAL',
      code: '53300',
      message: 'too many',
      hint: 'raise it',
    });
    expect(inside(bytes, read.readError)).toEqual({ severity: 'FATAL', code: '53300', message: 'too many' });
    expect(bytes.toString('latin1')).toContain('Hraise it\0\0');
  });
});

test('a changed byte gives a result or a violation; an error is always read', () => {
  const samples = [
    rowDescription,
    dataRow,
    write.writeCommandComplete('SELECT 1'),
    message('E', 'SERROR\0C1\0\0'),
    message('Z', 'I'),
  ];
  const readers = [
    read.readRowDescription,
    read.readFirstValue,
    read.readFieldCount,
    read.readCommandComplete,
    read.readReadyStatus,
    read.readParameterStatus,
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
        inside(bytes, read.readError);
        try {
          inside(bytes, reader as typeof read.readFieldCount);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('bare messages', () => expect(write.writeBare(server.parseComplete)).toEqual(message('1')));
