import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { capability as c } from '../../../../src/wire/mysql/capabilities.ts';
import * as read from '../../../../src/wire/mysql/client-commands.ts';
import { command } from '../../../../src/wire/mysql/commands.ts';
import {
  executeFlag,
  readExecute,
  withStatementId,
  writeExecute,
  type Execute,
  type ExecuteContext,
  type ParameterType,
} from '../../../../src/wire/mysql/execute.ts';
import { textOfBinary, type } from '../../../../src/wire/mysql/types.ts';
import { ProtocolViolation } from '../../../../src/wire/violation.ts';
import * as write from '../../../../src/wire/mysql/writers.ts';
import * as mysql2 from './mysql2.ts';
import { recordings } from './recordings.ts';
import { inside } from './support.ts';
import { bytesOf, capabilitiesOf } from './transcript.ts';

const plain = 0;
const attributes = c.queryAttributes;
const queryWith = (flags: number) => (buf: Buffer, start: number, end: number) =>
  read.readQuery(buf, start, end, flags);
const executeWith = (context: ExecuteContext) => (buf: Buffer, start: number, end: number) =>
  readExecute(buf, start, end, context);
const packet = (payload: string): Buffer => write.writePacket(0, Buffer.from(payload, 'latin1'));

describe('COM_QUERY', () => {
  test('as written, and the same bytes as mysql2', () => {
    for (const flags of [plain, attributes]) {
      const bytes = write.writeQuery('select \xe4', flags);
      expect(inside(bytes, queryWith(flags)).text).toEqual(Buffer.from('select \xe4', 'latin1'));
      expect(write.writeQuery('select 1', flags)).toEqual(
        mysql2.bytesOf(new mysql2.Query('select 1', 45, undefined, flags)),
      );
    }
  });
  test('an empty text', () => expect(inside(packet('\x03'), queryWith(plain)).text).toHaveLength(0));
  test('query attributes of every type are skipped and kept as they are', () => {
    const values = { a: 'text', b: 1.5, c: null, d: true, e: Buffer.from('x'.repeat(300)), f: new Date(0) };
    const bytes = mysql2.bytesOf(new mysql2.Query('SELECT 1 -- x', 45, values, attributes));
    const query = inside(bytes, queryWith(attributes));
    expect(query.text.toString()).toBe('SELECT 1 -- x');
    expect(write.writeQuery('SELECT 1 -- x', attributes, query.attributes)).toEqual(bytes);
  });
  test('nine attributes need two bytes of NULL bits', () => {
    const values = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [`n${index}`, index === 8 ? null : 'v']),
    );
    const bytes = mysql2.bytesOf(new mysql2.Query('DO 0', 45, values, attributes));
    expect(inside(bytes, queryWith(attributes)).text.toString()).toBe('DO 0');
  });
  test.each([
    ['two sets', '\x03\0\x02select'],
    ['no count', '\x03'],
    ['attributes without types', '\x03\x01\x01\0\0select'],
    ['a count over its bytes', '\x03\xfc\xff\xff\x01'],
    ['a value that leaves the packet', '\x03\x01\x01\0\x01\xfd\0\x01a\x20select'],
  ])('malformed attributes: %s', (_, payload) => {
    expect(() => inside(packet(payload), queryWith(attributes))).toThrow(ProtocolViolation);
  });
});

