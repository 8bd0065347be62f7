import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { capability as c, mariadbCapability as m } from '../../../../src/wire/mysql/capabilities.ts';
import { columnFlag, readColumnDefinition } from '../../../../src/wire/mysql/columns.ts';
import { Cursor } from '../../../../src/wire/mysql/cursor.ts';
import { lenenc, skipLenenc } from '../../../../src/wire/mysql/lenenc.ts';
import * as replies from '../../../../src/wire/mysql/replies.ts';
import { firstBinaryValue, firstTextValue } from '../../../../src/wire/mysql/rows.ts';
import * as read from '../../../../src/wire/mysql/server-packets.ts';
import { readStateChanges, stripRedirect } from '../../../../src/wire/mysql/session-track.ts';
import { status } from '../../../../src/wire/mysql/status.ts';
import { readBinaryValue, textOfBinary, type } from '../../../../src/wire/mysql/types.ts';
import { ProtocolViolation } from '../../../../src/wire/violation.ts';
import * as write from '../../../../src/wire/mysql/writers.ts';
import { ColumnDefinition, Packet, ResultSetHeader } from './mysql2.ts';
import { recording, recordings } from './recordings.ts';
import { inside } from './support.ts';
import { Listener, bytesOf, capabilitiesOf, shapesOf } from './transcript.ts';
import type { Recording } from './recording.ts';

/** Packets of one kind in the answer of a turn. */
function packetsOf(from: Recording, name: string, wanted: replies.Part): Buffer[] {
  const turn = from.turns.find((one) => one.name === name);
  if (turn === undefined) throw new Error(`no turn ${name}`);
  const listener = new Listener(capabilitiesOf(from));
  const found: Buffer[] = [];
  listener.onPacket = (part, buf, start, end) => {
    if (part === wanted) found.push(Buffer.from(buf.subarray(start, end)));
  };
  listener.expect(...shapesOf(turn));
  listener.hear([Buffer.from(turn.server, 'base64')]);
  return found;
}
const packet = (payload: string, sequence = 1): Buffer =>
  write.writePacket(sequence, Buffer.from(payload, 'latin1'));
const okWith =
  (flags: number) =>
  (buf: Buffer, start: number, end: number): read.OkPacket =>
    read.readOk(buf, start, end, flags);

describe('length-encoded integers', () => {
  test.each([0, 250, 251, 255, 0xffff, 0x10000, 0xffffff, 0x1000000, 2 ** 53 - 1])(
    '%i is read as written',
    (value) => {
      const bytes = lenenc(value);
      expect(skipLenenc(bytes, 0)).toBe(bytes.length);
      const cursor = (): Cursor => new Cursor(write.writePacket(0, bytes), 0, bytes.length + 4);
      expect(cursor().lenenc()).toBe(value);
      expect(cursor().lenencBig()).toBe(BigInt(value));
      const oracle = new Packet(0, Buffer.concat([Buffer.alloc(4), bytes]), 0, bytes.length + 4);
      oracle.offset = 4;
      expect(oracle.readLengthCodedNumber()).toBe(value);
    },
  );
  test('64 bits only where they are wanted', () => {
    const bytes = lenenc(2n ** 64n - 1n);
    const cursor = (): Cursor => new Cursor(write.writePacket(0, bytes), 0, bytes.length + 4);
    expect(cursor().lenencBig()).toBe(2n ** 64n - 1n);
    expect(() => cursor().lenenc()).toThrow(ProtocolViolation);
  });
  test.each(['\xfb', '\xff', '\xfc\x01', '\xfd\x01\x02', '\xfe\x01', ''])('%j is no length', (bytes) => {
    expect(() => new Cursor(packet(bytes), 0, bytes.length + 4).lenenc()).toThrow(ProtocolViolation);
  });
});

