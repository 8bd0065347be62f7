/** MariaDB's "the statement prepared last", when a plan has prepared one of its own since: the client means its own. */
import { expect, test } from 'vitest';
import { MysqlClientSide } from '../../../src/session/mysql/client-side.ts';
import { MysqlConversation } from '../../../src/session/mysql/conversation.ts';
import { Prepared } from '../../../src/session/mysql/prepared.ts';
import { unseenText } from '../../../src/session/statement.ts';
import { lastPrepared } from '../../../src/wire/mysql/client-commands.ts';
import { command } from '../../../src/wire/mysql/commands.ts';
import { Framer } from '../../../src/wire/mysql/framer.ts';
import { writeCommand, writePrepare } from '../../../src/wire/mysql/writers.ts';
import { plainLimits, ruleSet, sharedState } from '../../streams/session.ts';

function talk(): { state: MysqlConversation; say: (packet: Buffer) => Buffer } {
  const state = new MysqlConversation({
    listener: 'test',
    rules: ruleSet({ mode: 'off', tablesNamed: true }),
    limits: plainLimits,
    shared: sharedState(),
    server: 'fake:3306',
    wakeSoon: () => undefined,
  });
  const side = new MysqlClientSide(state);
  const say = (packet: Buffer): Buffer => {
    const framer = new Framer(plainLimits.messageBytes);
    state.output.begin();
    framer.push(packet);
    for (let step = framer.next(); step !== 0; step = framer.next()) {
      if (step === 2) framer.hold();
      else side.message(framer);
    }
    return Buffer.concat(state.output.take(undefined, false).toServer);
  };
  const prepared = new Prepared(unseenText, state.databases);
  state.prepared.sent(prepared);
  state.prepared.answered(prepared, 7);
  return { state, say };
}

const id = (packet: Buffer): number => packet.readUInt32LE(5);
const naming = [
  'stmtExecute',
  'stmtBulkExecute',
  'stmtSendLongData',
  'stmtReset',
  'stmtFetch',
  'stmtClose',
] as const;

test.each(naming)('%s', (name) => {
  const { state, say } = talk();
  const last = writeCommand(command[name], Buffer.from('ffffffff0000000000000000', 'hex'));
  expect(id(last)).toBe(lastPrepared);
  expect(say(last).equals(last)).toBe(true);
  const other = talk();
  other.state.lastIsOurs = true;
  const named = other.say(last);
  expect(id(named)).toBe(7);
  named.writeUInt32LE(lastPrepared, 5);
  expect(named.equals(last)).toBe(true);
  // The client's next PREPARE is the last one again.
  other.say(writePrepare('SELECT 1'));
  expect(other.state.lastIsOurs).toBe(false);
  expect(state.lastIsOurs).toBe(false);
});