describe('other commands', () => {
  test('COM_STMT_PREPARE, the same bytes as mysql2', () => {
    const bytes = write.writePrepare('select ?');
    expect(inside(bytes, read.readPrepare).toString()).toBe('select ?');
    expect(bytes).toEqual(mysql2.bytesOf(new mysql2.PrepareStatement('select ?', 45)));
  });
  test('COM_STMT_CLOSE and RESET', () => {
    expect(inside(write.writeStatementClose(0xfffffffe), read.readStatementId)).toBe(0xfffffffe);
    expect(inside(write.writeStatementReset(3), read.readStatementId)).toBe(3);
    expect(write.writeStatementClose(7)).toEqual(mysql2.bytesOf(new mysql2.CloseStatement(7)));
  });
  test('COM_STMT_SEND_LONG_DATA, FETCH, INIT_DB, SET_OPTION', () => {
    expect(inside(packet('\x18\x09\0\0\0\x01\x01data'), read.readLongData)).toEqual({
      statementId: 9,
      parameter: 257,
    });
    expect(inside(packet('\x1c\x09\0\0\0\x05\0\0\0'), read.readFetch)).toEqual({ statementId: 9, rows: 5 });
    expect(inside(packet('\x02shop'), read.readInitDb)).toBe('shop');
    expect(inside(packet('\x1b\0\0'), read.readSetOption)).toBe('on');
    expect(inside(packet('\x1b\x01\0'), read.readSetOption)).toBe('off');
    expect(inside(packet('\x1b\x02\0'), read.readSetOption)).toBeUndefined();
  });
  test('another statement in the same packet', () => {
    const bytes = write.writeStatementReset(3);
    expect(inside(bytes, (buf, start, end) => withStatementId(buf, start, end, 0x01020304))).toEqual(
      write.writeStatementReset(0x01020304),
    );
  });
  test.each([
    ['a statement id cut short', '\x19\x01\0', read.readStatementId],
    ['long data without parameter', '\x18\x01\0\0\0\x01', read.readLongData],
    ['fetch without rows', '\x1c\x01\0\0\0', read.readFetch],
    ['an option of one byte', '\x1b\0', read.readSetOption],
    ['no command at all', '', read.readPrepare],
  ])('%s', (_, payload, reader: (buf: Buffer, start: number, end: number) => unknown) => {
    expect(() => inside(packet(payload), reader)).toThrow(ProtocolViolation);
  });
});

const integer: ParameterType = { type: type.longlong, unsigned: false, name: '' };
const text: ParameterType = { type: type.varString, unsigned: false, name: '' };

