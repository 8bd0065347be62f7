/**
 * PG (for MySQL and MariaDB see settings-mysql.ts): statements that change nothing a pattern depends on, so they may stand between the statements of a match. Step 4 of
 * the flow (text -> shape).
 *
 * SET is noise only for the variables listed here. Left out on purpose: search_path, role, session_authorization and
 * row_security (other tables or rows); DateStyle, IntervalStyle, TimeZone, standard_conforming_strings and
 * client_encoding (other meaning of the same predicate); application variables `app.x` (row-level security policies
 * read them); session_replication_role and check_function_bodies; default_transaction_* (a later transaction).
 * SET TRANSACTION is noise although it changes isolation or access mode: both are asked of the server by the plan itself.
 * NOTIFY is not noise: telling somebody about the rows is work done with them.
 */
import { keywordId } from './keywords.ts';
import { mysqlNoise } from './settings-mysql.ts';
import type { Shape } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const k = {
  set: keywordId('set'),
  reset: keywordId('reset'),
  session: keywordId('session'),
  local: keywordId('local'),
  transaction: keywordId('transaction'),
  show: keywordId('show'),
  deallocate: keywordId('deallocate'),
  constraints: keywordId('constraints'),
  to: keywordId('to'),
  listen: keywordId('listen'),
  unlisten: keywordId('unlisten'),
  characteristics: keywordId('characteristics'),
  as: keywordId('as'),
};

const is = (tokens: Tokens, i: number, word: keyof typeof k): boolean => tokens.is(i, k[word]);

/** Output, logging, time-outs and planner switches: none changes which rows a statement means. */
const harmless = new Set(
  `application_name client_min_messages statement_timeout lock_timeout idle_in_transaction_session_timeout
  idle_session_timeout transaction_timeout extra_float_digits bytea_output work_mem maintenance_work_mem
  hash_mem_multiplier plan_cache_mode jit from_collapse_limit join_collapse_limit random_page_cost seq_page_cost
  cpu_tuple_cost effective_cache_size synchronous_commit log_statement log_min_duration_statement log_min_messages`
    .trim()
    .split(/\s+/),
);
const plannerSwitch = /^enable_[a-z_]+$/;

/** 'noise', 'set-constraints', or undefined. */
export function noiseShape(tokens: Tokens, first: number, end: number): Shape | undefined {
  if (tokens.dialect !== 'postgres') return mysqlNoise(tokens, first, end);
  switch (tokens.keyword(first)) {
    case k.show:
    case k.listen:
    case k.unlisten:
    case k.deallocate:
      return { kind: 'noise' };
    case k.reset:
      return end === first + 2 && isHarmless(tokens, first + 1) ? { kind: 'noise' } : undefined;
    case k.set:
      return setShape(tokens, first + 1, end);
    default:
      return undefined;
  }
}

function setShape(tokens: Tokens, first: number, end: number): Shape | undefined {
  if (is(tokens, first, 'constraints')) return { kind: 'set-constraints' };
  if (is(tokens, first, 'transaction')) return transactionModes(tokens, first, end);
  let i = first;
  if (is(tokens, i, 'session') || is(tokens, i, 'local')) i++;
  if (is(tokens, i, 'characteristics')) return is(tokens, i + 1, 'as') ? { kind: 'noise' } : undefined;
  const assigns = is(tokens, i + 1, 'to') || tokens.kind[i + 1] === T.Equals;
  return assigns && isHarmless(tokens, i) ? { kind: 'noise' } : undefined;
}

const modeWords = new Set(['isolation', 'read', 'deferrable', 'not']);

/** SET TRANSACTION and its modes; SNAPSHOT is left out, because it looks at another transaction's rows. */
function transactionModes(tokens: Tokens, first: number, end: number): Shape | undefined {
  return first + 1 < end && modeWords.has(tokens.raw(first + 1).toLowerCase())
    ? { kind: 'noise' }
    : undefined;
}

function isHarmless(tokens: Tokens, i: number): boolean {
  if (tokens.kind[i] !== T.Word && tokens.kind[i] !== T.Quoted) return false;
  const name = tokens.raw(i).replaceAll('"', '').toLowerCase();
  return harmless.has(name) || plannerSwitch.test(name);
}
