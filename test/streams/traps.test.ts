/**
 * The traps of PostgreSQL's wire, each by its name, at a session in mode rewrite that knows a split delete: what is passed
 * on as it came, what ends the connection, what is not rewritten. Lengths and start-up packets in all their forms:
 * test/unit/wire/startup.test.ts and test/same/startup.test.ts; TLS: test/unit/session/postgres-tls.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { Recorder } from '../../src/record/recorder.ts';
import { redaction } from '../../src/record/redact.ts';
import type { FindingEvent, Session, SharedState, Side, StatementRecorder } from '../../src/session/types.ts';
import { client, message, server, type Column } from './encode.ts';
import { Samples } from '../../src/admin/samples.ts';
import { makeSession, realWitness, ruleSet, sharedState } from './session.ts';

const id = (format: 0 | 1): Column => ({ name: 'id', table: 16_400, attribute: 1, type: 23, format });
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

class Talk {
  readonly session: Session;
  readonly findings: FindingEvent[] = [];
  readonly out: Record<Side, Buffer> = { client: Buffer.alloc(0), server: Buffer.alloc(0) };
  ended = false;
  cancelled: Buffer | undefined;

  constructor(
    mode: 'observe' | 'rewrite' = 'rewrite',
    shared: SharedState = sharedState(),
    recorder?: StatementRecorder,
  ) {
    const rules = ruleSet({ mode, tablesNamed: true });
    this.session = makeSession(rules, shared, {}, undefined, recorder)(() => undefined);
  }

  logIn(settings: Record<string, string> = {}, key: Buffer = server.backendKeyData(1, 2)): this {
    this.send('client', client.startup({ user: 'app', database: 'shop' }));
    const all = { client_encoding: 'UTF8', standard_conforming_strings: 'on', ...settings };
    const statuses = Object.entries(all).map(([name, one]) => server.parameterStatus(name, one));
    this.send('server', server.authenticationOk(), ...statuses, key, server.ready('I'));
    return this;
  }

  /** @returns what left, to either side */
  send(side: Side, ...messages: Buffer[]): { client: Buffer; server: Buffer } {
    const actions = this.session.receive(side, Buffer.concat(messages), 0);
    const left = { client: Buffer.concat(actions.toClient), server: Buffer.concat(actions.toServer) };
    for (const to of ['client', 'server'] as const) this.out[to] = Buffer.concat([this.out[to], left[to]]);
    for (const event of actions.events) if (event.type === 'finding') this.findings.push(event);
    this.ended ||= actions.end;
    this.cancelled ??= actions.cancel;
    return left;
  }

  passes(side: Side, ...messages: Buffer[]): void {
    const whole = Buffer.concat(messages);
    const left = this.send(side, whole);
    expect(left[side === 'client' ? 'server' : 'client'].equals(whole)).toBe(true);
    expect({ ended: this.ended, raw: this.session.raw }).toEqual({ ended: false, raw: false });
  }

  begin(): this {
    this.passes('client', client.query('BEGIN'));
    this.passes('server', server.complete('BEGIN'), server.ready('T'));
    return this;
  }

  read(text: Buffer | string, format: 0 | 1, values: Buffer[]): void {
    const sql = Buffer.concat([Buffer.from(text as string, 'latin1'), Buffer.alloc(1)]);
    this.passes('client', message('Q', sql));
    const rows = values.map((value) => server.dataRow([value]));
    this.passes(
      'server',
      server.rowDescription([id(format)]),
      ...rows,
      server.complete('SELECT 2'),
      server.ready('T'),
    );
  }

  /** @returns what was decided of the DELETE */
  remove(list = '1, 2'): string[] {
    this.findings.length = 0;
    const bytes = client.query(`DELETE FROM book WHERE id IN (${list})`);
    const { server: sent } = this.send('client', bytes);
    const decided = this.findings.map(({ decision, reason }) => `${decision} ${reason ?? ''}`.trim());
    return sent.equals(bytes) ? decided : [...decided, 'a plan begins'];
  }
}

const texts = (...values: string[]): Buffer[] => values.map((value) => Buffer.from(value));
const stale = 'SELECT id FROM book WHERE stale';