describe('OK, ERR, EOF', () => {
  test('OK as written, both headers', () => {
    const fields = {
      affectedRows: 70_000,
      insertId: 2n ** 63n,
      status: 0x4002,
      warnings: 3,
      info: 'Rows matched: 1',
    };
    for (const header of ['ok', 'eof'] as const) {
      const bytes = write.writeOk(1, fields, header);
      expect(inside(bytes, okWith(c.sessionTrack))).toEqual({ ...fields, stateChanges: Buffer.alloc(0) });
    }
    expect(inside(write.writeOk(1, { status: 2 }), okWith(0))).toMatchObject({
      affectedRows: 0,
      insertId: 0n,
      info: '',
    });
  });
  test('as mysql2 reads what real servers sent', () => {
    let compared = 0;
    for (const from of recordings) {
      const { flags } = capabilitiesOf(from);
      for (const { name } of from.turns.filter((turn) => turn.name.startsWith('query'))) {
        for (const bytes of packetsOf(from, name, replies.Ok)) {
          const ours = inside(bytes, okWith(flags));
          const theirs = new ResultSetHeader(
            Object.assign(new Packet(1, bytes, 0, bytes.length), { offset: 4 }),
            {
              config: {},
              serverEncoding: 'latin1',
              _handshakePacket: { capabilityFlags: flags | c.sessionTrack },
            },
          );
          expect(ours).toMatchObject({
            affectedRows: theirs.affectedRows,
            insertId: BigInt(theirs.insertId as number),
            status: theirs.serverStatus,
            warnings: theirs.warningStatus,
            info: theirs.info,
          });
          compared += 1;
        }
      }
    }
    expect(compared).toBeGreaterThan(100);
  });
  test('ERR with and without SQLSTATE, and cut', () => {
    const error = { errno: 1062, sqlstate: '23000', message: "Duplicate entry '1' for key 'PRIMARY'" };
    expect(inside(write.writeErr(1, error), read.readErr)).toEqual(error);
    const early = { errno: 1040, sqlstate: '', message: 'Too many connections' };
    expect(inside(write.writeErr(0, early), read.readErr)).toEqual(early);
    for (let length = 1; length < 10; length += 1) {
      const bytes = write.writePacket(1, write.writeErr(1, error).subarray(4, 4 + length));
      expect(inside(bytes, read.readErr).message).toBe(
        length > 3 && length < 9 ? '#2300'.slice(0, length - 3) : '',
      );
    }
  });
  test('duplicate keys as real servers name them', () => {
    const name = 'query INSERT INTO t (id) VALUES (1)';
    const message = (engine: string): string =>
      inside(packetsOf(recording(engine, 'plain'), name, replies.Err)[0]!, read.readErr).message;
    expect(message('mysql-9.7')).toBe("Duplicate entry '1' for key 't.PRIMARY'");
    expect(message('mariadb-11.8')).toBe("Duplicate entry '1' for key 'PRIMARY'");
  });
  test('EOF', () => {
    expect(inside(write.writeEof(5, 0x22, 7), read.readEof)).toEqual({ status: 0x22, warnings: 7 });
    expect(() => inside(write.writeOk(1, { status: 2 }), read.readEof)).toThrow(ProtocolViolation);
    expect(() => inside(packet('\xfe\0\0\0\0\0\0\0\0'), read.readEof)).toThrow(ProtocolViolation);
  });
  test('LOCAL INFILE', () => {
    expect(inside(packet('\xfbrows.txt'), read.readLocalInfile)).toBe('rows.txt');
    expect(() => inside(packet('\0rows'), read.readLocalInfile)).toThrow(ProtocolViolation);
  });
});

