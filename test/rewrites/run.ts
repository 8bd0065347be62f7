/** Runs one case in one protocol, direct and through a session, against fake servers that answer alike. */
import type { Session, SessionEvent } from '../../src/session/types.ts';
import type { Witness } from '../../src/sql/witness/types.ts';
import type { Catalog } from '../streams/catalog.ts';
import { Link, runDirect, type Transcript } from '../streams/drive.ts';
import { FakeServer } from '../streams/fake-server.ts';
import { factsRule, plainFacts } from '../streams/facts.ts';
import {
  isRewriteOf,
  controlRule,
  ScriptBrain,
  stateRule,
  type PlanRule,
  type Ran,
} from '../streams/script.ts';
import { makeSession, realWitness, ruleSet, sharedState } from '../streams/session.ts';
import type { Case } from './cases.ts';
import { flights, login, script, type Flight, type Protocol } from './play.ts';
import { readTranscript } from './transcript.ts';

export interface Run {
  direct: Transcript;
  through: Transcript;
  session: Session;
  /** What the server executed. */
  ran: Ran[];
  /** What it executed when nothing was in between. */
  ranDirect: Ran[];
  /** Savepoints that were left at the end. */
  savepoints: string[];
  findings: Extract<SessionEvent, { type: 'finding' }>[];
}

export function runCase(
  one: Case,
  protocol: Protocol,
  catalog: Catalog,
  mode = one.mode ?? 'rewrite',
  shared = sharedState(witnessOf(one)),
): Run {
  const lines = readTranscript(one.transcript);
  const all: Flight[] = [...login(), ...flights(lines, protocol)];
  const server = (rules: PlanRule[]): { brain: ScriptBrain; server: FakeServer } => {
    const brain = new ScriptBrain(script(lines, protocol, catalog), rules);
    return { brain, server: new FakeServer(brain, serverOptions(one)) };
  };
  const alone = server([]);
  const direct = runDirect(
    all.map((flight) => flight.bytes),
    alone.server,
  );
  const behind = server(planRules(one, catalog));
  const rules = ruleSet({
    mode,
    tablesNamed: one.tables_named ?? true,
    splitDelete: one.split_delete ?? {},
    unlockedRead: one.unlocked_read ?? {},
  });
  const link = new Link(makeSession(rules, shared, one.limits), behind.server);
  for (const flight of all) {
    link.now += flight.after;
    link.send(Buffer.concat(flight.bytes));
  }
  const through = link.transcript;
  return {
    direct,
    through,
    session: link.session,
    ran: behind.brain.ran,
    ranDirect: alone.brain.ran,
    savepoints: behind.server.transaction.savepoints,
    findings: through.events.filter((event) => event.type === 'finding'),
  };
}

function serverOptions(one: Case): ConstructorParameters<typeof FakeServer>[1] {
  return {
    parameters: {
      server_version: '15.20',
      client_encoding: one.client_encoding ?? 'UTF8',
      standard_conforming_strings: one.standard_conforming_strings ?? 'on',
    },
  };
}

function planRules(one: Case, catalog: Catalog): PlanRule[] {
  const fails: PlanRule = ({ sql }, next) => {
    if (!one.edited || next === undefined || !isRewriteOf(sql, next.sql)) return undefined;
    return [{ kind: 'error', error: { code: one.edited, message: 'made to fail' } }];
  };
  return [
    fails,
    stateRule({
      isolation: one.isolation ?? 'read committed',
      readOnly: one.read_only ?? false,
      guard: one.guard ?? 'had',
    }),
    factsRule(catalog, {
      ...plainFacts,
      kind: one.facts ?? 'answer',
      targetResolves: one.target_resolves ?? true,
      shadowedFunctions: one.shadowed_functions ?? false,
      chunksSafe: one.chunks_safe ?? true,
      ambiguousConstraints: one.ambiguous_constraints ?? false,
    }),
    controlRule,
  ];
}

function witnessOf({ witness = 'real' }: Case): Witness {
  if (witness === 'real') return realWitness;
  const never = (): boolean => false;
  const always = (): boolean => true;
  return witness === 'disagrees'
    ? { agrees: never, provesDelete: always, provesLockingRead: always }
    : { agrees: always, provesDelete: never, provesLockingRead: never };
}
