/** Sends a recorded conversation through a session, against a fake server that knows the plans, and past it. */
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import type {
  RuleSet,
  Session,
  SessionEvent,
  SessionLimits,
  SessionOptions,
  SharedState,
  Side,
} from '../../../src/session/types.ts';
import type { Dialect } from '../../../src/sql/shape.ts';
import { loadMysqlWitness } from '../../../src/sql/witness/mysql.ts';
import type { Witness } from '../../../src/sql/witness/types.ts';
import type { Catalog } from '../catalog.ts';
import { Link, runThrough, uncut, type Cut, type Transcript } from '../drive.ts';
import { plainLimits, ruleSet, sharedState, type RuleOptions } from '../session.ts';
import type { Conversation } from './conversation.ts';
import { FakeMysqlServer } from './fake-server.ts';
import { plainAnswers, planRules, type PlanAnswers } from './plan-rules.ts';
import { ScriptBrain, type Ran } from './script.ts';

export type Finding = Extract<SessionEvent, { type: 'finding' }>;

export interface Through {
  transcript: Transcript;
  session: Session;
  ran: Ran[];
  /** Texts that plans have prepared. */
  prepared: string[];
  /** Every command of the recording was sent, and nothing else than it and plans. */
  complete: boolean;
  findings: Finding[];
  /** To the server. */
  writes: number;
  /** Bytes that each side sent to the session. */
  sent: Readonly<Record<Side, number>>;
}

export const everything: RuleOptions = { mode: 'rewrite', tablesNamed: true };

/** Everything that sessions share, made anew, with the grammar of whichever server answers. */
export function mysqlShared(witness?: Witness): SharedState {
  const real = (dialect: Dialect): Witness => loadMysqlWitness(dialect === 'mysql' ? 'mysql' : 'mariadb');
  return { ...sharedState(), witness: witness === undefined ? real : () => witness };
}

export function makeMysqlSession(
  rules: RuleSet,
  shared: SharedState = mysqlShared(),
  limits: Partial<SessionLimits> = {},
  more: Pick<SessionOptions, 'tls' | 'passwords'> = {},
): (wakeSoon: () => void) => Session {
  return (wakeSoon) =>
    createMysqlSession({
      ...more,
      listener: 'test',
      rules,
      limits: { ...plainLimits, ...limits },
      shared,
      server: 'fake:3306',
      wakeSoon,
    });
}

export interface Circumstances {
  rules?: RuleOptions;
  cut?: Cut;
  shared?: SharedState;
  answers?: Partial<PlanAnswers>;
}

export function through(
  conversation: Conversation,
  catalog: Catalog,
  { rules = everything, cut = uncut, shared = mysqlShared(), answers = {} }: Circumstances = {},
): Through {
  const { flavour, isolation } = conversation;
  const brain = new ScriptBrain(
    conversation.script,
    planRules(catalog, { ...plainAnswers, flavour, isolation, ...answers }),
  );
  const server = new FakeMysqlServer(brain, { flavour });
  const link = new Link(makeMysqlSession(ruleSet(rules), shared), server, cut);
  link.sendFromServer(server.greeting());
  const transcript = runThrough(conversation.flights, link);
  return {
    transcript,
    session: link.session,
    ran: brain.ran,
    prepared: brain.prepared,
    complete: brain.finished && brain.unexpected.length === 0 && server.settled,
    findings: transcript.events.filter((event) => event.type === 'finding'),
    writes: link.writes,
    sent: link.sent,
  };
}

/** Without a session in between. */
export function direct({ script, flights, flavour }: Conversation): { toServer: Buffer; toClient: Buffer } {
  const server = new FakeMysqlServer(new ScriptBrain(script, []), { flavour });
  const toServer = flights.map((flight) => Buffer.concat(flight));
  const toClient = [server.greeting(), ...toServer.map((bytes) => server.receive(bytes))];
  return { toServer: Buffer.concat(toServer), toClient: Buffer.concat(toClient) };
}
