/**
 * The traps of MySQL's wire, each by its name, at a session in mode rewrite: what is passed on as it came, what ends the
 * connection, what is not rewritten. Files (LOCAL INFILE), long data and CHANGE_USER: hand-written.test.ts; rows that begin
 * with 0xfe, chains of packets, lengths: test/unit/wire/mysql; redirect_url: recordings.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import type { FindingEvent, Session, Side } from '../../../src/session/types.ts';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import { binaryCollation, columnFlag } from '../../../src/wire/mysql/columns.ts';
import { type as t } from '../../../src/wire/mysql/types.ts';
import * as write from '../../../src/wire/mysql/writers.ts';
import { writeGreeting, writeResponse } from '../../unit/wire/mysql/login-writers.ts';
import { plainLimits, ruleSet } from '../session.ts';
import { mysqlShared } from './through.ts';

const flags = c.mysql | c.protocol41 | c.secureConnection | c.pluginAuth | c.connectWithDb | c.transactions;
const capabilities = { flags, mariadb: 0 };
const plugin = 'mysql_native_password';
const inTransaction = 3;

const id = {
  schema: 'shop',
  table: 'book',
  orgTable: 'book',
  name: 'id',
  orgName: 'id',
  collation: binaryCollation,
  type: t.long,
  flags: columnFlag.notNull | columnFlag.primaryKey,
  decimals: 0,
};

class Talk {
  readonly session: Session;
  readonly findings: FindingEvent[] = [];
  ended = false;

  constructor() {
    this.session = createMysqlSession({
      listener: 'test',
      rules: ruleSet({ mode: 'rewrite', tablesNamed: true }),
      limits: plainLimits,
      shared: mysqlShared(),
      server: 'fake:3306',
      wakeSoon: () => undefined,
    });
  }

  greeting(): Buffer {
    const scramble = Buffer.alloc(20, 0x61);
    return writeGreeting({ versionText: '9.7.0', connectionId: 7, scramble, capabilities, plugin });
  }

  /** @param collation of the client's log-in */
  logIn(collation = 45): this {
    this.send('server', this.greeting());
    const response = writeResponse({ user: 'app', database: 'shop', capabilities, plugin });
    response[4 + 8] = collation;
    this.send('client', response);
    this.send('server', write.writeOk(2, { status: 2 }));
    return this;
  }

  /** @returns what left, to either side */
  send(side: Side, ...packets: Buffer[]): { client: Buffer; server: Buffer } {
    const actions = this.session.receive(side, Buffer.concat(packets), 0);
    for (const event of actions.events) if (event.type === 'finding') this.findings.push(event);
    this.ended ||= actions.end;
    return { client: Buffer.concat(actions.toClient), server: Buffer.concat(actions.toServer) };
  }

  passes(side: Side, ...packets: Buffer[]): void {
    const whole = Buffer.concat(packets);
    const left = this.send(side, whole);
    expect(left[side === 'client' ? 'server' : 'client'].equals(whole)).toBe(true);
    expect({ ended: this.ended, raw: this.session.raw }).toEqual({ ended: false, raw: false });
  }

  read(text: string | Buffer): void {
    this.passes('client', write.writeQuery('BEGIN', flags));
    this.passes('server', write.writeOk(1, { status: inTransaction }));
    this.passes('client', write.writeQuery(text, flags));
    this.passes(
      'server',
      write.writeColumnCount(1, 1),
      write.writeColumnDefinition(2, id),
      write.writeEof(3, inTransaction),
      write.writeTextRow(4, ['1']),
      write.writeTextRow(5, ['2']),
      write.writeEof(6, inTransaction),
    );
  }

  /** @returns what was decided of the DELETE */
  remove(): string[] {
    const packet = write.writeQuery('DELETE FROM book WHERE id IN (1, 2)', flags);
    const { server } = this.send('client', packet);
    const decided = this.findings.map(({ decision, reason }) => `${decision} ${reason ?? ''}`.trim());
    return server.equals(packet) ? decided : [...decided, 'a plan begins'];
  }
}

const stale = 'SELECT id FROM book WHERE stale = 1';

describe('the split delete of these tests', () => {
  it('is taken', () => {
    const talk = new Talk().logIn();
    talk.read(stale);
    expect(talk.remove()).toEqual(['a plan begins']);
  });
});

