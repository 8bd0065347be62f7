import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readStartup } from '../../../src/wire/postgres/startup.ts';
import { ProtocolViolation } from '../../../src/wire/violation.ts';

function packet(code: number, rest: Buffer | string = '', length?: number): Buffer {
  const body = Buffer.from(rest as string, 'latin1');
  const head = Buffer.alloc(8);
  head.writeInt32BE(length ?? body.length + 8, 0);
  head.writeInt32BE(code, 4);
  return Buffer.concat([head, body]);
}
const v30 = 0x30000;
const startup = packet(v30, 'user\0app\0database\0shop\0options\0\0\0');

describe('StartupMessage', () => {
  test('parameters and version; a value may be empty', () => {
    expect(readStartup(startup)).toEqual({
      kind: 'startup',
      bytes: startup,
      version: v30,
      parameters: new Map([
        ['user', 'app'],
        ['database', 'shop'],
        ['options', ''],
      ]),
    });
  });
  test('needs every byte', () => {
    for (let at = 0; at < startup.length; at += 1)
      expect(readStartup(startup.subarray(0, at))).toBeUndefined();
  });
  test('what follows is unread', () => {
    expect(readStartup(Buffer.concat([startup, Buffer.from('Q...')]))?.bytes).toEqual(startup);
  });
  test('newer minor versions and grease pass', () => {
    expect(readStartup(packet(0x30002, 'user\0a\0\0'))).toMatchObject({ version: 0x30002 });
    expect(readStartup(packet(0x3270f, 'user\0a\0\0'))).toMatchObject({ version: 0x3270f });
  });
  test('names and values are bytes', () => {
    const read = readStartup(packet(v30, 'user\0\xe4\xff\0\0'));
    expect(read?.kind === 'startup' && read.parameters.get('user')).toBe('\xe4\xff');
  });
  test('of two values the second counts, as in the server', () => {
    const read = readStartup(packet(v30, 'user\0a\0user\0b\0\0'));
    expect(read?.kind === 'startup' && read.parameters.get('user')).toBe('b');
  });
  test('without parameters', () => {
    expect(readStartup(packet(v30, '\0'))).toMatchObject({ parameters: new Map() });
  });
  test.each([
    ['no terminator of the list', 'user\0a\0'],
    ['a name without value', 'user\0\0'],
    ['an odd number of strings', 'user\0a\0database\0'],
    ['bytes behind the terminator', 'user\0a\0\0x\0'],
    ['last byte is not NUL', 'user\0a\0\0x'],
    ['nothing', ''],
  ])('%s is refused', (_, body) => {
    expect(() => readStartup(packet(v30, body))).toThrow(ProtocolViolation);
  });
  test('protocol 2 and unknown special codes are refused', () => {
    expect(() => readStartup(packet(0x20000, 'x'.repeat(288)))).toThrow(/version 2.0/);
    expect(() => readStartup(packet((1234 << 16) | 5600, ''))).toThrow(ProtocolViolation);
  });
});

describe('lengths', () => {
  test.each([-1, 0, 7, 10_005, 2147483647])('%i is refused as soon as it is known', (length) => {
    expect(() => readStartup(packet(v30, '', length).subarray(0, 4))).toThrow(ProtocolViolation);
  });
  test('10000 is allowed', () => {
    const body = `user\0${'a'.repeat(10_004 - 8 - 7)}\0\0`;
    expect(readStartup(packet(v30, body))?.bytes).toHaveLength(10_004);
  });
});

describe('requests', () => {
  test('SSL and GSS are eight bytes', () => {
    expect(readStartup(packet(80877103))).toMatchObject({ kind: 'ssl' });
    expect(readStartup(packet(80877104))).toMatchObject({ kind: 'gss' });
    expect(() => readStartup(packet(80877103, 'x'))).toThrow(ProtocolViolation);
  });
  test.each([[4], [32], [256]])('a cancel key of %i bytes is relayed whole', (key) => {
    const bytes = packet(80877102, Buffer.alloc(4 + key, 7));
    expect(readStartup(bytes)).toEqual({ kind: 'cancel', bytes });
  });
  test.each([[3], [257]])('a cancel key of %i bytes is refused', (key) => {
    expect(() => readStartup(packet(80877102, Buffer.alloc(4 + key)))).toThrow(ProtocolViolation);
  });
  test('a TLS handshake out of nowhere is told by its first byte', () => {
    expect(readStartup(Buffer.from([0x16]))).toEqual({ kind: 'tls', bytes: Buffer.from([0x16]) });
  });
});

test('any bytes: a result within the buffer, nothing, or a violation', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.constantFrom(v30, 80877102, 80877103, 0x12345),
      (tail, code) => {
        const bytes = packet(code, Buffer.from(tail));
        try {
          const read = readStartup(bytes);
          if (read !== undefined) expect(read.bytes).toEqual(bytes.subarray(0, read.bytes.length));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      },
    ),
  );
});
