/**
 * Looks on PostgreSQL: one read of ours under a savepoint that is rolled back, so that nothing stays, its settings
 * included. The server itself is told that it may write nothing (transaction_read_only), that it has little time, and that
 * it may wait for no lock: a look in a deadlock could cost another session its transaction.
 */
import type { Text } from '../../patterns/evidence.ts';
import type { Reason } from '../../patterns/reasons.ts';
import type { Rule } from '../../patterns/rule.ts';
import { looked, mayLook } from '../looks.ts';
import { Command } from './batch.ts';
import type { BatchResult } from './batch.ts';
import type { PlanRun, Steps } from './plan-run.ts';

/** Shorter than any deadlock_timeout (1 s by default): the look is gone before it is looked for. */
const lockTimeoutMs = 10;
/** One that is cancelled is tried again. */
const mostRollbacks = 3;

export type Answer = { value: string };

/** @returns failed: the error belongs to the client's statement, see PlanRun.mustPassOn */
export function* lookInFront(
  run: PlanRun,
  rule: Rule,
  asked: Text | { reason: Reason } | undefined,
): Steps<Answer | { reason: Reason } | { failed: BatchResult }> {
  const text = mayLook(run.state, rule, asked);
  if ('reason' in text) return text;
  const answer = yield* look(run, rule, text);
  // 'E': the way back failed as well.
  if ('failed' in answer && (run.mustPassOn(answer.failed) || run.state.status === 'E')) return answer;
  return 'failed' in answer ? { reason: 'look-failed' } : answer;
}

/** The client has its reply; whatever happens here must not reach it. */
export function* lookBehind(
  run: PlanRun,
  rule: Rule,
  asked: Text | { reason: Reason } | undefined,
): Steps<Answer | { reason: Reason }> {
  const text = mayLook(run.state, rule, asked);
  if ('reason' in text) return text;
  const answer = yield* look(run, rule, text);
  for (let tries = 0; run.state.status === 'E' && tries < mostRollbacks; tries += 1) yield* run.rollBack();
  return 'failed' in answer ? { reason: 'look-failed' } : answer;
}

/** Of another number of rows than one nothing is learnt. */
function* look(
  run: PlanRun,
  rule: Rule,
  { text, parameters }: Text,
): Steps<Answer | { reason: Reason } | { failed: BatchResult }> {
  const { evidenceTimeout } = run.state.options.limits;
  const { statementTimeout } = run.state;
  const budget = statementTimeout > 0 ? Math.min(statementTimeout, evidenceTimeout) : evidenceTimeout;
  run.lookBudget = budget;
  const set = (name: string, value: string): Command => new Command(`SET LOCAL ${name} = ${value}`);
  const question = new Command(text, parameters);
  const answer = yield* run.quietly(
    [
      set('transaction_read_only', 'on'),
      set('statement_timeout', String(Math.max(1, Math.round(budget)))),
      set('lock_timeout', String(lockTimeoutMs)),
      question,
    ],
    true,
  );
  run.lookBudget = 0;
  looked(run.state, rule, !('failed' in answer));
  if ('failed' in answer) return answer;
  const { value } = answer;
  return question.rows === 1 && value !== null ? { value } : { reason: 'no-row' };
}