describe('log-in', () => {
  it('a client that speaks before the server ends its connection', () => {
    const talk = new Talk();
    expect(talk.send('client', write.writeQuery('SELECT 1', flags)).server.length).toBe(0);
    expect(talk.ended).toBe(true);
  });

  it.each([
    ['32 bytes, without TLS having been offered (7)', Buffer.alloc(32)],
    ['31 bytes', Buffer.alloc(31)],
    ['33 bytes', Buffer.alloc(33)],
  ])('an SSLRequest of %s ends it', (_, payload) => {
    payload.writeUInt32LE((flags | c.ssl) >>> 0, 0);
    const talk = new Talk();
    talk.send('server', talk.greeting());
    expect(talk.send('client', write.writePacket(1, payload)).server.length).toBe(0);
    expect(talk.ended).toBe(true);
  });

  it.each([
    ['an unterminated version', 0x0a, Buffer.from('9.7.0')],
    ['another protocol', 0x09, Buffer.from('9.7.0\0')],
    ['nothing behind the version', 0x0a, Buffer.from('9.7.0\0')],
  ])('a greeting with %s ends it', (_, protocol, rest) => {
    const talk = new Talk();
    talk.send('server', write.writePacket(0, Buffer.concat([Buffer.of(protocol), rest])));
    expect(talk.ended).toBe(true);
  });

  it.each([
    ['user', Buffer.from('app')],
    ['database', Buffer.from('app\0\0shop')],
  ])('an unterminated %s is read up to the end of the packet or refused, never further', (_, rest) => {
    const fixed = Buffer.alloc(32);
    fixed.writeUInt32LE(flags, 0);
    const talk = new Talk();
    talk.send('server', talk.greeting());
    const packet = write.writePacket(1, Buffer.concat([fixed, rest]));
    const { server } = talk.send('client', packet);
    expect(talk.ended || server.equals(packet)).toBe(true);
  });
});

describe('replies', () => {
  const err = (payload: string): Buffer => write.writePacket(1, Buffer.from(payload, 'latin1'));
  it.each([
    ['without a SQLSTATE', err('\xff\x28\x04no')],
    ['without a text', err('\xff\x28\x04')],
    ['with half a SQLSTATE', err('\xff\x28\x04#42')],
    ['without a number', err('\xff')],
  ])('an error %s passes, and the session goes on', (_, error) => {
    const talk = new Talk().logIn();
    talk.passes('client', write.writeQuery('SELEC', flags));
    talk.passes('server', error);
    talk.read(stale);
    expect(talk.remove()).toEqual(['a plan begins']);
  });

  it.each([
    ['a column count beyond its packet', Buffer.from([0xfe, 1, 2])],
    ['an OK whose numbers are cut off', Buffer.from([0x00, 0xfe, 1])],
    ['an empty packet', Buffer.alloc(0)],
  ])('%s is nothing that can be followed: it passes, or the connection ends', (_, payload) => {
    const talk = new Talk().logIn();
    talk.passes('client', write.writeQuery('SELECT 1', flags));
    const packet = write.writePacket(1, payload);
    const { client } = talk.send('server', packet);
    expect(talk.ended || (talk.session.raw && client.equals(packet))).toBe(true);
  });

  it('a reply that nobody asked for: raw relay', () => {
    const talk = new Talk().logIn();
    const packet = write.writeOk(1, { status: 2 });
    expect(talk.send('server', packet).client.equals(packet)).toBe(true);
    expect(talk.session.raw).toBe(true);
  });
});

describe('texts', () => {
  it.each([
    ['big5', 1],
    ['sjis', 13],
    ['gbk', 28],
    ['cp932', 95],
    ['gb18030', 248],
  ])('%s: the second byte of a character may be a backslash, so nothing is rewritten', (_, collation) => {
    const talk = new Talk().logIn(collation);
    // 0xbf 0x5c is one character of GBK, and 0x27 ends the string.
    talk.read(Buffer.from(`SELECT id FROM book WHERE name = '\xbf\x5c'`, 'latin1'));
    expect(talk.remove()).not.toContain('a plan begins');
  });

  it.each([
    ['an unterminated string', `SELECT id FROM book WHERE name = 'x`],
    ['an unterminated identifier', 'SELECT id FROM `book WHERE stale'],
    ['an unterminated comment', 'SELECT id FROM book /* WHERE stale = 1'],
    ['comments that do not nest', 'SELECT id FROM book /* /* */ */ WHERE stale = 1'],
    ['an executable comment', 'SELECT id FROM book WHERE stale = 1 /*! LIMIT 2 */'],
    ['an executable comment of MariaDB', 'SELECT id FROM book WHERE stale = 1 /*M!100000 LIMIT 2 */'],
    ['a string that a backslash keeps open', `SELECT id FROM book WHERE name = 'x\\' AND stale = 1`],
  ])('%s passes, and the DELETE behind it too', (_, text) => {
    const talk = new Talk().logIn();
    talk.read(text);
    expect(talk.remove()).not.toContain('a plan begins');
  });
});

describe('parser bombs', () => {
  const nested = (open: string, close: string, levels: number): string =>
    `${stale} AND ${open.repeat(levels)}1${close.repeat(levels)}`;

  it.each([
    ['sub-selects', nested('(SELECT ', ')', 12)],
    ['CASTs', nested('CAST(', ' AS CHAR)', 12)],
    ['1,000 CASTs', nested('CAST(', ' AS CHAR)', 1_000)],
    ['100,000 parentheses', nested('(', ')', 100_000)],
    ['10,000 NOTs', `${stale} AND ${'NOT '.repeat(10_000)} stale`],
    ['10,000 signs', `${stale} AND n = ${'- '.repeat(10_000)} 1`],
  ])('%s: an answer, and no rewrite', (_, text) => {
    const talk = new Talk().logIn();
    talk.read(text);
    expect(talk.remove().filter((one) => one !== 'a plan begins' && !one.startsWith('refused '))).toEqual([]);
    expect(talk.session.raw).toBe(false);
  });
});
