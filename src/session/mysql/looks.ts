/**
 * Looks on MySQL and MariaDB: one plain read in front of the DELETE, under READ COMMITTED, where it has a snapshot of its
 * own and locks nothing. Behind the DELETE ROW_COUNT() would tell (-1), and FOUND_ROWS(), which the DELETE leaves alone,
 * tells in front of it as well: it is put back. Measured on MySQL 9.7, MariaDB 10.11 and 11.8.
 */
import type { Text } from '../../patterns/evidence.ts';
import type { Reason } from '../../patterns/reasons.ts';
import type { Rule } from '../../patterns/rule.ts';
import { errno } from '../../wire/mysql/codes.ts';
import { looked, mayLook } from '../looks.ts';
import type { MysqlRun, Steps } from './plan-run.ts';
import type { Request } from './request.ts';

const digits = `(${Array.from({ length: 10 }, (_, digit) => `SELECT ${digit}${digit === 0 ? ' AS d' : ''}`).join(' UNION ALL ')})`;

/** FOUND_ROWS() as the app would see it. @returns undefined: not known */
export function* askFoundRows(run: MysqlRun): Steps<number | undefined> {
  const answer = yield* run.query('SELECT FOUND_ROWS()');
  const value = answer.rows[0]?.[0];
  return answer.error === undefined && typeof value === 'string' ? Number(value) : undefined;
}

/** A read of so many rows, of no table: hardly ever more than limits.remembered_ids, because that read is the app's last. */
export function* restoreFoundRows(run: MysqlRun, rows: number | undefined): Steps<void> {
  if (rows === undefined) return;
  const places = String(Math.max(0, rows - 1)).length;
  const tables = Array.from({ length: places }, (_, place) => `${digits} AS p${place}`);
  const number = Array.from({ length: places }, (_, place) => `${10 ** place} * p${place}.d`);
  yield* run.query(`SELECT 0 FROM ${tables.join(' CROSS JOIN ')} WHERE ${number.join(' + ')} < ${rows}`);
}

/** @returns stopped: somebody killed the client's statement */
export function* look(
  run: MysqlRun,
  rule: Rule,
  foundRows: number | undefined,
  asked: Text | { reason: Reason } | undefined,
): Steps<{ value: string } | { reason: Reason } | { stopped: Request }> {
  const text = mayLook(run.state, rule, asked);
  if ('reason' in text) return text;
  if (foundRows === undefined) return { reason: 'look-visible' };
  const { evidenceTimeout } = run.state.options.limits;
  const answer = yield* run.execute(limited(run, text, evidenceTimeout), false);
  looked(run.state, rule, answer.error === undefined);
  // MySQL says of its own time-out what it says of a KILL, now and then.
  const ours = answer.error?.errno === errno.queryInterrupted && run.waited >= evidenceTimeout;
  if (run.isKilled(answer) && !ours) return { stopped: answer };
  if (answer.error !== undefined) return { reason: 'look-failed' };
  const value = answer.rows[0]?.[0];
  return answer.rowCount === 1 && typeof value === 'string' ? { value } : { reason: 'no-row' };
}

/** The read with its time, for this statement alone. */
function limited(run: MysqlRun, { text, parameters }: Text, milliseconds: number): Text {
  const whole = Math.max(1, Math.round(milliseconds));
  const sql = text.toString('latin1');
  const timed = run.state.version.mariadb
    ? `SET STATEMENT max_statement_time = ${whole / 1000} FOR ${sql}`
    : sql.replace('SELECT', `SELECT /*+ MAX_EXECUTION_TIME(${whole}) */`);
  return { text: Buffer.from(timed, 'latin1'), parameters };
}