describe('COM_STMT_EXECUTE', () => {
  test("mysql2's values are read", () => {
    for (const flags of [plain, attributes]) {
      const values = ['text', 1.5, null, Buffer.from('blob'), true];
      const bytes = mysql2.bytesOf(new mysql2.Execute(77, values, 45, 'local', undefined, flags));
      const execute = inside(bytes, executeWith({ flags, parameters: 5 }));
      expect(execute).toMatchObject({ statementId: 77, typesSent: true });
      expect(execute.types.map((one) => one.type)).toEqual([
        type.varString,
        type.double,
        type.null,
        type.blob,
        type.tiny,
      ]);
      const double = Buffer.alloc(8);
      double.writeDoubleLE(1.5);
      expect(execute.values).toEqual([
        Buffer.from('text'),
        double,
        null,
        Buffer.from('blob'),
        Buffer.from([1]),
      ]);
      expect(execute.flags).toBe(flags === plain ? 0 : executeFlag.parameterCount);
    }
  });
  test('query attributes come behind the parameters, with their names', () => {
    const bytes = mysql2.bytesOf(new mysql2.Execute(1, ['p'], 45, 'local', { trace: 'abc' }, attributes));
    const execute = inside(bytes, executeWith({ flags: attributes, parameters: 1 }));
    expect(execute.types.map(({ name }) => name)).toEqual(['', 'trace']);
    expect(execute.values).toEqual([Buffer.from('p'), Buffer.from('abc')]);
    expect(writeExecute(attributes, execute)).toEqual(bytes);
  });
  test('types are remembered from an earlier execution', () => {
    const first = writeExecute(plain, {
      statementId: 1,
      flags: 0,
      types: [text, integer],
      values: [Buffer.from('a'), null],
    });
    const { types } = inside(first, executeWith({ flags: plain, parameters: 2 }));
    const later = packet('\x17\x01\0\0\0\0\x01\0\0\0\0\0\x01b\x05\0\0\0\0\0\0\0');
    const execute = inside(later, executeWith({ flags: plain, parameters: 2, types }));
    expect(execute).toMatchObject({ typesSent: false, types });
    expect(execute.values.map((value, at) => textOfBinary(types[at]!.type, false, value!))).toEqual([
      'b',
      '5',
    ]);
    expect(() => inside(later, executeWith({ flags: plain, parameters: 2 }))).toThrow(/without types/);
    expect(() => inside(later, executeWith({ flags: plain, parameters: 2, types: [text] }))).toThrow(
      /without types/,
    );
  });
  test('long data is not in the packet', () => {
    const bytes = packet('\x17\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0\xfd\0\x01b');
    const context = { flags: plain, parameters: 2, longData: new Set([0]) };
    const execute = inside(bytes, executeWith(context));
    expect(execute.values).toEqual([undefined, Buffer.from('b')]);
    expect(() => writeExecute(plain, execute)).toThrow(RangeError);
  });
  test('unsigned is a bit of the type', () => {
    const types = [{ ...integer, unsigned: true }];
    const value = Buffer.alloc(8, 0xff);
    const bytes = writeExecute(plain, { statementId: 1, flags: 0, types, values: [value] });
    const execute = inside(bytes, executeWith({ flags: plain, parameters: 1 }));
    expect(textOfBinary(type.longlong, execute.types[0]!.unsigned, execute.values[0]!)).toBe(
      '18446744073709551615',
    );
  });
  test('without parameters', () => {
    const bytes = packet('\x17\x01\0\0\0\x01\x01\0\0\0');
    expect(inside(bytes, executeWith({ flags: plain, parameters: 0 }))).toMatchObject({
      flags: 1,
      types: [],
      values: [],
    });
    const counted = mysql2.bytesOf(new mysql2.Execute(1, [], 45, 'local', undefined, attributes));
    expect(inside(counted, executeWith({ flags: attributes, parameters: 0 }))).toMatchObject({ values: [] });
    expect(writeExecute(attributes, { statementId: 1, flags: 0, types: [], values: [] })).toEqual(counted);
  });
  test.each([
    ['another command', '\x16\x01\0\0\0\0\x01\0\0\0', 0],
    ['no NULL bits', '\x17\x01\0\0\0\0\x01\0\0\0', 1],
    ['types cut short', '\x17\x01\0\0\0\0\x01\0\0\0\0\x01\xfd', 1],
    ['a value cut short', '\x17\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0\x05ab', 1],
    ['bytes left over', '\x17\x01\0\0\0\0\x01\0\0\0\0\x01\xfd\0\x01ab', 1],
    ['a type that is not known', '\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x77\0a', 1],
    ['no iteration count', '\x17\x01\0\0\0\0\x01', 0],
  ])('malformed: %s', (_, payload, parameters) => {
    expect(() => inside(packet(payload), executeWith({ flags: plain, parameters }))).toThrow(
      ProtocolViolation,
    );
  });
  test('fewer parameters than the statement has', () => {
    const bytes = packet('\x17\x01\0\0\0\x08\x01\0\0\0\x01\0\x01\xfd\0\0\x01a');
    expect(inside(bytes, executeWith({ flags: attributes, parameters: 1 })).values).toEqual([
      Buffer.from('a'),
    ]);
    expect(() => inside(bytes, executeWith({ flags: attributes, parameters: 2 }))).toThrow(ProtocolViolation);
  });

  test('any values are read as written', () => {
    const sizes: Record<number, number> = {
      [type.tiny]: 1,
      [type.short]: 2,
      [type.long]: 4,
      [type.longlong]: 8,
      [type.double]: 8,
    };
    const one = fc
      .constantFrom(
        type.tiny,
        type.short,
        type.long,
        type.longlong,
        type.double,
        type.varString,
        type.datetime,
        type.newdecimal,
      )
      .chain((code) => {
        const size = sizes[code];
        const bytes = fc.uint8Array(
          size === undefined
            ? { maxLength: code === type.datetime ? 11 : 300 }
            : { minLength: size, maxLength: size },
        );
        return fc.tuple(
          fc.record({ type: fc.constant(code), unsigned: fc.boolean(), name: fc.constant('') }),
          fc.option(
            bytes.map((value) => Buffer.from(value)),
            { nil: null },
          ),
        );
      });
    fc.assert(
      fc.property(
        fc.array(one, { maxLength: 20 }),
        fc.constantFrom(plain, attributes),
        fc.nat(0xffffffff),
        (list, flags, id) => {
          const written = {
            statementId: id,
            flags: 0,
            types: list.map(([of]) => of),
            values: list.map(([, value]) => value),
          };
          const execute = inside(
            writeExecute(flags, written),
            executeWith({ flags, parameters: list.length }),
          );
          expect(execute).toEqual({
            ...written,
            flags: flags === plain ? 0 : executeFlag.parameterCount,
            typesSent: list.length > 0,
          });
        },
      ),
    );
  });
});

