/**
 * Every type byte of both protocols, in a session that has just logged in and that rules apply to: it passes as it came, and is
 * either followed or puts the session into raw relay, counted with the reason. PostgreSQL 3.0 to 3.2 ("Message Formats"),
 * COM_* of MySQL 9 and MariaDB 11.
 */
import { describe, expect, test } from 'vitest';
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import type { Session, SessionEvent, Side } from '../../../src/session/types.ts';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import * as write from '../../../src/wire/mysql/writers.ts';
import { client, message, server } from '../../streams/encode.ts';
import { makeSession, plainLimits, ruleSet, sharedState } from '../../streams/session.ts';
import { writeGreeting, writeResponse } from '../wire/mysql/login-writers.ts';

const bytes = Array.from({ length: 256 }, (_, byte) => byte);
const letter = (byte: number): string => String.fromCharCode(byte);

interface Said {
  passed: boolean;
  ended: boolean;
  raw: string | undefined;
}

function say(session: Session, side: Side, sent: Buffer): Said {
  const { toServer, toClient, events, end } = session.receive(side, Buffer.from(sent), 0);
  const passed = Buffer.concat(side === 'client' ? toServer : toClient).equals(sent);
  const relay = events.find((event: SessionEvent) => event.type === 'raw-relay');
  return { passed, ended: end, raw: relay?.why };
}

function postgres(): Session {
  const session = makeSession(ruleSet({ mode: 'rewrite', tablesNamed: true }))(() => undefined);
  session.receive('client', client.startup({ user: 'app', database: 'shop' }), 0);
  session.receive('server', Buffer.concat([server.authenticationOk(), server.ready('I')]), 0);
  return session;
}

describe('PostgreSQL, of the client', () => {
  const known = 'BCDEFHPQSXcdfp';
  // Well formed or not: what is malformed inside is the server's to answer.
  test.each(['', '\0\0\0\0\0\0', 'SELECT 1\0'])('each type, with the body %j', (body) => {
    for (const byte of bytes) {
      const said = say(postgres(), 'client', message(letter(byte), Buffer.from(body, 'latin1')));
      const raw = known.includes(letter(byte)) ? undefined : 'unknown-message';
      expect(said, letter(byte)).toEqual({ passed: true, ended: false, raw });
    }
  });
});

describe('PostgreSQL, of the server', () => {
  /** Answers, none of which is due. */
  const answers = '123CDIVTZnst';
  const body = (byte: number): Buffer => {
    if (letter(byte) === 'E' || letter(byte) === 'N') return Buffer.from('SERROR\0C57P01\0Mgone\0\0');
    if (letter(byte) === 'S') return Buffer.from('TimeZone\0UTC\0');
    if (letter(byte) === 'Z') return Buffer.from('I');
    return Buffer.alloc(12);
  };

  test('each type', () => {
    for (const byte of bytes) {
      const said = say(postgres(), 'server', message(letter(byte), body(byte)));
      const raw = answers.includes(letter(byte))
        ? 'out-of-sync'
        : letter(byte) === 'W'
          ? 'copy-both'
          : undefined;
      expect(said, letter(byte)).toEqual({ passed: true, ended: false, raw });
    }
  });
});

describe.each(['9.7.0', '11.8.1-MariaDB'])('commands to %s', (versionText) => {
  /** COM_BINLOG_DUMP, _TABLE_DUMP, _CONNECT_OUT, _BINLOG_DUMP_GTID, _CLONE, _SUBSCRIBE_GROUP_REPLICATION_STREAM */
  const streams = new Set([0x12, 0x13, 0x14, 0x1e, 0x20, 0x21]);
  /** COM_QUIT, _STMT_SEND_LONG_DATA, _STMT_CLOSE */
  const unanswered = new Set([0x01, 0x18, 0x19]);
  const changeUser = 0x11;
  const flags = c.mysql | c.protocol41 | c.secureConnection | c.pluginAuth | c.connectWithDb;

  function mysql(): Session {
    const session = createMysqlSession({
      listener: 'test',
      rules: ruleSet({ mode: 'rewrite', tablesNamed: true }),
      limits: plainLimits,
      shared: sharedState(),
      server: 'fake:3306',
      wakeSoon: () => undefined,
    });
    const plugin = 'mysql_native_password';
    const capabilities = { flags, mariadb: 0 };
    const scramble = Buffer.alloc(20, 0x61);
    session.receive(
      'server',
      writeGreeting({ versionText, connectionId: 7, scramble, capabilities, plugin }),
      0,
    );
    session.receive('client', writeResponse({ user: 'app', database: 'shop', capabilities, plugin }), 0);
    session.receive('server', write.writeOk(2, { status: 2 }), 0);
    return session;
  }

  test.each([0, 4, 40])('each code, with %i bytes behind it', (length) => {
    for (const code of bytes.filter((byte) => byte !== changeUser)) {
      const session = mysql();
      const said = say(session, 'client', write.writeCommand(code, Buffer.alloc(length)));
      const raw = streams.has(code) ? 'replication' : undefined;
      expect(said, `command ${code}`).toEqual({ passed: true, ended: false, raw });
      if (raw !== undefined || unanswered.has(code)) continue;
      const error = write.writeErr(1, { errno: 1047, sqlstate: '08S01', message: 'Unknown command' });
      expect(say(session, 'server', error), `answer to ${code}`).toEqual({
        passed: true,
        ended: false,
        raw: undefined,
      });
    }
  });

  test('COM_CHANGE_USER', () => {
    const user = write.writeCommand(changeUser, Buffer.from('app\0\0shop\0\x2d\0mysql_native_password\0'));
    expect(say(mysql(), 'client', user)).toEqual({ passed: true, ended: false, raw: undefined });
  });
});
