import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  capability as c,
  mariadbCapability as m,
  type Capabilities,
} from '../../../../src/wire/mysql/capabilities.ts';
import { command, replyShape, type ReplyShape } from '../../../../src/wire/mysql/commands.ts';
import { emptyPayload } from '../../../../src/wire/mysql/framer.ts';
import { Err, Ok, ReplyTracker, Row, Unexpected } from '../../../../src/wire/mysql/replies.ts';
import { status } from '../../../../src/wire/mysql/status.ts';
import * as write from '../../../../src/wire/mysql/writers.ts';
import { recordings } from './recordings.ts';
import { Listener } from './transcript.ts';

const classic: Capabilities = { flags: c.protocol41, mariadb: 0 };
const modern: Capabilities = { flags: c.protocol41 | c.deprecateEof, mariadb: 0 };
const more = status.autocommit | status.moreResults;
const column = {
  schema: 's',
  table: 't',
  orgTable: 't',
  name: 'id',
  orgName: 'id',
  collation: 63,
  type: 8,
  flags: 0,
  decimals: 0,
};
const count = write.writeColumnCount(1, 1);
const definition = write.writeColumnDefinition(2, column);
const row = write.writeTextRow(3, ['7']);
const eof = (flags = 2): Buffer => write.writeEof(4, flags);
const okEof = (flags = 2): Buffer => write.writeOk(4, { status: flags }, 'eof');
const ok = (flags = 2): Buffer => write.writeOk(1, { status: flags });
const err = write.writeErr(1, { errno: 1064, sqlstate: '42000', message: 'no' });

function hear(shape: ReplyShape, capabilities: Capabilities, ...packets: Buffer[]): string {
  const listener = new Listener(capabilities);
  listener.expect(shape);
  return listener.hear([Buffer.concat(packets)]);
}

test('OUT parameters of MySQL: only the EOF behind their columns says that an OK follows', () => {
  const out = more | status.outParameters;
  const binaryRow = write.writeBinaryRow(4, [column], [Buffer.alloc(8, 1)]);
  const packets = [count, definition, eof(out), binaryRow, eof()];
  expect(hear('binary-result', classic, ...packets)).toBe('count column end-of-columns row end-of-rows …');
  expect(hear('binary-result', classic, ...packets, ok())).toBe(
    'count column end-of-columns row end-of-rows ok',
  );
});

describe('0xfe at the end of rows', () => {
  // A value of 16 MB or more has a length that begins with 0xfe, as an EOF packet does.
  const large = write.writePacket(
    3,
    Buffer.concat([
      write.writeTextRow(0, [Buffer.alloc(0x1000000)]).subarray(4, 13),
      Buffer.alloc(0x1000000),
    ]),
  );
  test('the row is that large', () => expect([large[4], large.length > 0x1000000]).toEqual([0xfe, true]));

  test.each([
    [
      'EOF',
      classic,
      [count, definition, eof(), large, row, eof()],
      'count column end-of-columns row*2 end-of-rows',
    ],
    ['deprecated EOF', modern, [count, definition, large, row, okEof()], 'count column row*2 end-of-rows'],
  ])('a row that begins with 0xfe is a row, held or streamed: %s', (_, capabilities, packets, expected) => {
    for (const stream of [false, true]) {
      const listener = new Listener(capabilities);
      listener.expect('result');
      expect(listener.hear([Buffer.concat(packets)], stream)).toBe(expected);
    }
  });
  test('without deprecated EOF nine bytes are enough for a row', () => {
    const tracker = new ReplyTracker(classic);
    tracker.begin('fetch');
    expect(tracker.isRow(0xfe, 4 + 9)).toBe(true);
    expect(tracker.isRow(0xfe, 4 + 8)).toBe(false);
  });
  test('with it only the 16 MB count: an OK packet may carry a long text', () => {
    const tracker = new ReplyTracker(modern);
    tracker.begin('fetch');
    expect(tracker.isRow(0xfe, 4 + 9)).toBe(false);
    expect(tracker.isRow(0xfe, 4 + 0xfffffe)).toBe(false);
    expect(tracker.isRow(0xfe, 4 + 0xffffff)).toBe(true);
    const long = write.writeOk(1, { status: 2, info: 'x'.repeat(300) }, 'eof');
    expect(hear('fetch', modern, long)).toBe('end-of-rows');
  });
  test('0xff is an error, NULL and an empty text are rows', () => {
    expect(
      hear(
        'result',
        modern,
        count,
        definition,
        write.writeTextRow(1, [null]),
        write.writeTextRow(2, ['']),
        err,
      ),
    ).toBe('count column row*2 err');
  });
});

