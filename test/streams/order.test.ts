/**
 * The two legs of a connection know nothing of each other's time: chunks of any size, from either side, arrive in any order
 * at the session, from clients that wait for answers and from clients that do not. The same conversations as on a quiet
 * network come out. Purely in process, seeded.
 */
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.ts';
import { curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { Link, type Cut } from './drive.ts';
import { FakeServer } from './fake-server.ts';
import { handWritten } from './hand-written.ts';
import { curatedCaptures as mysqlCaptures } from './mysql/captures.ts';
import { capturedCatalog as mysqlCatalog } from './mysql/catalog.ts';
import { conversations as mysqlConversations } from './mysql/conversation.ts';
import { FakeMysqlServer } from './mysql/fake-server.ts';
import { plainAnswers, planRules as mysqlPlanRules } from './mysql/plan-rules.ts';
import { ScriptBrain as MysqlScriptBrain } from './mysql/script.ts';
import { direct as mysqlDirect, makeMysqlSession } from './mysql/through.ts';
import { planRules, replayDirect } from './replay.ts';
import { ScriptBrain } from './script.ts';
import { makeSession, ruleSet } from './session.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const cases = long ? 20_000 : 600;
const rewriting = ruleSet({ mode: 'rewrite', tablesNamed: true });

/** One conversation, played once. */
interface Subject {
  label: string;
  reply: Buffer;
  /** The log-in comes first and is waited for: nobody speaks before. */
  login: Buffer[];
  flights: Buffer[];
  link(cut: Cut): { link: Link; begin: () => void; complete: () => boolean };
}

const catalog = capturedCatalog();
const postgres: Subject[] = [
  ...curatedCaptures().flatMap((capture) => conversations(capture, catalog).slice(0, 1)),
  ...handWritten.filter(({ label }) => !/^texts|COPY/.test(label)),
].map((conversation) => ({
  label: conversation.label,
  reply: replayDirect(conversation).toClient,
  login: conversation.flights.slice(0, 2).map((flight) => Buffer.concat(flight)),
  flights: conversation.flights.slice(2).map((flight) => Buffer.concat(flight)),
  link: (cut) => {
    const brain = new ScriptBrain(conversation.script, planRules(catalog));
    const link = new Link(makeSession(rewriting), new FakeServer(brain), cut);
    return { link, begin: () => undefined, complete: () => brain.finished && brain.unexpected.length === 0 };
  },
}));

const tables = mysqlCatalog();
const mysql: Subject[] = mysqlCaptures()
  .flatMap((capture) => mysqlConversations(capture, tables).slice(0, 1))
  .map((conversation) => ({
    label: conversation.label,
    reply: mysqlDirect(conversation).toClient,
    login: conversation.flights.slice(0, 1).map((flight) => Buffer.concat(flight)),
    flights: conversation.flights.slice(1).map((flight) => Buffer.concat(flight)),
    link: (cut) => {
      const { flavour, isolation, script } = conversation;
      const brain = new MysqlScriptBrain(
        script,
        mysqlPlanRules(tables, { ...plainAnswers, flavour, isolation }),
      );
      const server = new FakeMysqlServer(brain, { flavour });
      const link = new Link(makeMysqlSession(rewriting), server, cut);
      const begin = (): void => link.sendFromServer(server.greeting());
      return { link, begin, complete: () => brain.finished && brain.unexpected.length === 0 };
    },
  }));

const cutting =
  (random: Random): Cut =>
  (_, bytes) =>
    random.pieces(bytes, [1, 7, 40, 4000]);

describe.each([
  ['PostgreSQL', postgres],
  ['MySQL and MariaDB', mysql],
] as const)('%s', (_, subjects) => {
  it(
    `${cases} conversations with the chunks of both legs in any order`,
    () => {
      let rewritten = 0;
      for (let seed = 0; seed < cases; seed += 1) {
        const random = new Random(seed);
        const subject = random.pick(subjects);
        const { link, begin, complete } = subject.link(cutting(random));
        link.first = () => (random.chance(2) ? 'client' : 'server');
        link.deaf = random.chance(2);
        begin();
        for (const flight of subject.login) link.send(flight);
        if (random.chance(2)) link.sendAll(subject.flights);
        else for (const flight of subject.flights) link.send(flight);
        const { toClient, events } = link.transcript;
        const where = `${subject.label}, seed ${seed}`;
        if (!toClient.equals(subject.reply))
          expect(toClient.toString('latin1'), where).toBe(subject.reply.toString('latin1'));
        if (!complete()) expect.fail(`${where}: the server did not get what it should`);
        if (link.ended || link.session.raw) expect.fail(`${where}: given up`);
        rewritten += events.filter(
          (event) => event.type === 'finding' && event.decision === 'rewritten',
        ).length;
      }
      expect(rewritten).toBeGreaterThan(cases / 10);
    },
    long ? 3_600_000 : 120_000,
  );
});