describe('session tracking', () => {
  const flags = c.sessionTrack;
  const variable = (name: string, value: string): Buffer => {
    const data = Buffer.from(
      `${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`,
    );
    return Buffer.concat([Buffer.from([0]), lenenc(data.length), data]);
  };
  const schema = Buffer.from('\x01\x05\x04shop');
  const other = Buffer.from('\x05\x09\x08T_______');
  const okChanged = (...changes: Buffer[]): Buffer => {
    const all = Buffer.concat(changes);
    const head = write.writeOk(7, {
      affectedRows: 300,
      insertId: 70_000,
      status: status.sessionStateChanged | 2,
      info: 'i',
    });
    return write.writePacket(7, Buffer.concat([head.subarray(4), lenenc(all.length), all]));
  };
  const strip = (bytes: Buffer): Buffer | undefined =>
    inside(bytes, (buf, start, end) => stripRedirect(buf, start, end, flags));

  test('variables and schema', () => {
    const { stateChanges } = inside(okChanged(variable('autocommit', 'OFF'), other, schema), okWith(flags));
    expect(readStateChanges(stateChanges)).toEqual([
      { kind: 'variable', name: 'autocommit', value: 'OFF' },
      { kind: 'schema', name: 'shop' },
    ]);
  });
  test('a real redirect_url is taken out, everything else stays', () => {
    const from = recording('mariadb-11.8', 'modern');
    const original = bytesOf(from, 'log-in, second answer', 'server');
    const before = inside(original, okWith(flags));
    const stripped = strip(original);
    expect(stripped).toBeDefined();
    const after = inside(stripped!, okWith(flags));
    expect({ ...after, stateChanges: undefined }).toEqual({ ...before, stateChanges: undefined });
    expect(readStateChanges(before.stateChanges)).toContainEqual({
      kind: 'variable',
      name: 'redirect_url',
      value: 'mysql://elsewhere:3306',
    });
    expect(readStateChanges(after.stateChanges)).toEqual(readStateChanges(before.stateChanges).slice(0, -1));
    expect(stripped!.includes('elsewhere')).toBe(false);
    expect(stripped![3]).toBe(original[3]);
  });
  test('alone in the packet: the flag goes too', () => {
    const stripped = strip(okChanged(variable('redirect_url', 'mysql://x')));
    expect(stripped).toEqual(write.writeOk(7, { affectedRows: 300, insertId: 70_000, status: 2, info: 'i' }));
  });
  test('among others, and several in one entry', () => {
    expect(strip(okChanged(schema, variable('redirect_url', 'mysql://x'), other))).toEqual(
      okChanged(schema, other),
    );
    const data = (...names: string[]): Buffer => {
      const entry = Buffer.concat(names.map((name) => variable(name, 'v').subarray(2)));
      return Buffer.concat([Buffer.from([0]), lenenc(entry.length), entry]);
    };
    expect(strip(okChanged(data('a', 'redirect_url', 'b')))).toEqual(okChanged(data('a', 'b')));
  });
  test.each([
    ['no change', write.writeOk(1, { status: 2, info: 'redirect_url' })],
    ['another variable', okChanged(variable('autocommit', 'ON'))],
    ['the name as a value', okChanged(variable('x', 'redirect_url'))],
    ['a longer name', okChanged(variable('my_redirect_url', 'x'))],
    ['the name in a schema', okChanged(Buffer.from('\x01\x0d\x0credirect_url'))],
  ])('left alone: %s', (_, bytes) => expect(strip(bytes)).toBeUndefined());
  test('left alone without session tracking', () => {
    const bytes = okChanged(variable('redirect_url', 'x'));
    expect(stripRedirect(bytes, 0, bytes.length, 0)).toBeUndefined();
  });
  test('lengths that leave their block', () => {
    for (const changes of ['\0\x05\x01a', '\0\x03\x05ab', '\x01\x01\x05', '\0'])
      expect(() => readStateChanges(Buffer.from(changes))).toThrow(ProtocolViolation);
  });
});

