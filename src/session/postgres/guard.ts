/**
 * The guard of a plan: an advisory lock per table, held to the end of the transaction, polled and not waited for
 * (treatments.md: a session that waits inside the server takes part in deadlocks, and the app's timeouts hit it).
 * Its statement is separate from the edited one and before it: the DELETE's snapshot must be newer than the lock.
 * The same statement tells the isolation level, so no SET or BEGIN has to be understood.
 */
import type { Reason } from '../../patterns/reasons.ts';
import type { Plan } from '../../patterns/types.ts';
import { takeTurn } from '../turn.ts';
import { Command } from './batch.ts';
import type { BatchResult } from './batch.ts';
import type { Conversation } from './conversation.ts';
import type { PlanRun, Steps } from './plan-run.ts';

type Guard = NonNullable<Plan['guard']>;

type Refused = { reason: Reason } | { failed: BatchResult };
export type Guarded = { guard: 'had' | 'not-had' | 'none'; waitedMs: number } | Refused;

const level = "pg_catalog.current_setting('transaction_isolation')";
const readOnly = "pg_catalog.current_setting('transaction_read_only')";

/**
 * `<isolation>,<read-only>,<answer>,<role and search path> <statement_timeout>`; the lock is only asked for where it
 * helps. Role and search path tell what names mean in the session, temporary schema included, without following its SET
 * statements. Everything is qualified: a search_path may put the app's own operators in front of pg_catalog's.
 */
export function stateQuery(ask = "'f'"): string {
  return (
    `SELECT pg_catalog.concat(${level}, ',', ${readOnly}, ',', ` +
    `CASE WHEN ${level} OPERATOR(pg_catalog.=) ANY ('{read committed,read uncommitted}'::pg_catalog.text[]) ` +
    `THEN ${ask} END, ',', ` +
    "current_user, pg_catalog.current_schemas(true), ' ', pg_catalog.current_setting('statement_timeout'))"
  );
}

/** Isolation and read-only state alone, for plans without a guard. */
export function* sessionState(run: PlanRun): Steps<Guarded> {
  const answer = yield* run.quietly([new Command(stateQuery())]);
  if ('failed' in answer) return answer;
  const state = readState(run.state, answer.value);
  return 'reason' in state ? state : { guard: 'none', waitedMs: 0 };
}

/** Tries until the guard is had or its time is up; not to have it is no error. */
export function* takeGuard(run: PlanRun, guard: Guard): Steps<Guarded> {
  const { classId, key } = guard.key;
  return yield* takeTurn<Command[], BatchResult, Refused>(
    run.state,
    guard,
    (mayLock) => ask(run, mayLock ? lockQuery(guard, classId, key) : undefined),
    () => cancelHere(run),
  );
}

/** The server cancels a statement of ours, so that error and state of the transaction are its own. */
function* cancelHere(run: PlanRun): Steps<Refused> {
  const text = 'SELECT pg_catalog.pg_cancel_backend(pg_catalog.pg_backend_pid()), pg_catalog.pg_sleep(1)';
  const answer = yield* run.quietly([new Command(text)]);
  return 'failed' in answer ? answer : { reason: 'plan-failed' };
}

/** @param lock undefined: the state only */
function* ask(run: PlanRun, lock: string | undefined): Steps<boolean | Refused> {
  const answer = yield* run.quietly([new Command(stateQuery(lock))]);
  if ('failed' in answer) return run.mustPassOn(answer.failed) ? answer : false;
  const state = readState(run.state, answer.value);
  return 'reason' in state ? state : state.answer === 't' || state.answer === 'true';
}

function lockQuery(guard: Guard, classId: number, key: number): string {
  const call = `(${classId}, ${key})`;
  return guard.mode === 'wait'
    ? `pg_catalog.concat(pg_catalog.pg_advisory_xact_lock${call}, 't')`
    : `pg_catalog.pg_try_advisory_xact_lock${call}::pg_catalog.text`;
}

const statementTimeout = / (\d+)(us|ms|s|min|h|d)?$/;
const millisecondsOf: Record<string, number> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Notes the session's environment and time-out as well. */
export function readState(
  conversation: Conversation,
  value: string | null | undefined,
): { answer: string } | { reason: Reason } {
  const text = value ?? '';
  const [timeout = '', count, unit = 'ms'] = statementTimeout.exec(text) ?? [];
  conversation.statementTimeout = count === undefined ? 0 : Number(count) * (millisecondsOf[unit] ?? 0);
  const [isolation = '', readOnlyState = '', answer = '', ...environment] = text
    .slice(0, text.length - timeout.length)
    .split(',');
  conversation.environment = environment.join(',');
  if (isolation === '') return { reason: 'catalog' };
  if (isolation !== 'read committed' && isolation !== 'read uncommitted') return { reason: 'isolation' };
  return readOnlyState === 'off' ? { answer } : { reason: 'read-only' };
}