describe('strings and encodings (13)', () => {
  it('a split delete is taken: the tests below differ from this one in one thing', () => {
    const talk = new Talk().logIn().begin();
    talk.read(stale, 0, texts('1', '2'));
    expect(talk.remove()).toEqual(['a plan begins']);
  });

  it.each(['SJIS', 'BIG5', 'GBK', 'GB18030', 'UHC', 'JOHAB', 'SHIFT_JIS_2004', ''])(
    'client_encoding %s: a trail byte may be a quote or a backslash, so nothing is rewritten',
    (encoding) => {
      const talk = new Talk().logIn({ client_encoding: encoding }).begin();
      // 0xbf 0x5c is one character of GBK.
      talk.read(Buffer.from(`SELECT id FROM book WHERE name = '\xbf\x5c'`, 'latin1'), 0, texts('1', '2'));
      expect(talk.remove()).toEqual(['refused encoding']);
    },
  );

  it('and nothing of it is shown: what looks like a name may be a constant', () => {
    const samples = new Samples(10, () => realWitness);
    const talk = new Talk('observe', { ...sharedState(), findings: samples }).logIn({
      client_encoding: 'SJIS',
    });
    talk.begin();
    // The server: name is one character, title is text, and a comment.
    const text = `SELECT id FROM book WHERE name = E'\x83\x5c' AND title = 'OR secret = ' -- '`;
    talk.read(Buffer.from(text, 'latin1'), 0, texts('1', '2'));
    expect(talk.remove()).toEqual(['refused encoding']);
    expect(talk.findings.map((finding) => samples.of(finding))).toEqual([undefined]);
  });

  it('nor recorded', () => {
    const lines: string[] = [];
    const recorder = new Recorder(
      redaction(() => '0'.repeat(32)),
      (line) => lines.push(line),
    );
    const talk = new Talk('observe', sharedState(), recorder).logIn({ client_encoding: 'SJIS' });
    const text = `SELECT id FROM book WHERE name = E'\x83\x5c' AND title = 'OR secret = ' -- '`;
    talk.read(Buffer.from(text, 'latin1'), 0, texts('1', '2'));
    expect(lines.join('')).toContain('NOT RECORDED');
    expect(lines.join('')).not.toContain('secret');
  });

  it('client_encoding that changes between SELECT and DELETE counts at once', () => {
    const talk = new Talk().logIn().begin();
    talk.read(stale, 0, texts('1', '2'));
    talk.passes('server', server.parameterStatus('client_encoding', 'SJIS'));
    expect(talk.remove()).toEqual(['refused encoding']);
  });

  it('standard_conforming_strings off: the backslash escapes, so nothing is rewritten', () => {
    const talk = new Talk().logIn({ standard_conforming_strings: 'off' }).begin();
    talk.read(`SELECT id FROM book WHERE name = 'it\\'s'`, 0, texts('1', '2'));
    expect(talk.remove()).toEqual(['refused encoding']);
  });

  it.each([
    ['an unterminated string', `SELECT id FROM book WHERE name = 'x`],
    ['an unterminated identifier', 'SELECT id FROM "book WHERE stale'],
    ['an unterminated dollar string', 'SELECT id FROM book WHERE name = $a$x$b$'],
    ['an unterminated comment', 'SELECT id FROM book /* WHERE stale'],
    ['a comment that is closed once and opened twice', 'SELECT id FROM book /* /* */ WHERE stale'],
  ])('%s passes, and the DELETE behind it too', (_, text) => {
    const talk = new Talk().logIn().begin();
    talk.read(text, 0, texts('1', '2'));
    expect(talk.remove()).not.toContain('a plan begins');
  });

  it('nested comments are one comment', () => {
    const talk = new Talk().logIn().begin();
    talk.read('SELECT id /* a /* b */ c */ FROM book WHERE stale', 0, texts('1', '2'));
    expect(talk.remove()).toEqual(['a plan begins']);
  });
});

