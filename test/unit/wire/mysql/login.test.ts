import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cachingSha2State,
  isPublicKeyRequest,
  readAuthPacket,
} from '../../../../src/wire/mysql/authentication.ts';
import {
  agreed,
  capability as c,
  mariadbCapability as m,
  parsedCapabilities,
  understood,
} from '../../../../src/wire/mysql/capabilities.ts';
import { asciiSafeCharset, asciiSafeCollation } from '../../../../src/wire/mysql/charsets.ts';
import { editGreeting, readGreeting } from '../../../../src/wire/mysql/greeting.ts';
import {
  maskResponse,
  readChangeUser,
  readHandshakeResponse,
} from '../../../../src/wire/mysql/handshake-response.ts';
import { atLeast, parseVersion } from '../../../../src/wire/mysql/version.ts';
import { ProtocolViolation } from '../../../../src/wire/violation.ts';
import { writePacket } from '../../../../src/wire/mysql/writers.ts';
import { writeGreeting, writeResponse } from './login-writers.ts';
import { HandshakeResponse, bytesOf } from './mysql2.ts';
import { recording } from './recordings.ts';
import { inside } from './support.ts';

function turn(name: string, engine: string, set: string): { client: Buffer; server: Buffer } {
  const found = recording(engine, set).turns.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no turn ${name}`);
  return { client: Buffer.from(found.client, 'base64'), server: Buffer.from(found.server, 'base64') };
}
const greetingOf = (engine: string): Buffer => turn('greeting', engine, 'modern').server;

describe('greetings of real servers', () => {
  test('MariaDB 11.8', () => {
    const greeting = inside(greetingOf('mariadb-11.8'), readGreeting);
    expect(greeting).toMatchObject({
      version: { mariadb: true, major: 11, minor: 8, patch: 9 },
      capabilities: { flags: 0x81fffffe, mariadb: 0x3d },
      plugin: 'mysql_native_password',
      status: 2,
    });
    expect(greeting.scramble).toHaveLength(20);
    expect(greeting.connectionId).toBeGreaterThan(0);
  });
  test('MariaDB 10.11 hides behind 5.5.5', () => {
    const greeting = inside(greetingOf('mariadb-10.11'), readGreeting);
    expect(greeting.versionText).toMatch(/^5\.5\.5-10\.11\./);
    expect(greeting.version).toMatchObject({ mariadb: true, major: 10, minor: 11 });
    expect(greeting.capabilities.mariadb).toBe(0x1d);
  });
  test('MySQL 9.7 has no extended flags', () => {
    const greeting = inside(greetingOf('mysql-9.7'), readGreeting);
    expect(greeting).toMatchObject({
      version: { mariadb: false, major: 9, minor: 7 },
      capabilities: { flags: 0xdfffffff, mariadb: 0 },
      plugin: 'caching_sha2_password',
    });
    expect(greeting.scramble).toHaveLength(20);
  });
});

describe('the greeting as it is offered on', () => {
  test.each(['mariadb-10.11', 'mariadb-11.8', 'mysql-9.7'])('%s: only capability bits differ', (engine) => {
    const original = greetingOf(engine);
    const before = inside(original, readGreeting);
    const edited = inside(original, (buf, start, end) => editGreeting(buf, start, end, understood(false)));
    const after = readGreeting(edited, 0, edited.length);
    const hidden = c.compress | c.optionalResultsetMetadata | c.zstdCompression | c.extension | c.ssl;
    expect(after).toEqual({
      ...before,
      capabilities: {
        flags: (before.capabilities.flags & ~hidden) >>> 0,
        mariadb: before.capabilities.mariadb & ~(m.progress | m.comMulti),
      },
    });
    const changed = [...edited.keys()].filter((at) => edited[at] !== original[at]);
    expect(edited).toHaveLength(original.length);
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.length).toBeLessThanOrEqual(8);
  });
  test('TLS stays when it can be taken over', () => {
    const original = greetingOf('mysql-9.7');
    const edited = editGreeting(original, 0, original.length, understood(true));
    expect(readGreeting(edited, 0, edited.length).capabilities.flags & c.ssl).toBe(c.ssl);
  });
  test("nothing is added that the server does not have, but TLS, which is another leg's", () => {
    const original = greetingOf('mariadb-10.11');
    const plain = { flags: (0xffffffff & ~c.ssl) >>> 0, mariadb: 0xffffffff };
    expect(editGreeting(original, 0, original.length, plain)).toEqual(original);
    const all = { flags: 0xffffffff, mariadb: 0xffffffff };
    const edited = editGreeting(original, 0, original.length, all);
    const { flags } = inside(original, readGreeting).capabilities;
    expect(flags & c.ssl).toBe(0);
    expect(inside(edited, readGreeting).capabilities.flags).toBe((flags | c.ssl) >>> 0);
    expect([...edited.keys()].filter((at) => edited[at] !== original[at])).toHaveLength(1);
  });
  test('the filler of a MySQL greeting is not touched', () => {
    const original = greetingOf('mysql-9.7');
    const edited = editGreeting(original, 0, original.length, { flags: 0xffffffff, mariadb: 0 });
    expect(edited).toEqual(original);
  });
});

describe('what the tests write', () => {
  test.each([
    ['MariaDB', { flags: 0x81fffffe, mariadb: 0x3d }, '5.5.5-10.11.6-MariaDB'],
    ['MySQL', { flags: 0xdfffffff, mariadb: 0 }, '9.7.0'],
  ])('a greeting of %s', (_, capabilities, versionText) => {
    const scramble = Buffer.from('abcdefghijklmnopqrst');
    const fields = {
      versionText,
      connectionId: 70_000,
      scramble,
      capabilities,
      plugin: 'caching_sha2_password',
    };
    expect(inside(writeGreeting(fields), readGreeting)).toMatchObject({
      ...fields,
      status: 2,
      collation: 45,
    });
  });
  test('a response', () => {
    const capabilities = {
      flags: c.protocol41 | c.secureConnection | c.connectWithDb | c.pluginAuth | c.connectAttrs,
      mariadb: 0x10,
    };
    const fields = { user: 'app', database: 'shop', plugin: 'p', capabilities, attributes: { a: 'b' } };
    expect(inside(writeResponse(fields), readHandshakeResponse)).toMatchObject({
      ...fields,
      attributes: new Map([['a', 'b']]),
    });
  });
});

describe('greetings that are refused', () => {
  const original = greetingOf('mysql-9.7');
  const flagsAt = original.indexOf(0, 5) + 14;
  test.each([
    ['another protocol', 4, 9],
    ['without CLIENT_PROTOCOL_41', flagsAt + 1, 0xfd],
    ['without CLIENT_SECURE_CONNECTION', flagsAt + 1, 0x7f],
  ])('%s', (_, at, value) => {
    const bytes = Buffer.from(original);
    bytes[at] = value;
    expect(() => inside(bytes, readGreeting)).toThrow(ProtocolViolation);
  });
  test('cut short anywhere before the plugin', () => {
    for (let length = 0; length < original.length - 40; length += 1) {
      const bytes = writePacket(0, original.subarray(4, 4 + length));
      expect(() => inside(bytes, readGreeting)).toThrow(ProtocolViolation);
    }
  });
});

describe('versions', () => {
  test.each([
    ['9.7.0', false, [9, 7, 0]],
    ['8.0.35-27', false, [8, 0, 35]],
    ['5.5.5-10.6.12-MariaDB-log', true, [10, 6, 12]],
    ['11.4.2-MariaDB', true, [11, 4, 2]],
    ['5.5.5', false, [5, 5, 5]],
    ['8.4', false, [8, 4, 0]],
    ['', false, [0, 0, 0]],
    ['proxy', false, [0, 0, 0]],
  ])('%s', (text, mariadb, [major, minor, patch]) => {
    expect(parseVersion(text)).toEqual({ mariadb, major, minor, patch });
  });
  test('the flags say MariaDB even when the text does not', () => {
    expect(parseVersion('5.5.5-10.4.1-custom', true)).toMatchObject({ mariadb: true, major: 10 });
  });
  test('atLeast', () => {
    const version = parseVersion('10.11.6-MariaDB');
    expect([atLeast(version, 10), atLeast(version, 10, 11, 6), atLeast(version, 9, 99)]).toEqual([
      true,
      true,
      true,
    ]);
    expect([atLeast(version, 10, 11, 7), atLeast(version, 10, 12), atLeast(version, 11)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('log-in packets', () => {
  const flags =
    c.mysql |
    c.protocol41 |
    c.secureConnection |
    c.pluginAuth |
    c.pluginAuthLenencClientData |
    c.connectWithDb |
    c.connectAttrs |
    c.compress;
  const options = {
    user: 'app',
    database: 'shop',
    authToken: Buffer.alloc(20, 7),
    authPluginName: 'mysql_native_password',
    charsetNumber: 45,
    flags,
    connectAttributes: { program_name: 'x', _pid: '1' },
  };
  function packet(more: object = {}): Buffer {
    return bytesOf(new HandshakeResponse({ ...options, ...more }), 1);
  }

  test('as mysql2 writes it', () => {
    const bytes = packet();
    const read = inside(bytes, readHandshakeResponse);
    expect(read).toMatchObject({
      kind: 'response',
      user: 'app',
      database: 'shop',
      plugin: 'mysql_native_password',
      collation: 45,
      capabilities: { flags, mariadb: 0 },
      attributes: new Map([
        ['program_name', 'x'],
        ['_pid', '1'],
      ]),
    });
    if (read.kind !== 'response') return;
    const { start, end } = read.authResponse;
    expect(bytes.subarray(start - 4, end - 4)).toEqual(Buffer.alloc(20, 7));
  });
  test('the older forms of the answer', () => {
    for (const without of [c.pluginAuthLenencClientData, c.pluginAuthLenencClientData | c.secureConnection]) {
      const bytes = packet({ flags: flags & ~without });
      expect(inside(bytes, readHandshakeResponse)).toMatchObject({ user: 'app', database: 'shop' });
    }
  });
  test("MariaDB's flags count only without CLIENT_MYSQL", () => {
    const extended = { mariadbExtendedClientFlags: 0x1c };
    expect(inside(packet(extended), readHandshakeResponse).capabilities.mariadb).toBe(0);
    const mariadb = packet({ ...extended, flags: flags & ~c.mysql });
    expect(inside(mariadb, readHandshakeResponse).capabilities.mariadb).toBe(0x1c);
  });
  test('flags that were not offered are taken out, the rest stays', () => {
    const bytes = packet({ flags: flags & ~c.mysql, mariadbExtendedClientFlags: 0x1f });
    const masked = inside(bytes, (buf, start, end) => maskResponse(buf, start, end, understood(false)));
    const expected = Buffer.from(bytes);
    expected.writeUInt32LE(flags & ~c.mysql & ~c.compress, 4);
    expected.writeUInt32LE(0x1c, 32);
    expect(masked).toEqual(expected);
    expect(maskResponse(expected, 0, expected.length, understood(false))).toBeUndefined();
  });
  test('SSLRequest is 32 bytes, with the flag', () => {
    const request = Buffer.alloc(32);
    request.writeUInt32LE(flags | c.ssl);
    const bytes = writePacket(1, request);
    expect(inside(bytes, readHandshakeResponse)).toMatchObject({ kind: 'ssl' });
    expect(readHandshakeResponse(bytes, 0, bytes.length).capabilities.flags & c.ssl).toBe(c.ssl);
    request.writeUInt32LE(flags);
    expect(() => inside(writePacket(1, request), readHandshakeResponse)).toThrow(/without a user/);
    const longer = writePacket(1, Buffer.concat([request, Buffer.from('\0')]));
    expect(() => inside(longer, readHandshakeResponse)).toThrow(ProtocolViolation);
  });
  test('a missing last NUL and missing last fields are taken as the servers do', () => {
    const bytes = packet({ flags: flags & ~c.connectAttrs });
    const cut = writePacket(1, bytes.subarray(4, -1));
    expect(inside(cut, readHandshakeResponse)).toMatchObject({ plugin: 'mysql_native_password' });
    const short = writePacket(1, bytes.subarray(4, bytes.indexOf('mysql_native')));
    expect(inside(short, readHandshakeResponse)).toMatchObject({ database: 'shop', plugin: '' });
  });
  test.each([
    ['older than 4.1', writePacket(1, Buffer.from('\x05\0\0\0\0app\0\0', 'latin1'))],
    ['without CLIENT_PROTOCOL_41', packet({ flags: flags & ~c.protocol41 })],
    ['a user without end', writePacket(1, Buffer.concat([packet().subarray(4, 36), Buffer.from('app')]))],
    [
      'an answer that leaves the packet',
      writePacket(1, Buffer.concat([packet().subarray(4, 40), Buffer.from([200, 1])])),
    ],
    ['attributes that leave the packet', writePacket(1, packet().subarray(4, -3))],
  ])('%s is refused', (_, bytes) => {
    expect(() => inside(bytes, readHandshakeResponse)).toThrow(ProtocolViolation);
  });
  test('what the recorder sent', () => {
    const { client } = turn('log-in', 'mariadb-11.8', 'cached-modern');
    expect(inside(client, readHandshakeResponse)).toMatchObject({
      user: 'recorder',
      capabilities: { mariadb: understood(false).mariadb },
      attributes: new Map([['program_name', 'recorder']]),
    });
  });
  test('COM_CHANGE_USER', () => {
    const { client } = turn('change-user', 'mysql-9.7', 'plain');
    expect(inside(client, (buf, start, end) => readChangeUser(buf, start, end, flags))).toMatchObject({
      user: 'recorder',
      database: '',
      collation: 45,
      plugin: '',
      attributes: new Map(),
    });
    const bare = writePacket(0, Buffer.from('\x11app\0\x02xxshop\0'));
    expect(inside(bare, (buf, start, end) => readChangeUser(buf, start, end, flags))).toMatchObject({
      user: 'app',
      database: 'shop',
      collation: undefined,
    });
  });
  test('a changed byte gives a result within the packet or a violation', () => {
    const samples = [
      packet(),
      packet({ flags: flags & ~c.pluginAuthLenencClientData }),
      greetingOf('mysql-9.7'),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.nat(), fc.nat(255), (sample, at, byte) => {
        const bytes = Buffer.from(sample);
        bytes[4 + (at % (bytes.length - 4))] = byte;
        const readers: ((buf: Buffer, start: number, end: number) => object)[] = [
          readHandshakeResponse,
          readGreeting,
          (buf, start, end) => readChangeUser(buf, start, end, flags),
        ];
        for (const reader of readers) {
          try {
            const read: { authResponse?: { end: number } } = inside(bytes, reader);
            expect(read.authResponse?.end ?? 0).toBeLessThanOrEqual(bytes.length + 4);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolViolation);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is agreed on', () => {
  test('chosen but not offered is not had', () => {
    expect(agreed({ flags: c.ssl, mariadb: 0 }, { flags: c.ssl | c.compress, mariadb: 4 })).toEqual({
      flags: c.ssl,
      mariadb: 0,
    });
  });
  test('flags stay unsigned', () => {
    const all = { flags: 0xffffffff, mariadb: 0xffffffff };
    expect(agreed(all, all)).toEqual(all);
    expect(parsedCapabilities).toBeGreaterThan(0);
  });
});

describe('authentication packets', () => {
  const read = (payload: string): unknown =>
    inside(writePacket(2, Buffer.from(payload, 'latin1')), readAuthPacket);
  test('the switch of a real server', () => {
    const { server } = turn('log-in', 'mysql-9.7', 'plain');
    const packet = inside(server, readAuthPacket);
    expect(packet).toMatchObject({ kind: 'switch', plugin: 'caching_sha2_password' });
    expect(packet.kind === 'switch' && packet.data).toHaveLength(21);
  });
  test.each([
    ['\0\0\0\x02\0\0\0', { kind: 'ok' }],
    ['\xff\x15\x04#28000no', { kind: 'error' }],
    ['\xfe', { kind: 'old-switch' }],
    ['\xfedialog\0', { kind: 'switch', plugin: 'dialog', data: Buffer.alloc(0) }],
    ['\x01\x04', { kind: 'more', data: Buffer.from([4]) }],
    ['\x02webauthn\0ab', { kind: 'next-factor', plugin: 'webauthn', data: Buffer.from('ab') }],
    ['\x04Password: ', { kind: 'plugin', data: Buffer.from('\x04Password: ') }],
    ['', { kind: 'plugin', data: Buffer.alloc(0) }],
  ])('%j', (payload, expected) => expect(read(payload)).toEqual(expected));
  test('the states of caching_sha2_password', () => {
    const state = (payload: string): unknown =>
      cachingSha2State(inside(writePacket(2, Buffer.from(payload)), readAuthPacket));
    expect([
      state('\x01\x03'),
      state('\x01\x04'),
      state('\x01\x05'),
      state('\x01\x03\x03'),
      state('\0'),
    ]).toEqual(['fast', 'full', undefined, undefined, undefined]);
  });
  test('the request for the public key', () => {
    const is = (plugin: string, payload: string): boolean =>
      inside(writePacket(3, Buffer.from(payload)), (buf, start, end) =>
        isPublicKeyRequest(plugin, buf, start, end),
      );
    expect(is('caching_sha2_password', '\x02')).toBe(true);
    expect(is('sha256_password', '\x01')).toBe(true);
    expect(is('caching_sha2_password', '\x01')).toBe(false);
    expect(is('caching_sha2_password', '\x02\x02')).toBe(false);
    expect(is('mysql_native_password', '\x02')).toBe(false);
    expect(is('caching_sha2_password', '')).toBe(false);
  });
});

describe('character sets with ASCII bytes inside characters', () => {
  test.each([1, 84, 13, 88, 28, 87, 95, 96, 248, 249, 250, 1025, 1052])('collation %i', (id) =>
    expect(asciiSafeCollation(id)).toBe(false),
  );
  test.each([8, 33, 45, 46, 63, 83, 192, 224, 255, 309, 1069, 2304])('collation %i is safe', (id) =>
    expect(asciiSafeCollation(id)).toBe(true),
  );
  test('by name', () => {
    expect([asciiSafeCharset('GBK'), asciiSafeCharset('sjis'), asciiSafeCharset('utf8mb4')]).toEqual([
      false,
      false,
      true,
    ]);
  });
});
