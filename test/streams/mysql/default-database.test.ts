/** The default database of prepared statements, COM_INIT_DB, and guards that end in the middle of a message. */
import { expect, test } from 'vitest';
import { movesDatabase } from '../../../src/facts/mysql.ts';
import { MysqlConversation } from '../../../src/session/mysql/conversation.ts';
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import { SentStatement, StatementText } from '../../../src/session/statement.ts';
import type { SessionOptions, Side } from '../../../src/session/types.ts';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import { command } from '../../../src/wire/mysql/commands.ts';
import { writeExecute } from '../../../src/wire/mysql/execute.ts';
import * as write from '../../../src/wire/mysql/writers.ts';
import { writeGreeting, writeResponse } from '../../unit/wire/mysql/login-writers.ts';
import { plainLimits, ruleSet, sharedState } from '../session.ts';

const flags = c.mysql | c.protocol41 | c.secureConnection | c.pluginAuth | c.connectWithDb | c.transactions;
const capabilities = { flags, mariadb: 0 };
const ok = write.writeOk(1, { status: 2 });

function options(): SessionOptions {
  return {
    listener: 'test',
    rules: ruleSet({ mode: 'rewrite', tablesNamed: true }),
    limits: plainLimits,
    shared: sharedState(),
    server: 'fake:3306',
    wakeSoon: () => undefined,
  };
}

test('a statement prepared under another default database is not read, whichever way that was chosen', () => {
  const session = createMysqlSession(options());
  const say = (side: Side, ...bytes: Buffer[]): void => {
    session.receive(side, Buffer.concat(bytes), 0);
  };
  const plugin = 'mysql_native_password';
  const scramble = Buffer.alloc(20, 0x61);
  say('server', writeGreeting({ versionText: '8.0.40', connectionId: 7, scramble, capabilities, plugin }));
  say('client', writeResponse({ user: 'app', database: 'shop', capabilities, plugin }));
  say('server', write.writeOk(2, { status: 2 }));
  const prepare = (id: number): void => {
    say('client', write.writePrepare('DELETE FROM t WHERE id IN (1)'));
    say('server', write.writePreparedOk(1, { statementId: id, columns: 0, parameters: 0 }));
  };
  const isRead = (id: number): boolean => {
    const before = session.counters.inspected;
    say('client', writeExecute(flags, { statementId: id, flags: 0, types: [], values: [] }));
    say('server', ok);
    return session.counters.inspected > before;
  };
  prepare(1);
  expect(isRead(1)).toBe(true);
  say('client', write.writeCommand(command.initDb, Buffer.from('attic')));
  say('server', ok);
  expect(isRead(1)).toBe(false);
  prepare(2);
  expect([isRead(2), isRead(1)]).toEqual([true, false]);
  say('client', write.writeQuery('USE shop', flags));
  say('server', ok);
  expect(isRead(2)).toBe(false);
  expect([session.raw, session.idle]).toEqual([false, true]);
});

test.each([
  ['USE shop', true],
  ['SELECT 1; USE shop', true],
  ["EXECUTE IMMEDIATE 'USE shop'", true],
  ['SELECT id FROM t USE INDEX (a)', false],
  ["INSERT INTO t VALUES ('use; it')", false],
  ['CREATE TABLE t (id int)', false],
])('%s', (sql, moves) => {
  const text = new StatementText(Buffer.from(sql), new MysqlConversation(options()).settings);
  expect(movesDatabase(new SentStatement(text, 'simple'))).toBe(moves);
});

test('a guard that ends in the middle of a message of the client is freed behind it', () => {
  const state = new MysqlConversation(options());
  const sent = (): string => {
    const bytes = Buffer.concat(state.output.take(undefined, false).toServer).toString('latin1');
    state.output.begin();
    return bytes;
  };
  state.rememberGuard('g');
  state.sending(false);
  state.releaseGuards();
  expect([sent(), state.guards, state.expected.empty]).toEqual(['', [], true]);
  state.sending(true);
  expect(sent()).toContain("DO RELEASE_LOCK('g')");
  expect(state.expected.empty).toBe(false);
  state.sending(true);
  expect(sent()).toBe('');
  state.rememberGuard('h');
  state.releaseGuards();
  expect(sent()).toContain("'h'");
});