test.each(recordings)('$engine with $set: what was executed', (from) => {
  const { flags } = capabilitiesOf(from);
  const client = (name: string): Buffer => bytesOf(from, name, 'client');
  const first = inside(client('execute'), executeWith({ flags, parameters: 2 }));
  const shown = (execute: Execute): unknown[] =>
    execute.values.map((value, at) =>
      value === null || value === undefined ? value : textOfBinary(execute.types[at]!.type, false, value),
    );
  expect(shown(first)).toEqual(['0', 'zz']);
  const later = inside(
    client('execute without types'),
    executeWith({ flags, parameters: 2, types: first.types }),
  );
  expect(shown(later)).toEqual(['1', 'y']);
  expect(later.statementId).toBe(first.statementId);
  expect(shown(inside(client('execute null'), executeWith({ flags, parameters: 2 })))).toEqual([null, null]);
  expect(
    inside(client('execute with cursor'), executeWith({ flags, parameters: 2 })).flags & executeFlag.cursor,
  ).toBe(1);
  const long = inside(
    client('execute long data'),
    executeWith({ flags, parameters: 1, longData: new Set([0]) }),
  );
  expect(long.values).toEqual([undefined]);
  if (from.engine.startsWith('mariadb'))
    expect(inside(client('pipelined again'), read.readStatementId)).toBe(read.lastPrepared);
});

test('a changed byte gives a result or a violation, nothing else', () => {
  const samples = [
    write.writeQuery('select 1', attributes),
    mysql2.bytesOf(new mysql2.Query('DO 0', 45, { a: 'b', c: null }, attributes)),
    mysql2.bytesOf(new mysql2.Execute(1, ['a', 1, null], 45, 'local', { n: 1 }, attributes)),
    mysql2.bytesOf(new mysql2.Execute(1, ['a', 1, null], 45, 'local', undefined, plain)),
    write.writeCommand(command.stmtFetch, Buffer.alloc(8)),
  ];
  const readers: ((buf: Buffer, start: number, end: number) => unknown)[] = [
    queryWith(attributes),
    queryWith(plain),
    executeWith({ flags: attributes, parameters: 3 }),
    executeWith({ flags: plain, parameters: 3, types: [text, text, text] }),
    read.readFetch,
    read.readLongData,
    read.readSetOption,
    read.readStatementId,
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.constantFrom(...readers),
      fc.nat(),
      fc.nat(255),
      (sample, reader, at, byte) => {
        const bytes = Buffer.from(sample);
        bytes[4 + (at % (bytes.length - 4))] = byte;
        try {
          inside(bytes, reader);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

describe('packets', () => {
  test('a length that disagrees with the frame is refused', () => {
    const bytes = write.writePrepare('select 1');
    bytes[0] = 3;
    expect(() => inside(bytes, read.readPrepare)).toThrow(ProtocolViolation);
    expect(() => read.readPrepare(bytes, 0, 3)).toThrow(ProtocolViolation);
  });
  test('a chain has to be joined before it is read', () => {
    const bytes = write.writePrepare(Buffer.alloc(0xffffff, 0x20));
    expect(() => read.readPrepare(bytes, 0, bytes.length)).toThrow(ProtocolViolation);
    expect(() => read.readPrepare(bytes, 0, 0xffffff + 4)).toThrow(ProtocolViolation);
  });
});
