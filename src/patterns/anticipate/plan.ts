/** Step 7: whose guard it is, and whether it helps at this isolation level. Plain data; nothing is edited. */
import type { Facts } from '../../facts/types.ts';
import type { TransactionMemory } from '../../memory/memory.ts';
import { guardKey, guardKeyMysql } from '../guard.ts';
import { isolationOf } from '../isolation.ts';
import type { Reason } from '../reasons.ts';
import type { AnticipateRule } from '../rule.ts';
import type { DetectionContext, GuardPlan, ServerState } from '../types.ts';

export function planAnticipated(
  { dialect, database, memory }: DetectionContext,
  rule: AnticipateRule,
  facts: Facts,
  server: ServerState | undefined,
): GuardPlan | { reason: Reason } {
  const reason = dialect === 'postgres' ? undefined : refusedSession(memory, server);
  if (reason !== undefined) return { reason };
  if (facts.unresolved || !facts.targetResolves) return { reason: 'catalog' };
  // A view's rows are those of tables with names of their own, and whoever deletes them takes their guard.
  if (facts.target.kind !== 'r' && facts.target.kind !== 'p') return { reason: 'relation-kind' };
  const { schema, table } = facts.identity;
  const key = dialect === 'postgres' ? guardKey(database, schema, table) : guardKeyMysql(schema, table);
  const { guard: mode, guard_wait: waitMs } = rule.settings;
  return { pattern: 'anticipate', rule, guard: { key, mode, waitMs }, edited: undefined };
}

/**
 * READ COMMITTED: every statement sees what is there now. Above it the transaction sees, and under SERIALIZABLE has locked,
 * what was there at its first read, which therefore has to come behind the guard. READ UNCOMMITTED has not been measured.
 */
function refusedSession(memory: TransactionMemory, server: ServerState | undefined): Reason | undefined {
  if (server === undefined) return 'catalog';
  const level = isolationOf(memory, server);
  if (level === undefined || level === 'read uncommitted') return 'isolation';
  if (server.readOnly || memory.opening.readOnly) return 'read-only';
  return level === 'read committed' || memory.opening.untouched ? undefined : 'snapshot-taken';
}
