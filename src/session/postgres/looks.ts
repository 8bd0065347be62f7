/**
 * Looks on PostgreSQL: one read of ours under a savepoint that is rolled back, so that nothing stays, its settings
 * included. The server itself is told that it may write nothing (transaction_read_only), that it has little time, and that
 * it may wait for no lock: a look in a deadlock could cost another session its transaction.
 */
import { readBefore } from '../../patterns/evidence.ts';
import type { Before, Text } from '../../patterns/evidence.ts';
import type { Reason } from '../../patterns/reasons.ts';
import type { Plan } from '../../patterns/types.ts';
import { looked, mayLook } from '../looks.ts';
import { Command } from './batch.ts';
import type { BatchResult } from './batch.ts';
import type { PlanRun, Steps } from './plan-run.ts';

type Answer = { value: string | null } | { failed: BatchResult };

/** Shorter than any deadlock_timeout (1 s by default): the look is gone before it is looked for. */
const lockTimeoutMs = 10;
/** One that is cancelled is tried again. */
const mostRollbacks = 3;

/** @returns failed: the error belongs to the client's statement, see PlanRun.mustPassOn */
export function* lookInFront(
  run: PlanRun,
  plan: Plan,
): Steps<Before | { reason: Reason } | { failed: BatchResult }> {
  const looks = mayLook(run.state, plan);
  if ('reason' in looks) return looks;
  const answer = yield* look(run, looks.before);
  // 'E': the way back failed as well.
  if ('failed' in answer && (run.mustPassOn(answer.failed) || run.state.status === 'E')) return answer;
  const before = 'failed' in answer ? undefined : readBefore(answer.value);
  looked(run.state, plan, before !== undefined);
  return before ?? { reason: 'look-failed' };
}

/** The client has its reply; whatever happens here must not reach it. */
export function* lookBehind(run: PlanRun, plan: Plan): Steps<{ value: string } | { reason: Reason }> {
  const looks = mayLook(run.state, plan);
  if ('reason' in looks) return looks;
  if ('reason' in looks.after) return looks.after;
  const answer = yield* look(run, looks.after);
  for (let tries = 0; run.state.status === 'E' && tries < mostRollbacks; tries += 1) yield* run.rollBack();
  const value = 'failed' in answer ? null : answer.value;
  const known = value !== null && /^\d+$/.test(value);
  looked(run.state, plan, known);
  return known ? { value } : { reason: 'look-failed' };
}

function* look(run: PlanRun, { text, parameters }: Text): Steps<Answer> {
  const { evidenceTimeout } = run.state.options.limits;
  const { statementTimeout } = run.state;
  const budget = statementTimeout > 0 ? Math.min(statementTimeout, evidenceTimeout) : evidenceTimeout;
  run.lookBudget = budget;
  const set = (name: string, value: string): Command => new Command(`SET LOCAL ${name} = ${value}`);
  const answer = yield* run.quietly(
    [
      set('transaction_read_only', 'on'),
      set('statement_timeout', String(Math.max(1, Math.round(budget)))),
      set('lock_timeout', String(lockTimeoutMs)),
      new Command(text, parameters),
    ],
    true,
  );
  run.lookBudget = 0;
  return answer;
}
