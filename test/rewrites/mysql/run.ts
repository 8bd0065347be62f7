/** Runs one case in one protocol to one server, direct and through a session, against fake servers that answer alike. */
import type { RuleSet, Session, SessionEvent } from '../../../src/session/types.ts';
import type { Witness } from '../../../src/sql/witness/types.ts';
import type { Catalog } from '../../streams/catalog.ts';
import { Link, type Transcript } from '../../streams/drive.ts';
import { FakeMysqlServer } from '../../streams/mysql/fake-server.ts';
import { failure, plainAnswers, planRules } from '../../streams/mysql/plan-rules.ts';
import { ScriptBrain, type PlanRule, type Ran } from '../../streams/mysql/script.ts';
import type { Flavour } from '../../streams/mysql/server-state.ts';
import { makeMysqlSession, mysqlShared } from '../../streams/mysql/through.ts';
import { ruleSet } from '../../streams/session.ts';
import type { Case, Protocol } from './cases.ts';
import { play, type Play } from './play.ts';

export interface Run {
  direct: { toServer: Buffer; toClient: Buffer };
  through: Transcript;
  session: Session;
  played: Play;
  /** What the server executed. */
  ran: Ran[];
  /** Every command of the case was executed. */
  finished: boolean;
  /** Statements that are still prepared, beyond those that are when nothing is in between. */
  leftOpen: number;
  /** What it executed when nothing was in between. */
  ranDirect: Ran[];
  findings: Extract<SessionEvent, { type: 'finding' }>[];
}

export function runCase(
  one: Case,
  protocol: Protocol,
  flavour: Flavour,
  catalog: Catalog,
  mode = one.mode ?? 'rewrite',
  shared = mysqlShared(witnessOf(one)),
): Run {
  const played = play(one.transcript, protocol, flavour, catalog, one.status_bits ?? 0);
  // The script's answers are marked by the protocol: each run has its own.
  const server = (rules: PlanRule[]): { brain: ScriptBrain; server: FakeMysqlServer } => {
    const brain = new ScriptBrain(played.script, rules);
    const version = one.version === undefined ? {} : { version: one.version };
    return {
      brain,
      server: new FakeMysqlServer(brain, { flavour, status: 2 | (one.status_bits ?? 0), ...version }),
    };
  };
  const alone = server([]);
  const toServer = played.flights.map(({ bytes }) => Buffer.concat(bytes));
  const toClient = [alone.server.greeting(), ...toServer.map((bytes) => alone.server.receive(bytes))];

  const answers = { ...plainAnswers, isolation: 'READ-COMMITTED', flavour, ...one.server } as const;
  const old = one.version?.startsWith('5.') === true;
  const behind = server([fails(one), ...planRules(catalog, { ...answers, old })]);
  const everywhere = ruleSet({
    mode,
    tablesNamed: one.tables_named ?? true,
    splitDelete: one.split_delete ?? {},
    unlockedRead: one.unlocked_read ?? {},
  });
  const nowhere = ruleSet({ mode: 'off', tablesNamed: true });
  const { rule_database: only } = one;
  const rules: RuleSet = {
    forSession: (info) =>
      (only === undefined || only === info.database ? everywhere : nowhere).forSession(info),
  };
  const link = new Link(makeMysqlSession(rules, shared, one.limits), behind.server);
  link.sendFromServer(behind.server.greeting());
  for (const flight of played.flights) {
    link.now += flight.after;
    link.send(Buffer.concat(flight.bytes));
  }
  const through = link.transcript;
  return {
    direct: { toServer: Buffer.concat(toServer), toClient: Buffer.concat(toClient) },
    through,
    session: link.session,
    played,
    ran: behind.brain.ran,
    finished: behind.brain.finished && alone.brain.finished,
    leftOpen: behind.server.statements.size - alone.server.statements.size,
    ranDirect: alone.brain.ran,
    findings: through.events.filter((event) => event.type === 'finding'),
  };
}

/** The edited statement fails, or the row that was to be locked by its key is not what the plain read saw. */
function fails({ edited, locked_rows: lockedRows }: Case): PlanRule {
  return ({ sql }, original) => {
    if (original === undefined) return undefined;
    if (edited !== undefined && edited > 0) return failure(edited);
    if (lockedRows === undefined || original.answer.kind !== 'rows' || !/\) AND \S+ = /.test(sql))
      return undefined;
    return { ...original.answer, rows: original.answer.rows.slice(0, lockedRows) };
  };
}

function witnessOf({ witness = 'real' }: Case): Witness | undefined {
  if (witness === 'real') return undefined;
  const never = (): boolean => false;
  const always = (): boolean => true;
  return witness === 'disagrees'
    ? { agrees: never, provesDelete: always, provesLockingRead: always }
    : { agrees: always, provesDelete: never, provesLockingRead: never };
}
