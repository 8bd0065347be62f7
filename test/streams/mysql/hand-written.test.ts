/**
 * What no recording holds: a server that asks for a file which nobody offered, a file of more packets than sequence ids, long
 * data and executions that are too long to be looked at, another user. Bytes as they were sent, whatever the chunks.
 */
import { describe, expect, it } from 'vitest';
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import type { Session, SessionInfo, Side } from '../../../src/session/types.ts';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import { command } from '../../../src/wire/mysql/commands.ts';
import { writeExecute } from '../../../src/wire/mysql/execute.ts';
import { type as t } from '../../../src/wire/mysql/types.ts';
import * as write from '../../../src/wire/mysql/writers.ts';
import { writeGreeting, writeResponse } from '../../unit/wire/mysql/login-writers.ts';
import { plainLimits, ruleSet, sharedState } from '../session.ts';

const flags =
  c.mysql |
  c.protocol41 |
  c.secureConnection |
  c.pluginAuth |
  c.connectWithDb |
  c.localFiles |
  c.transactions;
const capabilities = { flags, mariadb: 0 };
const status = 2;

interface Talk {
  session: Session;
  infos: SessionInfo[];
  /** What left towards the other side. */
  say: (side: Side, ...bytes: Buffer[]) => { toServer: Buffer; toClient: Buffer; end: boolean };
}

/** A session that is logged in. */
function talk(): Talk {
  const infos: SessionInfo[] = [];
  const rules = ruleSet({ mode: 'observe', tablesNamed: true });
  const session = createMysqlSession({
    listener: 'test',
    rules: {
      forSession: (info) => {
        infos.push(info);
        return rules.forSession(info);
      },
    },
    limits: plainLimits,
    shared: sharedState(),
    server: 'fake:3306',
    wakeSoon: () => undefined,
  });
  const say: Talk['say'] = (side, ...bytes) => {
    const { toServer, toClient, end } = session.receive(side, Buffer.concat(bytes), 0);
    return { toServer: Buffer.concat(toServer), toClient: Buffer.concat(toClient), end };
  };
  const plugin = 'mysql_native_password';
  const scramble = Buffer.alloc(20, 0x61);
  say('server', writeGreeting({ versionText: '8.0.40', connectionId: 7, scramble, capabilities, plugin }));
  say('client', writeResponse({ user: 'app', database: 'shop', capabilities, plugin }));
  say('server', write.writeOk(2, { status }));
  return { session, infos, say };
}

const askForFile = write.writePacket(1, Buffer.from('\xfb/etc/passwd', 'latin1'));
const load = "LOAD DATA LOCAL INFILE 'x' INTO TABLE t";

describe('a request for a file', () => {
  it.each([
    load,
    `/* app */ ${load}`,
    `SELECT 1; ${load}`,
    'EXECUTE loads',
    'load  data concurrent\nlocal infile "x" into table t',
  ])('passes behind %s', (text) => {
    const { say, session } = talk();
    say('client', write.writeQuery(text, flags));
    expect(say('server', askForFile)).toMatchObject({ toClient: askForFile, end: false });
    expect(session.raw).toBe(false);
  });

  it.each(['SELECT 1', "INSERT INTO t VALUES ('x')", 'LOAD DATA INFILE "x" INTO TABLE t'])(
    'does not pass behind %s',
    (text) => {
      const { say } = talk();
      say('client', write.writeQuery(text, flags));
      const { toClient, end } = say('server', askForFile);
      expect(end).toBe(true);
      expect(toClient[4]).toBe(0xff);
      expect(toClient.includes('passwd')).toBe(false);
    },
  );

  it('is answered by packets that are no commands, whatever their sequence ids, up to an empty one', () => {
    const { say, session } = talk();
    say('client', write.writeQuery(load, flags));
    say('server', askForFile);
    const before = { ...session.counters };
    for (let id = 2; id < 700; id += 1) {
      const packet = write.writePacket(id & 0xff, Buffer.from('\x03DELETE FROM t', 'latin1'));
      expect(say('client', packet).toServer.equals(packet)).toBe(true);
    }
    expect(session.counters).toEqual(before);
    say('client', write.writePacket(700 & 0xff, Buffer.alloc(0)));
    say('server', write.writeOk(701 & 0xff, { status, affectedRows: 1 }));
    expect(session.idle).toBe(true);
    say('client', write.writeQuery('SELECT 1', flags));
    expect(session.counters.inspected).toBe(before.inspected + 1);
    expect(session.raw).toBe(false);
  });
});

