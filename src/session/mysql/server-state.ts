/**
 * What the server says of the session, in one SELECT of variables: it touches no table and opens no read view
 * (races.md 6). Names differ by product and version; an unknown one is an error of the statement and of nothing else.
 */
import type { ServerState } from '../../patterns/types.ts';
import { atLeast } from '../../wire/mysql/version.ts';
import type { ServerVersion } from '../../wire/mysql/version.ts';
import type { MysqlRun, Steps } from './plan-run.ts';
import type { Refused } from './guard.ts';

const levels: Record<string, ServerState['isolation']> = {
  'READ-UNCOMMITTED': 'read uncommitted',
  'READ-COMMITTED': 'read committed',
  'REPEATABLE-READ': 'repeatable read',
  SERIALIZABLE: 'serializable',
};

/** Default of sql_select_limit. A limit of its own cuts the SELECT and would not cut the DELETE. */
const noLimit = '18446744073709551615';

/** Asked once a plan. Notes the session's lexer settings and environment as well. */
export function* readServerState(run: MysqlRun): Steps<ServerState | Refused> {
  const { state } = run;
  let answer = yield* run.query(question(state.version, true));
  // Before 10.6.18 and 10.11.8 MariaDB has no snapshot isolation to ask for.
  if (answer.error?.errno === unknownVariable) answer = yield* run.query(question(state.version, false));
  if (run.isKilled(answer)) return { stopped: answer };
  const row = answer.rows[0];
  if (answer.error !== undefined || row === undefined) return { reason: 'catalog' };
  const [level, readOnly, mode, charset, safeUpdates, foreignKeys, selectLimit, database, user, snapshot] =
    row;
  const isolation = levels[level ?? ''];
  if (isolation === undefined || typeof mode !== 'string' || typeof charset !== 'string')
    return { reason: 'catalog' };
  state.environment = `${database ?? ''}\0${user ?? ''}`;
  state.useCharset(charset);
  const ansiQuotes = mode.split(',').includes('ANSI_QUOTES');
  const misread = state.settings.ansiQuotes !== ansiQuotes;
  state.useAnsiQuotes(ansiQuotes);
  // MariaDB: bare words are calls there, ROWNUM, which is a LIMIT, among them.
  if (mode.split(',').includes('ORACLE')) return { reason: 'catalog' };
  // What was remembered was read with other quoting, or in a charset that fools a lexer.
  if (misread || !state.readable) return { reason: 'encoding' };
  return {
    isolation,
    readOnly: readOnly !== '0',
    snapshotIsolation: snapshot === '1',
    safeUpdates: safeUpdates !== '0',
    foreignKeyChecks: foreignKeys !== '0',
    selectLimited: selectLimit !== noLimit,
    database: database ?? '',
  };
}

/** ER_UNKNOWN_SYSTEM_VARIABLE */
const unknownVariable = 1193;

function question(version: ServerVersion, snapshot: boolean): string {
  const renamed = version.mariadb ? atLeast(version, 11, 1) : atLeast(version, 5, 7, 20);
  const prefix = renamed ? 'transaction' : 'tx';
  const variables = [
    `@@session.${prefix}_isolation`,
    `@@session.${prefix}_read_only`,
    '@@session.sql_mode',
    '@@session.character_set_client',
    '@@session.sql_safe_updates',
    '@@session.foreign_key_checks',
    '@@session.sql_select_limit',
    'DATABASE()',
    'CURRENT_USER()',
  ];
  if (version.mariadb && snapshot) variables.push('@@session.innodb_snapshot_isolation');
  return `SELECT ${variables.join(', ')}`;
}
