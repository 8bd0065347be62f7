/**
 * ORM conversations that take another course than recorded: a prepare that fails under an execution which is on its way
 * already, a server that goes away in the middle of a plan, replies that do not fit.
 */
import { describe, expect, it } from 'vitest';
import { Link } from '../drive.ts';
import { ruleSet } from '../session.ts';
import { curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations, type Conversation } from './conversation.ts';
import { FakeMysqlServer, type Answer } from './fake-server.ts';
import { failure, plainAnswers, planRules } from './plan-rules.ts';
import { ScriptBrain, type Entry, type PlanRule } from './script.ts';
import { direct, everything, makeMysqlSession, mysqlShared, through } from './through.ts';

const catalog = capturedCatalog();

function named(name: string): Conversation {
  const capture = curatedCaptures().find((one) => one.name === name);
  const [first] = capture === undefined ? [] : conversations(capture, catalog);
  if (first === undefined) throw new Error(`no conversation ${name}`);
  return first;
}

describe('a pipelined execution whose prepare fails', () => {
  const recorded = named('a-prisma-mariadb-ids');
  const isDelete = ({ sql }: Entry): boolean => sql.startsWith('DELETE');
  const unknown: Answer = {
    kind: 'error',
    errno: 1243,
    sqlstate: 'HY000',
    message: 'Unknown prepared statement handler (last) given to mysqld_stmt_execute',
  };
  const script = recorded.script
    .filter((entry) => !isDelete(entry) || entry.command === 'prepare')
    .map((entry) =>
      isDelete(entry) && entry.command === 'prepare'
        ? { ...entry, preparation: failure(1461, '42000') as Extract<Answer, { kind: 'error' }> }
        : entry,
    );
  // The client closes nothing, because nothing was prepared.
  const flights = recorded.flights.map((flight) => flight.filter((packet) => !closes(packet, 17)));
  const conversation = { ...recorded, script, flights };

  function closes(packet: Buffer, id: number): boolean {
    return packet[4] === 0x19 && packet.readUInt32LE(5) === id;
  }

  it('runs nothing in its place', () => {
    const found = through(conversation, catalog);
    expect(found.transcript.toClient.includes(Buffer.from(unknown.message))).toBe(true);
    expect(found.transcript.toClient.equals(direct(conversation).toClient)).toBe(true);
    expect(found.complete).toBe(true);
    expect(found.ran.filter(({ kind }) => kind === 'rewritten')).toEqual([]);
    expect(found.findings.map(({ reason }) => reason)).toEqual(['pipeline']);
  });
});

describe('a server that goes away in the middle of a plan', () => {
  const conversation = named('a-django22-mysql-join');
  const gone: Answer = {
    kind: 'error',
    errno: 1053,
    sqlstate: '08S01',
    message: 'Server shutdown in progress',
  };

  it.each(['SELECT @@session', 'SHOW CREATE TABLE', 'SELECT GET_LOCK', 'DELETE `myapp_c` FROM'])(
    'the client hears of it once, at %s',
    (text) => {
      const dying: PlanRule = ({ sql }) => (sql.includes(text) ? gone : undefined);
      const answers = { ...plainAnswers, isolation: conversation.isolation };
      // From then on the server says nothing else.
      let dead = false;
      const always: PlanRule = (execution, original) => {
        dead ||= dying(execution, original) !== undefined;
        return dead ? gone : undefined;
      };
      const script = conversation.script.map((entry) => ({ ...entry }));
      const brain = new ScriptBrain(script, [always, ...planRules(catalog, answers)]);
      const server = new FakeMysqlServer({
        ping: () => gone,
        prepare: (sql) => brain.prepare(sql),
        run: (execution) => (dead ? gone : brain.run(execution)),
      });
      const link = new Link(makeMysqlSession(ruleSet(everything), mysqlShared()), server);
      link.sendFromServer(server.greeting());
      for (const flight of conversation.flights.slice(0, 4)) link.send(Buffer.concat(flight));
      const { toClient } = link.transcript;
      const text1053 = Buffer.from(gone.message);
      const first = toClient.indexOf(text1053);
      expect(first).toBeGreaterThan(0);
      expect(toClient.indexOf(text1053, first + 1)).toBe(-1);
      // ERR packet, sequence id 1: the answer to the client's own DELETE.
      expect([...toClient.subarray(first - 10, first - 5)]).toEqual([1, 0xff, 1053 & 0xff, 1053 >> 8, 0x23]);
      expect(link.session.raw).toBe(false);
    },
  );
});