describe('results that follow each other', () => {
  test('OK and result sets chain by the status flag', () => {
    expect(hear('result', modern, ok(more), count, definition, okEof(more), ok())).toBe(
      'ok count column end-of-rows ok',
    );
    expect(hear('result', classic, ok(more), ok(more))).toBe('ok*2 …');
  });
  test('the flag on the EOF behind the columns chains nothing', () => {
    expect(hear('result', classic, count, definition, eof(more), row, eof())).toBe(
      'count column end-of-columns row end-of-rows',
    );
  });
  test('the flag in the answer to FETCH chains nothing', () => {
    expect(hear('fetch', classic, row, eof(more | status.cursorExists))).toBe('row end-of-rows');
  });
  test('an error ends the chain', () => expect(hear('result', classic, ok(more), err)).toBe('ok err'));
  test('results are counted', () => {
    const listener = new Listener(modern);
    listener.expect('result');
    listener.hear([ok(more), count]);
    expect([listener.tracker.results, listener.tracker.done, listener.tracker.moreResults]).toEqual([
      1,
      false,
      false,
    ]);
    listener.hear([definition, okEof(more)]);
    expect([listener.tracker.results, listener.tracker.moreResults]).toEqual([2, true]);
    listener.hear([ok()]);
    expect([listener.tracker.results, listener.tracker.moreResults, listener.tracker.done]).toEqual([
      3,
      false,
      true,
    ]);
  });
});

describe('status flags', () => {
  test('come with OK and EOF, also behind long numbers; ERR leaves the last ones', () => {
    const listener = new Listener(classic);
    listener.expect('result', 'result', 'result');
    listener.hear([write.writeOk(1, { affectedRows: 70_000, insertId: 2n ** 63n, status: 0x2001 })]);
    expect([listener.tracker.status, listener.tracker.statusSent]).toEqual([0x2001, true]);
    listener.hear([err]);
    expect([listener.tracker.status, listener.tracker.statusSent]).toEqual([0x2001, false]);
    listener.hear([count, definition, eof(0x8202)]);
    expect(listener.tracker.status).toBe(0x8202);
  });
});

describe('column definitions', () => {
  const cached = { flags: c.protocol41, mariadb: m.cacheMetadata };
  const omitted = write.writeColumnCount(1, 3, false);
  test('are left out only where that was agreed on', () => {
    const listener = new Listener(cached);
    listener.expect('binary-result');
    expect(listener.hear([omitted, eof(), eof()])).toBe('count(omitted) end-of-columns end-of-rows');
    expect([listener.tracker.columns, listener.tracker.binary]).toEqual([3, true]);
    expect(hear('binary-result', classic, omitted)).toBe('unexpected …');
  });
  test('are announced again with the next result', () => {
    expect(hear('result', cached, write.writeColumnCount(1, 1, true), definition, eof(), eof())).toBe(
      'count column end-of-columns end-of-rows',
    );
  });
  test('more than 250', () => {
    const columns = Array.from({ length: 300 }, () => definition);
    expect(hear('result', modern, write.writeColumnCount(1, 300), ...columns, okEof())).toBe(
      'count column*300 end-of-rows',
    );
  });
});

describe('LOCAL INFILE', () => {
  const request = write.writePacket(1, Buffer.from('\xfb/etc/passwd', 'latin1'));
  test('OK comes behind the data', () => {
    expect(hear('result', modern, request)).toBe('local-infile …');
    expect(hear('result', modern, request, ok())).toBe('local-infile ok');
    expect(hear('result', modern, request, err)).toBe('local-infile err');
  });
  test('251 columns are not a request', () => {
    expect(hear('result', modern, write.writeColumnCount(1, 251))).toBe('count …');
  });
});

describe('prepares', () => {
  const prepared = (columns: number, parameters: number): Buffer =>
    write.writePreparedOk(1, { statementId: 9, columns, parameters });
  test.each([
    [classic, 0, 0, 'prepared'],
    [classic, 1, 0, 'prepared column end-of-columns'],
    [classic, 0, 1, 'prepared parameter end-of-parameters'],
    [classic, 2, 2, 'prepared parameter*2 end-of-parameters column*2 end-of-columns'],
    [modern, 2, 2, 'prepared parameter*2 column*2'],
    [modern, 0, 1, 'prepared parameter'],
  ])('%j: %i columns, %i parameters', (capabilities, columns, parameters, expected) => {
    const list: Buffer[] = [prepared(columns, parameters)];
    for (const number of [parameters, columns]) {
      for (let index = 0; index < number; index += 1) list.push(definition);
      if (number > 0 && capabilities === classic) list.push(eof());
    }
    const listener = new Listener(capabilities);
    listener.expect('prepare');
    expect(listener.hear(list)).toBe(expected);
    const { statementId, done } = listener.tracker;
    expect([statementId, listener.tracker.columns, listener.tracker.parameters, done]).toEqual([
      9,
      columns,
      parameters,
      true,
    ]);
  });
  test('a cursor flag on the EOF of a prepare means nothing', () => {
    expect(hear('prepare', classic, prepared(1, 0), definition, eof(status.cursorExists))).toBe(
      'prepared column end-of-columns',
    );
  });
});

