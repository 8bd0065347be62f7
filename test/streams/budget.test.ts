/** What all sessions of a process may remember together: over it they forget, say so once, and go on. */
import { describe, expect, test } from 'vitest';
import { Budget } from '../../src/memory/budget.ts';
import { createMysqlSession } from '../../src/session/mysql/session.ts';
import type { FindingEvent, LimitEvent, Session, SharedState } from '../../src/session/types.ts';
import { capability as c } from '../../src/wire/mysql/capabilities.ts';
import * as write from '../../src/wire/mysql/writers.ts';
import { writeGreeting, writeResponse } from '../unit/wire/mysql/login-writers.ts';
import { client, server, type Column } from './encode.ts';
import { makeSession, plainLimits, ruleSet, sharedState } from './session.ts';

const rules = ruleSet({ mode: 'observe', tablesNamed: true });
const id: Column = { name: 'id', table: 16_400, attribute: 1, type: 23, format: 0 };

class Talk {
  readonly limits: string[] = [];
  readonly decisions: string[] = [];
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  say(side: 'client' | 'server', ...bytes: Buffer[]): Buffer {
    const { events, toServer, toClient } = this.session.receive(side, Buffer.concat(bytes), 0);
    for (const event of events) {
      if (event.type === 'limit') this.limits.push((event satisfies LimitEvent).limit);
      if (event.type === 'finding') this.decisions.push(decision(event));
    }
    return Buffer.concat(side === 'client' ? toServer : toClient);
  }
}

const decision = ({ decision: what, reason }: FindingEvent) => `${what} ${reason ?? ''}`.trim();

function postgres(shared: SharedState): Talk {
  const talk = new Talk(makeSession(rules, shared)(() => undefined));
  talk.say('client', client.startup({ user: 'app', database: 'shop' }));
  talk.say(
    'server',
    server.authenticationOk(),
    server.parameterStatus('client_encoding', 'UTF8'),
    server.parameterStatus('standard_conforming_strings', 'on'),
    server.ready('I'),
  );
  return talk;
}

/** BEGIN, SELECT of two ids. */
function read(talk: Talk): void {
  talk.say('client', client.query('BEGIN'));
  talk.say('server', server.complete('BEGIN'), server.ready('T'));
  talk.say('client', client.query('SELECT id FROM book WHERE stale'));
  const rows = [server.dataRow(['1']), server.dataRow(['2'])];
  talk.say('server', server.rowDescription([id]), ...rows, server.complete('SELECT 2'), server.ready('T'));
}

function remove(talk: Talk): string[] {
  talk.decisions.length = 0;
  talk.say('client', client.query('DELETE FROM book WHERE id IN (1, 2)'));
  return talk.decisions;
}

describe('PostgreSQL', () => {
  test('ids: who comes too late is not rewritten, and can again when the other has gone', () => {
    const shared = { ...sharedState(), memory: new Budget(200) };
    const [one, other] = [postgres(shared), postgres(shared)];
    read(one);
    expect(shared.memory.used).toBe(130); // two digits, and 64 for each
    read(other);
    expect(other.limits).toEqual(['memory_bytes']);
    expect(remove(other)).toEqual(['refused over-limit']);
    expect(remove(one)).toEqual(['observed']);
    one.session.closed();
    expect(shared.memory.used).toBe(0);
    other.say('server', server.complete('DELETE 2'), server.ready('T'));
    other.say('client', client.query('COMMIT'));
    other.say('server', server.complete('COMMIT'), server.ready('I'));
    read(other);
    expect(remove(other)).toEqual(['observed']);
    expect(other.limits).toEqual(['memory_bytes']);
  });

  test('statements: what is not remembered passes unseen', () => {
    const shared = { ...sharedState(), memory: new Budget(40) };
    const [one, other] = [postgres(shared), postgres(shared)];
    const sql = 'SELECT id FROM book WHERE stale'; // 31 bytes
    for (const talk of [one, other]) {
      const parse = Buffer.concat([client.parse('s', sql), client.sync()]);
      expect(talk.say('client', parse).equals(parse)).toBe(true);
    }
    expect([one.limits, other.limits]).toEqual([[], ['memory_bytes']]);
    expect(shared.memory.used).toBe(sql.length);
    for (const talk of [one, other]) talk.session.closed();
    expect(shared.memory.used).toBe(0);
  });

  test('what a session hits by itself is told once', () => {
    const talk = postgres(sharedState());
    const long = client.query(`SELECT '${'x'.repeat(plainLimits.inspectBytes)}'`);
    for (let n = 0; n < 2; n++) {
      expect(talk.say('client', long).equals(long)).toBe(true);
      talk.say('server', server.complete('SELECT 0'), server.ready('I'));
    }
    expect(talk.limits).toEqual(['inspect_bytes']);
  });
});

test('PostgreSQL: a long message ahead of the log-in is passed in pieces, not kept', () => {
  const limits = { inspectBytes: 1 << 20, messageBytes: 1 << 24 };
  const session = makeSession(rules, sharedState(), limits)(() => undefined);
  const talk = new Talk(session);
  talk.say('client', client.startup({ user: 'app' }));
  const head = Buffer.from([0x70, 0, 1, 0, 0]); // 'p' of 65,536 bytes and its type
  expect(talk.say('client', head, Buffer.alloc(10)).length).toBe(15);
});

describe('MySQL', () => {
  const flags = c.mysql | c.protocol41 | c.secureConnection | c.pluginAuth | c.connectWithDb | c.transactions;
  const capabilities = { flags, mariadb: 0 };

  function mysql(shared: SharedState): Talk {
    const common = { listener: 'test', server: 'fake:3306', wakeSoon: () => undefined };
    const talk = new Talk(createMysqlSession({ ...common, rules, limits: plainLimits, shared }));
    const plugin = 'mysql_native_password';
    const scramble = Buffer.alloc(20, 0x61);
    talk.say(
      'server',
      writeGreeting({ versionText: '8.0.40', connectionId: 7, scramble, capabilities, plugin }),
    );
    talk.say('client', writeResponse({ user: 'app', database: 'shop', capabilities, plugin }));
    talk.say('server', write.writeOk(2, { status: 2 }));
    return talk;
  }

  test('prepared statements', () => {
    const shared = { ...sharedState(), memory: new Budget(20) };
    const [one, other] = [mysql(shared), mysql(shared)];
    for (const talk of [one, other]) {
      talk.say('client', write.writePrepare('DELETE FROM a')); // 13 bytes
      talk.say('server', write.writePreparedOk(1, { statementId: 1, columns: 0, parameters: 0 }));
    }
    expect([one.limits, other.limits]).toEqual([[], ['memory_bytes']]);
    one.say('client', write.writeStatementClose(1));
    one.say('client', write.writeStatementClose(1));
    expect(shared.memory.used).toBe(0);
  });
});
