/**
 * What is mutated: conversations as a session received them from both sides, message by message, plans and their answers
 * included where it rewrote. The log-in is apart. Sources: the traffic of ORMs against the fake servers, hand-written
 * conversations, and what three real MySQL and MariaDB servers said (test/unit/wire/mysql/recordings).
 */
import type { Session } from '../../src/session/types.ts';
import { recordings } from '../unit/wire/mysql/recordings.ts';
import { curatedCaptures } from '../streams/captures.ts';
import { capturedCatalog } from '../streams/catalog.ts';
import { conversations, type Conversation } from '../streams/conversation.ts';
import { frames } from '../streams/decode.ts';
import { Link } from '../streams/drive.ts';
import { FakeServer } from '../streams/fake-server.ts';
import { handWritten } from '../streams/hand-written.ts';
import * as mysql from '../streams/mysql/captures.ts';
import { capturedCatalog as mysqlCatalog } from '../streams/mysql/catalog.ts';
import {
  conversations as mysqlConversations,
  type Conversation as MysqlConversation,
} from '../streams/mysql/conversation.ts';
import { FakeMysqlServer } from '../streams/mysql/fake-server.ts';
import { plainAnswers, planRules as mysqlPlanRules } from '../streams/mysql/plan-rules.ts';
import { ScriptBrain as MysqlScriptBrain } from '../streams/mysql/script.ts';
import { makeMysqlSession } from '../streams/mysql/through.ts';
import { planRules } from '../streams/replay.ts';
import { ScriptBrain } from '../streams/script.ts';
import { makeSession, ruleSet } from '../streams/session.ts';
import type { Piece } from './mutate.ts';

export interface Material {
  label: string;
  login: Piece[];
  pieces: Piece[];
}

type Maker = (wakeSoon: () => void) => Session;

function tap(make: Maker, heard: Piece[]): Maker {
  return (wakeSoon) => {
    const session = make(wakeSoon);
    const receive = session.receive.bind(session);
    session.receive = (side, chunk, now) => {
      heard.push({ side, bytes: Buffer.from(chunk) });
      return receive(side, chunk, now);
    };
    return session;
  };
}

const rewriting = ruleSet({ mode: 'rewrite', tablesNamed: true });

const postgresMessages = (bytes: Buffer): Buffer[] => frames(bytes).frames.map((frame) => frame.bytes);

function mysqlPackets(bytes: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUIntLE(at, 3);
    packets.push(bytes.subarray(at, end));
    at = end;
  }
  return packets;
}

const single = (chunks: Piece[], split: (bytes: Buffer) => Buffer[]): Piece[] =>
  chunks.flatMap(({ side, bytes }) => split(bytes).map((one) => ({ side, bytes: one })));

const catalog = capturedCatalog();

function heardByPostgres({ label, script, flights }: Conversation): Material {
  const heard: Piece[] = [];
  const server = new FakeServer(new ScriptBrain(script, planRules(catalog)));
  const link = new Link(tap(makeSession(rewriting), heard), server);
  for (const flight of flights.slice(0, 2)) link.send(Buffer.concat(flight));
  const login = heard.splice(0);
  for (const flight of flights.slice(2)) link.send(Buffer.concat(flight));
  return { label, login, pieces: single(heard, postgresMessages) };
}

const mysqlTables = mysqlCatalog();

function heardByMysql({ label, script, flights, flavour, isolation }: MysqlConversation): Material {
  const heard: Piece[] = [];
  const answers = { ...plainAnswers, flavour, isolation };
  const server = new FakeMysqlServer(new MysqlScriptBrain(script, mysqlPlanRules(mysqlTables, answers)), {
    flavour,
  });
  const link = new Link(tap(makeMysqlSession(rewriting), heard), server);
  link.sendFromServer(server.greeting());
  for (const flight of flights.slice(0, 1)) link.send(Buffer.concat(flight));
  const login = heard.splice(0);
  for (const flight of flights.slice(1)) link.send(Buffer.concat(flight));
  return { label, login, pieces: single(heard, mysqlPackets) };
}

/** A fuzzed conversation is played from its beginning: long ones would only be slow. */
const longestBytes = 12_000;

const byTheNames = <Capture extends { name: string }>(captures: Capture[], names: string[]): Capture[] =>
  names.map((name) => {
    const found = captures.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no recording ${name}`);
    return found;
  });

export const postgresMaterial: readonly Material[] = [
  ...byTheNames(curatedCaptures(), [
    'a-activerecord61-pg-pluck',
    'a-prisma-pg-ids',
    'a-sequelize6-pg-ids',
    'b-django207-pg-uoc',
    'b-sequelize6-pg-nested',
    't-django-children-first',
  ]).flatMap((capture) => conversations(capture, catalog).slice(0, 1)),
  ...handWritten,
]
  .map(heardByPostgres)
  .filter(short);

const fromServers: Material[] = recordings.map(({ engine, set, turns }) => {
  const chunks = turns.flatMap(({ client, server }): Piece[] => [
    { side: 'client', bytes: Buffer.from(client, 'base64') },
    { side: 'server', bytes: Buffer.from(server, 'base64') },
  ]);
  const filled = chunks.filter(({ bytes }) => bytes.length > 0);
  // Greeting; answer, and what the server says to it; the second answer and the OK.
  const done = turns.findIndex(({ name }) => name === 'log-in, second answer') + 1;
  const loginChunks = turns
    .slice(0, done)
    .reduce((sum, turn) => sum + Number(turn.client !== '') + Number(turn.server !== ''), 0);
  return {
    label: `${engine} ${set}`,
    login: filled.slice(0, loginChunks),
    pieces: single(filled.slice(loginChunks), mysqlPackets),
  };
});

export const mysqlMaterial: readonly Material[] = [
  ...(['mariadb', 'mysql'] as const).flatMap((flavour) =>
    byTheNames(mysql.curatedCaptures(), [
      'a-django22-mysql-join',
      'a-prisma-mariadb-ids',
      'b-activerecord61-mysql',
      'b-typeorm-mysql',
      'tb-activerecord72-mysql-rollback-and-chain',
    ])
      .flatMap((capture) => mysqlConversations(capture, mysqlTables, flavour).slice(0, 1))
      .map(heardByMysql),
  ),
  ...fromServers,
].filter(short);

function short({ pieces }: Material): boolean {
  return pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) <= longestBytes;
}
