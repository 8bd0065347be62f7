/** MySQL, MariaDB: the isolation level that a plan would run under. Step 7 of the flow. */
import type { IsolationLevel } from '../memory/isolation.ts';
import type { TransactionMemory } from '../memory/memory.ts';
import type { ServerState } from './types.ts';

/**
 * 'repeatable read' is the one of InnoDB that locks what is there now, whatever the snapshot says; with MariaDB's
 * innodb_snapshot_isolation a lock on a row that has changed ends the transaction (error 1020). Undefined: not known.
 */
export function isolationOf(
  memory: TransactionMemory,
  server: ServerState,
): IsolationLevel | 'snapshot isolation' | undefined {
  if (memory.isolation === 'unknown') return undefined;
  const level = memory.isolation === 'session' ? server.isolation : memory.isolation;
  return level === 'repeatable read' && server.snapshotIsolation ? 'snapshot isolation' : level;
}
