/** Conversations for the rig: what each side sends when, and what the client has to get. Bytes only. */
import { recordings } from '../unit/wire/mysql/recordings.ts';
import { curatedCaptures } from '../streams/captures.ts';
import { capturedCatalog } from '../streams/catalog.ts';
import { conversations, type Conversation } from '../streams/conversation.ts';
import { client, type Column } from '../streams/encode.ts';
import { FakeServer } from '../streams/fake-server.ts';
import { handWritten } from '../streams/hand-written.ts';
import { curatedCaptures as mysqlCaptures } from '../streams/mysql/captures.ts';
import { capturedCatalog as mysqlCatalog } from '../streams/mysql/catalog.ts';
import {
  conversations as mysqlConversations,
  type Conversation as MysqlConversation,
} from '../streams/mysql/conversation.ts';
import { FakeMysqlServer } from '../streams/mysql/fake-server.ts';
import { plainAnswers, planRules as mysqlPlanRules } from '../streams/mysql/plan-rules.ts';
import { turnsOf, withoutRedirect, greetingForClient, type Turns } from '../streams/mysql/replay.ts';
import { ScriptBrain as MysqlScriptBrain } from '../streams/mysql/script.ts';
import { planRules, replayDirect } from '../streams/replay.ts';
import { ScriptBrain } from '../streams/script.ts';
import { direct as mysqlDirect } from '../streams/mysql/through.ts';

/** The server's end for one connection. */
export interface Played {
  /** Sent as soon as the connection is there. */
  greeting: Buffer;
  receive(bytes: Buffer): Buffer;
  /** What it was sent that nobody may send. */
  unexpected(): string[];
}

export interface Scene {
  label: string;
  wire: 'postgres' | 'mysql';
  /** Plans need a server that answers them: a recording has none. */
  mode: 'observe' | 'rewrite';
  /** The client gets what the server sends, byte for byte: no plan runs, nothing is taken out. */
  relayed: boolean;
  /** What the client sends, and how many bytes it waits for before it does. */
  flights: { bytes: Buffer; after: number }[];
  /** All that the client gets when nothing goes wrong. */
  reply: Buffer;
  serve(): Played;
}

/** @param greeting bytes that the server has sent by itself */
function timed(
  flights: readonly (readonly Buffer[])[],
  server: { receive(bytes: Buffer): Buffer },
  greeting: number,
): Scene['flights'] {
  let after = greeting;
  return flights.map((flight) => {
    const one = { bytes: Buffer.concat(flight), after };
    after += server.receive(one.bytes).length;
    return one;
  });
}

function postgresScene(conversation: Conversation): Scene {
  const catalog = capturedCatalog();
  const { label, flights, script } = conversation;
  const server = new FakeServer(new ScriptBrain(script, []));
  return {
    label,
    wire: 'postgres',
    mode: 'rewrite',
    relayed: false,
    flights: timed(flights, server, 0),
    reply: replayDirect(conversation).toClient,
    serve: () => {
      const brain = new ScriptBrain(script, planRules(catalog));
      const played = new FakeServer(brain);
      return {
        greeting: Buffer.alloc(0),
        receive: (bytes) => played.receive(bytes),
        unexpected: () => brain.unexpected,
      };
    },
  };
}

function mysqlScene(conversation: MysqlConversation): Scene {
  const catalog = mysqlCatalog();
  const { label, flights, script, flavour, isolation } = conversation;
  const server = new FakeMysqlServer(new MysqlScriptBrain(script, []), { flavour });
  const greeting = server.greeting().length;
  return {
    label,
    wire: 'mysql',
    mode: 'rewrite',
    relayed: false,
    flights: timed(flights, server, greeting),
    reply: mysqlDirect(conversation).toClient,
    serve: () => {
      const brain = new MysqlScriptBrain(
        script,
        mysqlPlanRules(catalog, { ...plainAnswers, flavour, isolation }),
      );
      const played = new FakeMysqlServer(brain, { flavour });
      return {
        greeting: played.greeting(),
        receive: (bytes) => played.receive(bytes),
        unexpected: () => brain.unexpected,
      };
    },
  };
}

/** A recording answers by the number of bytes it has heard. Log-in and lengths are the real server's. */
function recordedScene({ label, turns }: Turns): Scene {
  const [greeting, ...rest] = turns;
  if (greeting === undefined) throw new Error('an empty recording');
  const first = greetingForClient(greeting.server);
  const replies = rest.map(({ server }) => withoutRedirect(server));
  let after = first.length;
  const flights = rest.map(({ client: bytes }, at) => {
    const one = { bytes, after };
    after += replies[at]?.length ?? 0;
    return one;
  });
  return {
    label,
    wire: 'mysql',
    mode: 'observe',
    relayed: rest.every(({ server }, at) => server === replies[at]),
    flights: flights.filter(({ bytes }) => bytes.length > 0),
    reply: Buffer.concat([first, ...replies]),
    serve: () => {
      let heard = 0;
      let next = 0;
      return {
        greeting: greeting.server,
        receive: (bytes) => {
          heard += bytes.length;
          const out: Buffer[] = [];
          for (let turn = rest[next]; turn !== undefined && heard >= turn.client.length; turn = rest[next]) {
            heard -= turn.client.length;
            out.push(turn.server);
            next += 1;
          }
          return Buffer.concat(out);
        },
        unexpected: () => [],
      };
    },
  };
}

const text: Column = { name: 't', table: 0, attribute: 0, type: 25, format: 0 };
/** More than the buffers of two sockets and the proxy between them take: somebody has to wait. */
const large: Conversation = {
  label: 'twelve megabytes of rows, and four of a statement',
  flights: [
    [client.startup({ user: 'app', database: 'shop' })],
    [client.password('secret')],
    [client.query('SELECT large')],
    [client.query(`SELECT '${'x'.repeat(4_000_000)}'`)],
  ],
  script: [
    {
      sql: 'SELECT large',
      answers: [
        {
          kind: 'rows',
          columns: [text],
          rows: Array.from({ length: 1_200 }, () => ['y'.repeat(10_000)]),
          tag: 'SELECT 1200',
        },
      ],
    },
    {
      sql: `SELECT '${'x'.repeat(4_000_000)}'`,
      answers: [{ kind: 'rows', columns: [text], rows: [['z']], tag: 'SELECT 1' }],
    },
  ],
  statuses: [],
  preamble: 2,
};

const postgresNames = [
  'a-activerecord61-pg-pluck',
  'a-prisma-pg-ids',
  'b-django207-pg-uoc',
  'b-sequelize6-pg-nested',
];
const mysqlNames = [
  'a-django22-mysql-join',
  'a-prisma-mariadb-ids',
  'b-activerecord61-mysql',
  'b-typeorm-mysql',
];

export const scenes: readonly Scene[] = [
  ...curatedCaptures()
    .filter(({ name }) => postgresNames.includes(name))
    .flatMap((capture) => conversations(capture, capturedCatalog()).slice(0, 1).map(postgresScene)),
  ...handWritten
    .filter(({ label }) => !label.startsWith('texts'))
    .map((one) => ({ ...postgresScene(one), relayed: true })),
  ...mysqlCaptures()
    .filter(({ name }) => mysqlNames.includes(name))
    .flatMap((capture) => mysqlConversations(capture, mysqlCatalog()).slice(0, 1).map(mysqlScene)),
  ...recordings.map(turnsOf).map(recordedScene),
];
export const largeScene: Scene = { ...postgresScene(large), relayed: true };
