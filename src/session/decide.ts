/** Steps 6 to 8 for one statement: what the patterns say of it, what the session's state and the rule's mode make of that. */
import { detect } from '../patterns/detect.ts';
import type { Reason } from '../patterns/reasons.ts';
import type { Rule } from '../patterns/rule.ts';
import type { Detection, DetectionContext, Finding, Refusal } from '../patterns/types.ts';
import { detectWriteBack } from '../patterns/unlocked-read-after-unique-violation/looks.ts';
import type { Statement } from '../memory/types.ts';
import type { FindingEvent } from './types.ts';
import type { SessionState } from './state.ts';

/** Undefined: no pattern. */
export type Decision =
  | undefined
  /** A plan, or what comes of it short of a rewrite: the guard alone, evidence. */
  | { kind: 'run'; finding: Finding }
  | { kind: 'observed'; finding: Finding }
  | (Refusal & { rows?: number });

export function refuse(finding: Finding, reason: Reason): Refusal & { rows: number } {
  const { pattern, rule, table, rows, began } = finding;
  return { kind: 'refusal', pattern, rule, table, reason, rows, began };
}

/** A statement of the client has come: counted, and the time since the server went idle belongs to the app. */
export function arrive(state: SessionState): void {
  state.counters.inspected += 1;
  if (state.outstanding === 0) state.memory.arriving(state.now);
}

export function decide(state: SessionState, statement: Statement): Decision {
  arrive(state);
  const { memory, rules, now } = state;
  if (!mayComplete(state, statement)) return undefined;
  // Whose defect it was, should there be one.
  let asked: Rule | undefined;
  let detection: Detection;
  const context: DetectionContext = {
    dialect: state.dialect,
    lexer: state.settings,
    memory,
    statement,
    now,
    status: state.status,
    database: state.info.database,
    witness: state.options.shared.witness(state.dialect),
    anticipates: rules.anticipates === true,
    ruleFor: (pattern, table) => (asked = rules.ruleFor(pattern, table, statement.head.fingerprint)),
  };
  try {
    if (statement.word === 'update') return writeBack(state, context);
    detection = detect(context);
  } catch (error) {
    state.contain(error, statement);
    if (asked !== undefined) state.ruleFailed(asked);
    return undefined;
  }
  if (detection === undefined) return undefined;
  if (detection.kind === 'refusal') {
    // BEGIN and the SELECT came together (pgjdbc): whether there is a transaction, nobody knows yet.
    const early = detection.pattern === 'anticipate' && detection.reason === 'not-in-transaction';
    return early && state.outstanding > 0 ? { ...detection, reason: 'pipeline' } : detection;
  }
  const { finding } = detection;
  if (!state.readable) return refuse(finding, 'encoding');
  if (statement.head.optOut) return refuse(finding, 'opted-out');
  if (state.outstanding > 0 || state.status !== 'T') return refuse(finding, 'pipeline');
  const { id, mode, guardOnly, evidence } = finding.rule;
  if (mode !== 'rewrite') {
    const asks = guardOnly === true || (evidence === true && finding.pattern !== 'anticipate');
    return { kind: asks ? 'run' : 'observed', finding };
  }
  if (!state.options.shared.breaker.allows(id, now)) return refuse(finding, 'breaker');
  return { kind: 'run', finding };
}

/** No pattern and no finding: what is not certain here is left alone without a word. */
function writeBack(state: SessionState, context: DetectionContext): Decision {
  const { shape, head } = context.statement;
  if (shape.kind !== 'update' || head.optOut || !state.readable) return undefined;
  if (state.outstanding > 0 || state.status !== 'T') return undefined;
  const finding = detectWriteBack(context, shape);
  return finding && { kind: 'run', finding };
}

/**
 * A cheap first look, before the shape is computed: a DELETE after a read, a SELECT after a failed INSERT, an UPDATE after
 * that, and where a rule anticipates any SELECT.
 */
export function mayComplete({ memory, rules }: SessionState, { word }: Pick<Statement, 'word'>): boolean {
  if (word === 'select' && rules.anticipates === true) return true;
  if (!memory.remembers) return false;
  if (word === 'update') return memory.watched !== undefined;
  return word === 'delete' || (word === 'select' && memory.failedInsert !== undefined);
}

/** Counts the statement that is forwarded, and tells what was found in it. */
export function report(state: SessionState, statement: Statement, decision: Decision): void {
  if (decision?.kind === 'observed') {
    const { finding } = decision;
    state.finding({ ...describe(statement, finding), decision: 'observed' }, statement, finding);
  } else if (decision?.kind === 'refusal') {
    const { pattern, rule, table, reason, rows } = decision;
    const common = describe(statement, { pattern, rule, table, rows });
    state.finding({ ...common, decision: 'refused', reason }, statement, decision);
  }
  // Last: what throws above is counted by whoever forwards the statement then.
  state.counters[decision?.kind === 'refusal' ? 'refused' : 'forwarded'] += 1;
}

/** What every event of a finding says. */
export function describe(
  statement: Statement,
  { pattern, rule, table, rows }: Pick<Finding, 'pattern' | 'rule' | 'table' | 'rows'>,
): Omit<FindingEvent, 'type' | 'decision'> {
  return {
    pattern,
    rule: rule.id,
    mode: rule.mode,
    fingerprint: statement.head.fingerprint,
    table: table.schema === undefined ? table.name : `${table.schema}.${table.name}`,
    rows,
  };
}