describe('statements that pass unseen', () => {
  const long = plainLimits.inspectBytes + 100;
  const prepared = (id: number): Buffer[] => [
    write.writePreparedOk(1, { statementId: id, columns: 0, parameters: 2 }),
    ...[2, 3].map((sequence) =>
      write.writeColumnDefinition(sequence, {
        schema: '',
        table: '',
        orgTable: '',
        name: '?',
        orgName: '',
        type: t.varString,
        flags: 0,
        collation: 63,
        decimals: 0,
      }),
    ),
    write.writeEof(4, status),
  ];
  const types = [
    { type: t.varString, unsigned: false, name: '' },
    { type: t.longlong, unsigned: false, name: '' },
  ];
  const execution = (text: string): Buffer =>
    writeExecute(flags, { statementId: 1, flags: 0, types, values: [Buffer.from(text), Buffer.alloc(8, 1)] });

  it('are executions, and those behind them until the types are sent again', () => {
    const { say, session } = talk();
    say('client', write.writePrepare('INSERT INTO t VALUES (?, ?)'));
    say('server', ...prepared(1));
    const runs = (packet: Buffer): number => {
      const { inspected } = session.counters;
      expect(say('client', packet).toServer.equals(packet)).toBe(true);
      say('server', write.writeOk(1, { status, affectedRows: 1 }));
      return session.counters.inspected - inspected;
    };
    const untyped = write.writeCommand(
      command.stmtExecute,
      Buffer.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0x78]),
      Buffer.alloc(8, 1),
    );
    expect(runs(execution('a'))).toBe(1);
    expect(runs(untyped)).toBe(1);
    expect(runs(execution('x'.repeat(long)))).toBe(0);
    expect(runs(untyped)).toBe(0);
    expect(runs(execution('a'))).toBe(1);
    expect(runs(untyped)).toBe(1);
    const data = write.writeCommand(
      command.stmtSendLongData,
      Buffer.from([1, 0, 0, 0, 0, 0]),
      Buffer.alloc(long, 0x78),
    );
    for (const chunks of [[data], [data.subarray(0, 6), data.subarray(6)]]) {
      for (const chunk of chunks) say('client', chunk);
      expect(runs(execution('a'))).toBe(0);
      expect(runs(execution('a'))).toBe(1);
    }
    expect(session.raw).toBe(false);
    expect(session.idle).toBe(true);
  });
});

describe('another user', () => {
  const changeUser = write.writeCommand(
    command.changeUser,
    Buffer.from('other\0\0cellar\0'),
    Buffer.from([45, 0]),
    Buffer.from('mysql_native_password\0'),
  );

  it('is who the rules are asked for, once the server has let it in', () => {
    const { say, session, infos } = talk();
    expect(infos.at(-1)).toMatchObject({ user: 'app', database: 'shop' });
    say('client', changeUser);
    expect(infos).toHaveLength(1);
    say('server', write.writeOk(1, { status }));
    expect(infos.at(-1)).toMatchObject({ listener: 'test', user: 'other', database: 'cellar' });
    expect(session.idle).toBe(true);
  });

  it('is not when the server refuses it; the session of the one before is a new one', () => {
    const { say, session, infos } = talk();
    say('client', write.writeQuery('BEGIN', flags));
    say('server', write.writeOk(1, { status: 3 }));
    expect(session.idle).toBe(false);
    say('client', changeUser);
    say('server', write.writeErr(1, { errno: 1045, sqlstate: '28000', message: 'no' }));
    expect(infos).toHaveLength(1);
    expect(session.idle).toBe(true);
  });
});
