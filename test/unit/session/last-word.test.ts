/** Where in a conversation an error of the proxy's own fits, and in which form; and how a server is left that a client never answered. */
import { describe, expect, test } from 'vitest';
import { fatalCodes } from '../../../src/session/last-word.ts';
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import type { Actions, Session } from '../../../src/session/types.ts';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import { command } from '../../../src/wire/mysql/commands.ts';
import { readHandshakeResponse } from '../../../src/wire/mysql/handshake-response.ts';
import * as write from '../../../src/wire/mysql/writers.ts';
import { client, server } from '../../streams/encode.ts';
import { makeSession, plainLimits, ruleSet, sharedState } from '../../streams/session.ts';
import { writeGreeting, writeResponse } from '../wire/mysql/login-writers.ts';

const word = { code: fatalCodes.connectionLost, message: 'gone', hint: 'Try again.' };
const bytes = (list: readonly Buffer[]): Buffer => Buffer.concat(list);

describe('PostgreSQL', () => {
  const greeting = bytes([server.authenticationOk(), server.ready('I')]);
  function session(): Session {
    const one = makeSession(ruleSet({ mode: 'rewrite', tablesNamed: true }))(() => undefined);
    one.receive('client', client.startup({ user: 'app', database: 'shop' }), 0);
    return one;
  }
  const said = (one: Session): string | undefined => one.lastWord(word)?.toString('latin1').slice(5);
  const error = 'SFATAL\0VFATAL\0C08006\0Mgone\0HTry again.\0\0';

  test('between messages, in a log-in too; never in the middle of one', () => {
    const one = session();
    expect(said(one)).toBe(error);
    one.receive('server', greeting, 0);
    expect(said(one)).toBe(error);
    one.receive('client', client.query('SELECT 1'), 0);
    const row = server.dataRow([Buffer.alloc(100_000, 'x')]);
    expect(one.receive('server', row.subarray(0, 50_000), 0).toClient).not.toEqual([]);
    expect(said(one)).toBeUndefined();
    one.receive('server', row.subarray(50_000), 0);
    expect(said(one)).toBe(error);
    // A piece that is held has not reached the client.
    const ready = server.ready('T');
    one.receive('server', ready.subarray(0, 3), 0);
    expect(said(one)).toBe(error);
  });

  test.for([
    ['client', client.terminate()],
    ['server', server.error({ severity: 'FATAL', code: '57P01', message: 'shutting down' })],
  ] as const)('the %s has said good-bye: nothing more', ([side, goodbye]) => {
    const one = session();
    one.receive('server', greeting, 0);
    expect(one.parted).toBe(false);
    one.receive(side, goodbye, 0);
    expect([one.parted, said(one)]).toEqual([true, undefined]);
  });

  test('a log-in that the server refuses is told, and the session is over', () => {
    const one = session();
    const refusal = server.error({ severity: 'FATAL', code: '28P01', message: 'password' });
    expect(one.receive('server', refusal, 0).events).toEqual([
      { type: 'log-in-refused', user: 'app', database: 'shop', application: '', code: '28P01' },
    ]);
    expect(one.parted).toBe(true);
  });

  test('what no Sync has closed is a transaction, whatever the last status', () => {
    const one = session();
    one.receive('server', greeting, 0);
    expect(one.idle).toBe(true);
    one.receive('client', bytes([client.parse('', 'INSERT'), client.bind('', ''), client.execute('')]), 0);
    one.receive('client', client.flush(), 0);
    one.receive(
      'server',
      bytes([server.parseComplete(), server.bindComplete(), server.complete('INSERT 0 1')]),
      0,
    );
    expect(one.idle).toBe(false);
    one.receive('client', client.sync(), 0);
    expect(one.idle).toBe(false);
    one.receive('server', server.ready('I'), 0);
    expect(one.idle).toBe(true);
  });
});