describe('replies', () => {
  it('rows in binary hold the same ids (DataRow binary)', () => {
    const talk = new Talk().logIn().begin();
    talk.read(stale, 1, [int32(1), int32(2)]);
    expect(talk.remove()).toEqual(['a plan begins']);
    const other = new Talk().logIn().begin();
    other.read(stale, 1, [int32(1), int32(3)]);
    expect(other.remove()).toEqual(['refused list-differs']);
  });

  it('a binary value of the wrong length is no id', () => {
    const talk = new Talk().logIn().begin();
    talk.read(stale, 1, [Buffer.of(1), int32(2)]);
    expect(talk.remove()).not.toContain('a plan begins');
  });

  it.each([
    ['without a SQLSTATE', message('E', Buffer.from('SERROR\0Mno\0\0'))],
    ['without any field', message('E', Buffer.alloc(1))],
    ['without a terminator', message('E', Buffer.from('SERROR\0VERROR\0C23505'))],
  ])('an error %s passes, and the session goes on (12)', (_, error) => {
    const talk = new Talk().logIn();
    talk.passes('client', client.query('SELECT 1'));
    talk.passes('server', error, server.ready('I'));
    talk.begin();
    talk.read(stale, 0, texts('1', '2'));
    expect(talk.remove()).toEqual(['a plan begins']);
  });

  it('notices, notifications and parameters pass anywhere, also inside a COPY (8)', () => {
    const aside = [
      server.notice({ code: '00000', message: 'x' }),
      server.notification(1, 'channel', 'payload'),
      server.parameterStatus('TimeZone', 'UTC'),
    ];
    const talk = new Talk().logIn();
    talk.passes('server', ...aside);
    talk.passes('client', client.query('COPY t FROM STDIN'));
    talk.passes('server', ...aside, message('G', Buffer.of(0, 0, 1, 0, 0)), ...aside);
    talk.passes('client', message('d', Buffer.from('1\n')));
    talk.passes('server', ...aside);
    talk.passes('client', message('c'));
    talk.passes('server', ...aside, server.complete('COPY 1'), ...aside, server.ready('I'));
    expect(talk.session.idle).toBe(true);
  });

  it("late CopyData after an error of the COPY is the server's to drop (11)", () => {
    const talk = new Talk().logIn();
    talk.passes('client', client.query('COPY t FROM STDIN'));
    talk.passes('server', message('G', Buffer.of(0, 0, 1, 0, 0)));
    talk.passes('server', server.error({ code: '22P02', message: 'no' }), server.ready('I'));
    talk.passes('client', message('d', Buffer.from('2\n')), message('d', Buffer.from('3\n')), message('c'));
    talk.begin();
    expect(talk.session.idle).toBe(false);
  });

  it('CopyBoth: raw relay, and every byte passes from then on (11)', () => {
    const talk = new Talk().logIn();
    talk.passes('client', client.query('START_REPLICATION 0/0'));
    const answer = message('W', Buffer.of(0, 0, 0));
    expect(talk.send('server', answer).client.equals(answer)).toBe(true);
    expect(talk.session.raw).toBe(true);
    const noise = Buffer.from([0x51, 0, 0, 0, 1, 0xff]);
    expect(talk.send('client', noise).server.equals(noise)).toBe(true);
    expect(talk.send('server', noise).client.equals(noise)).toBe(true);
  });

  it('messages of types that nobody knows pass, in either direction', () => {
    const talk = new Talk().logIn();
    talk.passes('server', message('~', Buffer.of(1)));
    const unknown = message('~', Buffer.of(1));
    expect(talk.send('client', unknown).server.equals(unknown)).toBe(true);
    expect(talk.ended).toBe(false);
  });

  it('a replication connection is relayed from its first byte on (11)', () => {
    const talk = new Talk();
    talk.send('client', client.startup({ user: 'app', replication: 'database' }));
    expect(talk.session.raw).toBe(true);
  });
});

describe('cancel keys (6)', () => {
  const request = (key: Buffer): Buffer => Buffer.concat([int32(8 + key.length), int32(80877102), key]);
  const keyOf = (bytes: number): Buffer => Buffer.concat([int32(4711), Buffer.alloc(bytes, 0x7f)]);

  it.each([4, 32, 256])(
    'a key of %i bytes goes to the client as it came, and a cancel with it to the server',
    (bytes) => {
      const key = message('K', keyOf(bytes));
      const talk = new Talk().logIn({}, key);
      expect(talk.out.client.includes(key)).toBe(true);
      const other = new Talk();
      other.send('client', request(keyOf(bytes)));
      expect(other.cancelled?.equals(request(keyOf(bytes)))).toBe(true);
      expect(other.ended).toBe(true);
      expect(other.out.server.length).toBe(0);
    },
  );

  it.each([0, 3, 257])('a cancel with a key of %i bytes is no cancel', (bytes) => {
    const talk = new Talk();
    talk.send('client', request(keyOf(bytes)));
    expect(talk.cancelled).toBeUndefined();
    expect(talk.ended).toBe(true);
  });

  it('a server without a key is logged in to as well', () => {
    const talk = new Talk().logIn({}, Buffer.alloc(0)).begin();
    expect(talk.session.raw).toBe(false);
  });
});

describe('parser bombs', () => {
  const deep = (open: string, close: string, levels: number): string =>
    `${stale} AND ${open.repeat(levels)}1${close.repeat(levels)} = 1`;

  it.each([
    ['20 parentheses, inside the limits', deep('(', ')', 20), true],
    ['100,000 parentheses', deep('(', ')', 100_000), false],
    ['100,000 brackets that never close', deep('[', '', 100_000), false],
    ['10,000 NOTs', `${stale} AND ${'NOT '.repeat(10_000)} stale`, false],
    ['10,000 signs', `${stale} AND n = ${'- '.repeat(10_000)} 1`, false],
    ['1,000 sub-selects', deep('(SELECT ', ')', 1_000), false],
    ['1,000 CASTs', deep('CAST(', ' AS int)', 1_000), false],
  ] as const)('%s', (_, text, taken) => {
    const talk = new Talk().logIn().begin();
    const whole = client.query(text);
    expect(talk.send('client', whole).server.equals(whole)).toBe(true);
    const rows = texts('1', '2').map((value) => server.dataRow([value]));
    talk.passes(
      'server',
      server.rowDescription([id(0)]),
      ...rows,
      server.complete('SELECT 2'),
      server.ready('T'),
    );
    expect(talk.remove().includes('a plan begins')).toBe(taken);
    expect(talk.session.raw).toBe(false);
  });
});