describe('column definitions', () => {
  const select = 'query SELECT id, name AS n, amount FROM t AS x ORDER BY id';
  test.each(recordings)('$engine with $set: as mysql2 reads them, with their origin', (from) => {
    const { mariadb } = capabilitiesOf(from);
    const extended = (mariadb & m.extendedMetadata) !== 0;
    const packets = [
      ...packetsOf(from, select, replies.ColumnDefinition),
      ...packetsOf(
        from,
        'prepare SELECT tiny, small, medium, big, amount, fixed, day, moment, ratio, bits, word FROM kinds',
        replies.ColumnDefinition,
      ),
    ];
    expect(packets).toHaveLength(14);
    const ours = packets.map((bytes) =>
      inside(bytes, (buf, start, end) => readColumnDefinition(buf, start, end, mariadb)),
    );
    packets.forEach((bytes, index) => {
      const at = Object.assign(new Packet(1, bytes, 0, bytes.length), { offset: 4 });
      const theirs = new ColumnDefinition(at, 'latin1', extended);
      const { collation, ...rest } = ours[index]!;
      expect(rest).toEqual({
        schema: theirs.schema,
        table: theirs.table,
        orgTable: theirs.orgTable,
        name: theirs.name,
        orgName: theirs.orgName,
        type: theirs.type,
        flags: theirs.flags,
        decimals: theirs.decimals,
      });
      expect(collation).toBe(theirs.characterSet);
    });
    expect(ours[1]).toMatchObject({
      schema: 'recorded',
      table: 'x',
      orgTable: 't',
      name: 'n',
      orgName: 'name',
    });
    expect(ours[0]!.flags & columnFlag.primaryKey).toBe(columnFlag.primaryKey);
    expect(ours[0]!.flags & columnFlag.unsigned).toBe(columnFlag.unsigned);
  });
  test('as written', () => {
    const column = {
      schema: 's',
      table: 'a',
      orgTable: 't',
      name: 'n\xe9',
      orgName: 'o',
      collation: 255,
      type: 3,
      flags: 0x4203,
      decimals: 2,
    };
    for (const extended of [false, true]) {
      const bytes = write.writeColumnDefinition(2, column, extended);
      const mariadb = extended ? m.extendedMetadata : 0;
      expect(inside(bytes, (buf, start, end) => readColumnDefinition(buf, start, end, mariadb))).toEqual(
        column,
      );
    }
  });
  test('the extended block is skipped whatever is in it', () => {
    const plain = write.writeColumnDefinition(2, {
      schema: '',
      table: '',
      orgTable: '',
      name: 'a',
      orgName: '',
      collation: 8,
      type: 254,
      flags: 0,
      decimals: 0,
    });
    const bytes = write.writePacket(
      2,
      Buffer.concat([plain.subarray(4, -13), Buffer.from('\x07\0\x05inet6'), plain.subarray(-13)]),
    );
    expect(
      inside(bytes, (buf, start, end) => readColumnDefinition(buf, start, end, m.extendedMetadata)).type,
    ).toBe(254);
    expect(() => inside(bytes, (buf, start, end) => readColumnDefinition(buf, start, end, 0))).toThrow(
      ProtocolViolation,
    );
  });
});