describe('MySQL', () => {
  const plugin = 'mysql_native_password';
  const capabilities = { flags: c.mysql | c.protocol41 | c.secureConnection | c.pluginAuth, mariadb: 0 };
  const greeting = (versionText = '9.7.0', flags = capabilities.flags): Buffer =>
    writeGreeting({
      versionText,
      connectionId: 7,
      scramble: Buffer.alloc(20, 0x61),
      capabilities: { flags, mariadb: 0 },
      plugin,
    });
  const login = writeResponse({ user: 'app', capabilities, plugin });

  function session(tls?: 'prefer'): Session {
    return createMysqlSession({
      listener: 'test',
      rules: ruleSet({ mode: 'rewrite', tablesNamed: true }),
      limits: plainLimits,
      shared: sharedState(),
      server: 'fake:3306',
      wakeSoon: () => undefined,
      ...(tls !== undefined && { tls: { client: 'off', server: tls } }),
    });
  }
  function loggedIn(): Session {
    const one = session();
    one.receive('server', greeting(), 0);
    one.receive('client', login, 0);
    one.receive('server', write.writeOk(2, { status: 2 }), 0);
    return one;
  }
  /** Sequence id, and whether the error has an SQLSTATE. */
  function said(one: Session): [number, boolean] | undefined {
    const packet = one.lastWord(word);
    if (packet === undefined) return undefined;
    const text = packet.toString('latin1', 7);
    expect(text).toMatch(/^(#08S01)?gone\. Try again\.$/);
    return [packet[3] ?? -1, text.startsWith('#')];
  }

  test('in a log-in: the packet that the client waits for, once it has said its part', () => {
    const one = session();
    expect(said(one)).toEqual([0, false]);
    one.receive('server', greeting(), 0);
    expect(said(one)).toEqual([2, true]);
    one.receive('client', login, 0);
    expect(said(one)).toEqual([2, true]);
    one.receive(
      'server',
      write.writePacket(2, Buffer.from('\xfecaching_sha2_password\0scramble\0', 'latin1')),
      0,
    );
    expect(said(one)).toEqual([4, true]);
    one.receive('client', write.writePacket(3, Buffer.alloc(32, 1)), 0);
    expect(said(one)).toEqual([4, true]);
    // Fast authentication: the client has nothing to say to that.
    one.receive('server', write.writePacket(4, Buffer.from([1, 3])), 0);
    expect(said(one)).toEqual([5, true]);
    one.receive('server', write.writeOk(5, { status: 2 }), 0);
    expect(said(one)).toEqual([0, true]);
  });

  test('in a reply: behind the last packet of it', () => {
    const one = loggedIn();
    one.receive('client', write.writeQuery('SELECT 1', 0), 0);
    expect(said(one)).toEqual([1, true]);
    one.receive('server', write.writeColumnCount(1, 1), 0);
    expect(said(one)).toEqual([2, true]);
    one.receive('client', write.writeCommand(command.ping), 0);
    expect(said(one)).toEqual([2, true]);
  });

  test('a packet that has only begun to come is not part of the reply yet', () => {
    const one = loggedIn();
    one.receive('client', write.writeQuery('SELECT 1', 0), 0);
    const count = write.writeColumnCount(1, 1);
    one.receive('server', count.subarray(0, 4), 0);
    expect(said(one)).toEqual([1, true]);
    one.receive('server', count.subarray(4), 0);
    one.receive('server', write.writePacket(2, Buffer.alloc(30, 1)).subarray(0, 20), 0);
    expect(said(one)).toEqual([2, true]);
  });

  test('several commands are due: the first of them, from its beginning', () => {
    const one = loggedIn();
    one.receive('client', bytes([write.writeCommand(command.ping), write.writeCommand(command.ping)]), 0);
    expect(said(one)).toEqual([1, true]);
    one.receive('server', write.writeOk(1, { status: 2 }), 0);
    expect(said(one)).toEqual([1, true]);
    one.receive('server', write.writeOk(1, { status: 2 }), 0);
    expect(said(one)).toEqual([0, true]);
  });

  test('a command that has only begun to come will be answered with 1', () => {
    const one = loggedIn();
    one.receive('client', write.writeQuery('SELECT 1', 0).subarray(0, 7), 0);
    expect(said(one)).toEqual([1, true]);
    expect(one.idle).toBe(false);
  });

  test('in the middle of a file that the client sends: not at all', () => {
    const one = loggedIn();
    one.receive('client', write.writeQuery("LOAD DATA LOCAL INFILE 'f' INTO TABLE t", 0), 0);
    one.receive('server', write.writePacket(1, Buffer.from('\xfbf', 'latin1')), 0);
    expect(said(one)).toBeUndefined();
    one.receive('client', write.writePacket(2, Buffer.alloc(0)), 0);
    expect(said(one)).toEqual([3, true]);
  });

  test.for([
    ['COM_QUIT', 'client', write.writeCommand(command.quit)],
    [
      'a good-bye of the server',
      'server',
      write.writeErr(0, { errno: 4031, sqlstate: 'HY000', message: 'idle' }),
    ],
  ] as const)('%s: nothing more', ([, side, packet]) => {
    const one = loggedIn();
    one.receive(side, packet, 0);
    expect([one.parted, said(one)]).toEqual([true, undefined]);
  });

  test('a command is answered with "shutting down": nothing more', () => {
    const one = loggedIn();
    one.receive('client', write.writeQuery('SELECT 1', 0), 0);
    one.receive('server', write.writeErr(1, { errno: 1053, sqlstate: '08S01', message: 'shutdown' }), 0);
    expect(one.parted).toBe(true);
  });

  test('a cursor with rows left is no idle session', () => {
    const one = loggedIn();
    const fetch = (status: number): boolean => {
      one.receive('client', write.writeCommand(command.stmtFetch, Buffer.alloc(8, 1)), 0);
      one.receive('server', write.writeEof(1, status), 0);
      return one.idle;
    };
    const [cursorExists, lastRowSent] = [0x40, 0x80];
    expect([fetch(2 | cursorExists), fetch(2 | cursorExists), fetch(2 | lastRowSent)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(fetch(2 | cursorExists)).toBe(false);
    one.receive('client', write.writeStatementClose(1), 0);
    expect(one.idle).toBe(true);
  });

  test('idle for too long: MariaDB closes without a word', () => {
    const idle = { code: fatalCodes.idleTimeout, message: 'idle' };
    expect(loggedIn().lastWord(idle)?.readUInt16LE(5)).toBe(4031);
    const mariadb = session();
    mariadb.receive('server', greeting('11.8.1-MariaDB'), 0);
    expect(mariadb.lastWord(idle)).toBeUndefined();
  });

  describe('a client that leaves before it answers', () => {
    const taken = ({ toServer, startTls, end }: Actions) => ({ toServer: bytes(toServer), startTls, end });
    const isLogin = (packet: Buffer, sequence: number): void => {
      expect(packet[3]).toBe(sequence);
      const response = readHandshakeResponse(packet, 0, packet.length);
      expect(response).toMatchObject({ kind: 'response', plugin, database: '' });
    };

    test.each([true, false])(
      'the server gets a log-in, and a no to it is the end (greeted before: %s)',
      (before) => {
        const one = session();
        if (before) one.receive('server', greeting(), 0);
        const left = taken(one.clientLeft(0));
        if (!before) expect(left).toMatchObject({ toServer: Buffer.alloc(0), end: false });
        const { toServer, end } = before ? left : taken(one.receive('server', greeting(), 0));
        expect(end).toBe(false);
        isLogin(toServer, 1);
        // Another plugin is asked for: an empty answer.
        const asked = one.receive(
          'server',
          write.writePacket(2, Buffer.from('\xfeed25519\0scramble', 'latin1')),
          0,
        );
        expect(taken(asked)).toMatchObject({ toServer: Buffer.from([0, 0, 0, 3]), end: false });
        const denied = write.writeErr(4, { errno: 1045, sqlstate: '28000', message: 'denied' });
        expect(one.receive('server', denied, 0)).toMatchObject({ toServer: [], end: true, events: [] });
      },
    );

    test('the server lets everybody in: COM_QUIT', () => {
      const one = session();
      one.receive('server', greeting(), 0);
      one.clientLeft(0);
      const { toServer, end } = taken(one.receive('server', write.writeOk(2, { status: 2 }), 0));
      expect({ toServer, end }).toEqual({ toServer: write.writeCommand(command.quit), end: true });
    });

    test('under TLS where the server has it', () => {
      const one = session('prefer');
      one.receive('server', greeting('9.7.0', capabilities.flags | c.ssl), 0);
      const left = taken(one.clientLeft(0));
      expect(left.startTls).toEqual({ side: 'server' });
      expect(readHandshakeResponse(left.toServer, 0, left.toServer.length).kind).toBe('ssl');
      isLogin(taken(one.secured('server', 0)).toServer, 2);
    });

    test('PostgreSQL needs nothing', () => {
      expect(
        makeSession(ruleSet({ mode: 'observe', tablesNamed: true }))(() => undefined).clientLeft(0).end,
      ).toBe(true);
    });
  });
});
