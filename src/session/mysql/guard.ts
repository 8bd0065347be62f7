/**
 * The guard on MySQL and MariaDB: GET_LOCK, polled and never waited for, freed behind the COMMIT or ROLLBACK that ends the
 * transaction. A session that waits inside GET_LOCK takes part in metadata deadlocks, and the victim was the app's own
 * untouched statement (5 of 5 with an ALTER TABLE queued between holder and waiter, 0 of 5 polled, on all three engines).
 * A cycle between a user-level lock and a row lock is seen by no deadlock detector, hence the rest that a key gets after
 * several attempts in vain.
 */
import type { Reason } from '../../patterns/reasons.ts';
import type { Plan } from '../../patterns/types.ts';
import { atLeast } from '../../wire/mysql/version.ts';
import { writeQuery } from '../../wire/mysql/writers.ts';
import { takeTurn } from '../turn.ts';
import type { MysqlRun, Steps } from './plan-run.ts';
import type { Request } from './request.ts';

type Guard = NonNullable<Plan['guard']>;

export type Refused = { reason: Reason } | { stopped: Request };

/** Lock names are server-wide, at most 64 characters; `name` is a hash already, see patterns/guard.ts. */
function literal(name: string): string {
  return `'${name.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
}

export function writeRelease(name: string, flags: number): Buffer {
  return writeQuery(`DO RELEASE_LOCK(${literal(name)})`, flags);
}

export function* takeGuard(
  run: MysqlRun,
  guard: Guard,
): Steps<{ guard: 'had' | 'not-had'; waitedMs: number } | Refused> {
  const { state } = run;
  const { guards } = state.options.shared;
  const { name } = guard.key;
  // Before 5.7.5 a second GET_LOCK frees the first, which may be the app's own.
  if (!state.version.mariadb && !atLeast(state.version, 5, 7, 5)) return { reason: 'guard-unsafe' };
  // The server counts: a second GET_LOCK would need a second RELEASE_LOCK.
  if (state.guards.includes(name)) return { guard: 'had', waitedMs: 0 };
  if (guards.resting(name, state.now)) return { guard: 'not-had', waitedMs: 0 };
  const turn = yield* takeTurn<Request, Request, Refused>(state, guard, (mayLock) => ask(run, name, mayLock));
  if ('guard' in turn) guards.tried(name, turn.guard === 'had', state.now);
  return turn;
}

function* ask(run: MysqlRun, name: string, mayLock: boolean): Steps<boolean | Refused> {
  if (!mayLock) return false;
  const answer = yield* run.query(`SELECT GET_LOCK(${literal(name)}, 0)`);
  // Any other error, or NULL, only means that the guard was not had.
  if (answer.error !== undefined && run.mustPassOn(answer)) return { stopped: answer };
  return answer.error === undefined && answer.rows[0]?.[0] === '1';
}