describe('rows', () => {
  test('first value of a text row', () => {
    expect(inside(write.writeTextRow(1, ['42', null]), firstTextValue)).toBe('42');
    expect(inside(write.writeTextRow(1, [null, '1']), firstTextValue)).toBeNull();
    expect(inside(write.writeTextRow(1, ['']), firstTextValue)).toBe('');
    expect(inside(write.writeTextRow(1, ['x'.repeat(300)]), firstTextValue)).toHaveLength(300);
    expect(() => inside(packet('\x05abc'), firstTextValue)).toThrow(ProtocolViolation);
    expect(() => inside(packet(''), firstTextValue)).toThrow(ProtocolViolation);
  });

  test.each(recordings)('$engine with $set: binary values as the text protocol would show them', (from) => {
    const prepare =
      'prepare SELECT tiny, small, medium, big, amount, fixed, day, moment, ratio, bits, word FROM kinds';
    const { mariadb } = capabilitiesOf(from);
    const columns = packetsOf(from, prepare, replies.ColumnDefinition).map((bytes) =>
      readColumnDefinition(bytes, 0, bytes.length, mariadb),
    );
    const [row] = packetsOf(from, 'execute kinds', replies.Row);
    const cursor = new Cursor(row!, 0, row!.length);
    cursor.skip(1 + ((columns.length + 9) >> 3));
    const values = columns.map((column) =>
      textOfBinary(
        column.type,
        (column.flags & columnFlag.unsigned) !== 0,
        readBinaryValue(cursor, column.type),
      ),
    );
    cursor.finish();
    expect(values).toEqual([
      '-1',
      '65535',
      '-8388608',
      '18446744073709551615',
      '-1.2500',
      '\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff',
      undefined,
      undefined,
      undefined,
      '\x05',
      'b',
    ]);
    const first = inside(row!, (buf, start, end) =>
      firstBinaryValue(buf, start, end, columns.length, columns[0]!),
    );
    expect(first).toBe('-1');
  });

  const long = { type: type.long, flags: 0 };
  const first = (
    payload: string,
    columns = 1,
    column: { type: number; flags: number } = long,
  ): string | null | undefined =>
    inside(packet(payload), (buf, start, end) => firstBinaryValue(buf, start, end, columns, column));
  test('as written', () => {
    const columns = [
      type.long,
      type.varString,
      type.datetime,
      type.null,
      type.double,
      type.tiny,
      type.tiny,
    ].map((code) => ({ type: code, flags: 0 }));
    const values = [
      null,
      Buffer.from('ab'),
      Buffer.alloc(7, 1),
      null,
      Buffer.alloc(8, 2),
      null,
      Buffer.from([5]),
    ];
    const row = write.writeBinaryRow(3, columns, values);
    expect(row.subarray(4, 7)).toEqual(Buffer.from([0, 0b10100100, 0]));
    expect(inside(row, (buf, start, end) => firstBinaryValue(buf, start, end, 7, columns[0]!))).toBeNull();
    const one = write.writeBinaryRow(3, columns.slice(1, 2), values.slice(1, 2));
    expect(inside(one, (buf, start, end) => firstBinaryValue(buf, start, end, 1, columns[1]!))).toBe('ab');
    expect(row.subarray(7)).toEqual(
      Buffer.from('\x02ab\x07\x01\x01\x01\x01\x01\x01\x01\x02\x02\x02\x02\x02\x02\x02\x02\x05'),
    );
  });
  test('NULL is a bit, two further on than one would think', () => {
    expect(first('\0\x04')).toBeNull();
    expect(first('\0\x08\x01\0\0\0', 2)).toBe('1');
    expect(first('\0\0\xff\xff\xff\xff')).toBe('-1');
    expect(first('\0\0\xff\xff\xff\xff', 1, { type: type.long, flags: columnFlag.unsigned })).toBe(
      '4294967295',
    );
    expect(first('\0\0\0\x01\0\0\0', 8)).toBe('1');
  });
  test('malformed', () => {
    expect(() => first('\x01\0\x01\0\0\0')).toThrow(ProtocolViolation);
    expect(() => first('\0\0\x01\0')).toThrow(ProtocolViolation);
    expect(() => first('\0')).toThrow(ProtocolViolation);
    expect(() => first('\0\0\x01', 1, { type: 0x77, flags: 0 })).toThrow(/unknown type/);
  });
});

test('a changed byte gives a result or a violation; an error is always read', () => {
  const samples = recordings
    .filter(({ set }) => set.endsWith('modern'))
    .flatMap((from) => from.turns.map(({ server }) => Buffer.from(server, 'base64')))
    .filter((bytes) => bytes.length > 4)
    .map((bytes) => bytes.subarray(0, 4 + bytes.readUIntLE(0, 3)));
  const readers: ((buf: Buffer, start: number, end: number) => unknown)[] = [
    okWith(c.sessionTrack),
    read.readEof,
    read.readPreparedOk,
    read.readLocalInfile,
    firstTextValue,
    (buf, start, end) => read.readColumnCount(buf, start, end, true),
    (buf, start, end) => readColumnDefinition(buf, start, end, m.extendedMetadata),
    (buf, start, end) => readColumnDefinition(buf, start, end, 0),
    (buf, start, end) => firstBinaryValue(buf, start, end, 3, { type: type.varString, flags: 0 }),
    (buf, start, end) => stripRedirect(buf, start, end, c.sessionTrack),
    (buf, start, end) => readStateChanges(read.readOk(buf, start, end, c.sessionTrack).stateChanges),
  ];
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.nat(), fc.nat(255), (sample, at, byte) => {
      const bytes = Buffer.from(sample);
      bytes[4 + (at % (bytes.length - 4))] = byte;
      inside(bytes, read.readErr);
      for (const reader of readers) {
        try {
          inside(bytes, reader);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
