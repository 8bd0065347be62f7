/**
 * The guard on MySQL and MariaDB: GET_LOCK with a short time-out, freed behind the COMMIT or ROLLBACK that ends the
 * transaction (treatments.md). A user-level lock is not transactional, and a cycle between it and a row lock is seen by no
 * deadlock detector: hence the time-out, and the rest that a key gets after several of them.
 */
import type { Reason } from '../../patterns/reasons.ts';
import type { Plan } from '../../patterns/types.ts';
import { atLeast } from '../../wire/mysql/version.ts';
import { writeQuery } from '../../wire/mysql/writers.ts';
import { takeTurn } from '../turn.ts';
import type { MysqlRun, Steps } from './plan-run.ts';
import type { Request } from './request.ts';

type Guard = NonNullable<Plan['guard']>;

/** Seconds that one GET_LOCK waits inside the server. */
const lockSeconds = 1;

/** Lock names are server-wide, at most 64 characters; `name` is a hash already, see patterns/split-delete/guard.ts. */
function literal(name: string): string {
  return `'${name.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
}

export function writeRelease(name: string, flags: number): Buffer {
  return writeQuery(`DO RELEASE_LOCK(${literal(name)})`, flags);
}

export function* takeGuard(
  run: MysqlRun,
  guard: Guard,
): Steps<{ guard: 'had' | 'not-had'; waitedMs: number } | { reason: Reason }> {
  const { state } = run;
  const { guards } = state.options.shared;
  const { name } = guard.key;
  // Before 5.7.5 a second GET_LOCK frees the first, which may be the app's own.
  if (!state.version.mariadb && !atLeast(state.version, 5, 7, 5)) return { reason: 'guard-unsafe' };
  if (guards.resting(name, state.now)) return { guard: 'not-had', waitedMs: 0 };
  const turn = yield* takeTurn<Request, Request, { reason: Reason }>(state, guard, (mayLock) =>
    ask(run, name, mayLock),
  );
  if ('guard' in turn) guards.tried(name, turn.guard === 'had', state.now);
  return turn;
}

function* ask(run: MysqlRun, name: string, mayLock: boolean): Steps<boolean> {
  if (!mayLock) return false;
  const answer = yield* run.query(`SELECT GET_LOCK(${literal(name)}, ${lockSeconds})`);
  // An error or NULL of the guard itself only means: not had.
  return answer.error === undefined && answer.rows[0]?.[0] === '1';
}