describe('commands', () => {
  test('those without an answer are complete at once', () => {
    const tracker = new ReplyTracker();
    tracker.begin('none');
    expect(tracker.done).toBe(true);
  });
  test('the table knows every command and nothing else', () => {
    for (const code of Object.values(command)) expect(replyShape(code)).toBeDefined();
    expect(replyShape(0)).toBeUndefined();
    expect(replyShape(0x50)).toBeUndefined();
    expect(replyShape(emptyPayload)).toBeUndefined();
    expect([command.stmtClose, command.stmtSendLongData, command.quit].map(replyShape)).toEqual([
      'none',
      'none',
      'none',
    ]);
    expect([command.binlogDump, command.binlogDumpGtid, command.clone].map(replyShape)).toEqual([
      'raw',
      'raw',
      'raw',
    ]);
  });
  test('a reply must be over before the next begins', () => {
    const tracker = new ReplyTracker();
    tracker.begin('ok');
    expect(() => tracker.begin('ok')).toThrow(/not complete/);
  });
  test('an error may come without a command: a shutdown, a time-out', () => {
    const tracker = new ReplyTracker();
    expect(tracker.packet(0xff, err, 0, err.length)).toBe(Err);
    expect(tracker.done).toBe(true);
  });
});

describe('what cannot be is unexpected', () => {
  const cases: [string, ReplyShape, Buffer[]][] = [
    ['OK without a command', 'none', [ok()]],
    ['a row where OK is due', 'ok', [row]],
    ['an empty packet where a result begins', 'result', [write.writePacket(1, Buffer.alloc(0))]],
    ['an empty packet among rows', 'fetch', [write.writePacket(1, Buffer.alloc(0))]],
    ['EOF among column definitions', 'result', [write.writeColumnCount(1, 2), definition, eof()]],
    ['a row where EOF is due', 'result', [count, definition, row]],
    ['a column count with more behind', 'result', [write.writePacket(1, Buffer.from('\x01\x01'))]],
    ['an OK packet without status', 'ok', [write.writePacket(1, Buffer.from('\0\0\0'))]],
    ['an EOF packet without status', 'fetch', [write.writePacket(1, Buffer.from('\xfe\0', 'latin1'))]],
    ['a prepare without counts', 'prepare', [write.writePacket(1, Buffer.from('\0\x01\0\0\0'))]],
    ['a prepare that answers otherwise', 'prepare', [write.writePacket(1, Buffer.from('\x05'))]],
  ];
  test.each(cases)('%s', (_, shape, packets) => {
    const listener = new Listener(classic);
    listener.expect(shape);
    expect(listener.hear(packets).replace(' …', '')).toMatch(/(^| )unexpected$/);
    expect(listener.tracker.why).not.toBe('');
  });
});

test('changed bytes in real replies end in parts, never in a throw or a hang', () => {
  const samples = recordings
    .filter(({ set }) => set !== 'cached')
    .flatMap(({ turns }) => turns.map(({ server }) => Buffer.from(server, 'base64')))
    .filter((bytes) => bytes.length > 0);
  const shapes: ReplyShape[] = [
    'ok',
    'result',
    'binary-result',
    'prepare',
    'fetch',
    'field-list',
    'text',
    'authentication',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.constantFrom(...shapes),
      fc.constantFrom(classic, modern, { flags: 0, mariadb: 0xff }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      (sample, shape, capabilities, changes) => {
        const bytes = Buffer.from(sample);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        const tracker = new ReplyTracker(capabilities);
        tracker.begin(shape);
        for (let at = 0; at + 4 <= bytes.length;) {
          const end = Math.min(bytes.length, at + 4 + bytes.readUIntLE(at, 3));
          const type = end > at + 4 ? (bytes[at + 4] ?? 0) : emptyPayload;
          const part = tracker.packet(type, bytes, at, end);
          if (tracker.statusSent) expect(part).not.toBe(Row);
          if (part === Unexpected || tracker.done) return;
          if (part === Ok) expect(tracker.statusSent).toBe(true);
          at = end;
        }
      },
    ),
    { numRuns: 3000 },
  );
});
