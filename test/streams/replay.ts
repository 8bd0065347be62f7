/** Sends a recorded conversation through a session, against a fake server that knows the plans. */
import type { Session, SessionEvent, Side } from '../../src/session/types.ts';
import type { Catalog } from './catalog.ts';
import type { Conversation } from './conversation.ts';
import { Link, runDirect, runThrough, uncut, type Cut, type Transcript } from './drive.ts';
import { FakeServer } from './fake-server.ts';
import { factsRule } from './facts.ts';
import { controlRule, ScriptBrain, stateRule, type PlanRule, type Ran } from './script.ts';
import { makeSession, ruleSet, sharedState, type RuleOptions } from './session.ts';

export type Finding = Extract<SessionEvent, { type: 'finding' }>;

export interface Replay {
  transcript: Transcript;
  session: Session;
  ran: Ran[];
  /** Every statement of the recording was sent, and nothing else than it and plans. */
  complete: boolean;
  savepoints: string[];
  findings: Finding[];
  /** To the server. */
  writes: number;
  /** Bytes that each side sent to the session. */
  sent: Readonly<Record<Side, number>>;
}

export const everything: RuleOptions = { mode: 'rewrite', tablesNamed: true };

export function planRules(catalog: Catalog): PlanRule[] {
  return [stateRule(), factsRule(catalog), controlRule];
}

export function replay(
  conversation: Conversation,
  catalog: Catalog,
  rules: RuleOptions = everything,
  cut: Cut = uncut,
  shared = sharedState(),
): Replay {
  const brain = new ScriptBrain(conversation.script, planRules(catalog));
  const server = new FakeServer(brain);
  const link = new Link(makeSession(ruleSet(rules), shared), server, cut);
  const transcript = runThrough(conversation.flights, link);
  return {
    transcript,
    session: link.session,
    ran: brain.ran,
    complete: brain.finished && brain.unexpected.length === 0,
    savepoints: server.transaction.savepoints,
    findings: transcript.events.filter((event) => event.type === 'finding'),
    writes: link.writes,
    sent: link.sent,
  };
}

export function replayDirect(conversation: Conversation): Transcript {
  return runDirect(conversation.flights, new FakeServer(new ScriptBrain(conversation.script, [])));
}

/** Query and Execute messages: each of them is forwarded, rewritten or refused. */
export function executions(flights: readonly Buffer[][]): number {
  const letters = flights.flat().map((message) => String.fromCharCode(message[0] ?? 0));
  return letters.filter((letter) => letter === 'Q' || letter === 'E').length;
}
