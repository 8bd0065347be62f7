/**
 * MySQL, MariaDB: statements that change nothing a pattern depends on, and SET. Step 4 of the flow (text -> shape).
 *
 * SET is noise only for the variables listed here. Left out on purpose: sql_mode, character_set_* and collation_*
 * (other meaning of the same text), time_zone (of the same predicate), sql_select_limit (cuts results short),
 * foreign_key_checks, unique_checks, sql_safe_updates, sql_log_bin, big_tables, group_concat_max_len.
 * autocommit is noise: where it ends a transaction, the status flags of the reply say so.
 */
import { keywordId } from './keywords.ts';
import type { SetIsolationShape, Shape } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const k = {
  set: keywordId('set'),
  show: keywordId('show'),
  deallocate: keywordId('deallocate'),
  prepare: keywordId('prepare'),
  select: keywordId('select'),
  limit: keywordId('limit'),
  as: keywordId('as'),
  transaction: keywordId('transaction'),
  collate: keywordId('collate'),
};

const harmless = new Set(
  `autocommit wait_timeout interactive_timeout net_read_timeout net_write_timeout lock_wait_timeout
  innodb_lock_wait_timeout max_execution_time max_statement_time idle_transaction_timeout
  idle_write_transaction_timeout idle_readonly_transaction_timeout long_query_time sql_notes sql_warnings profiling
  query_cache_type sort_buffer_size join_buffer_size read_buffer_size read_rnd_buffer_size tmp_table_size
  max_heap_table_size optimizer_switch optimizer_search_depth optimizer_prune_level max_allowed_packet
  net_buffer_length session_track_transaction_info session_track_system_variables session_track_schema
  session_track_state_change session_track_gtids information_schema_stats_expiry`
    .trim()
    .split(/\s+/),
);
const isolationVariables = new Set(['transaction_isolation', 'tx_isolation']);
const scopes: Record<string, SetIsolationShape['scope']> = {
  session: 'session',
  local: 'session',
  global: 'global',
};
/** No byte of theirs looks like a quote or a backslash, and the names of one meaning. */
const utf8 = new Set(['utf8', 'utf8mb3', 'utf8mb4']);

const noise: Shape = { kind: 'noise' };

/** 'noise', 'set-isolation', or undefined. */
export function mysqlNoise(tokens: Tokens, first: number, end: number): Shape | undefined {
  switch (tokens.keyword(first)) {
    case k.show:
      return noise;
    case k.deallocate:
      return tokens.is(first + 1, k.prepare) ? noise : undefined;
    case k.set:
      return setShape(tokens, first + 1, end);
    default:
      return undefined;
  }
}

/** `SELECT @@a [AS x], @@b … [LIMIT 1]`: drivers ask for settings between any two statements (Connector/J). */
export function isVariableQuery(tokens: Tokens, first: number, end: number): boolean {
  let i = first + 1;
  for (;;) {
    if (tokens.kind[i] !== T.Variable || !tokens.raw(i).startsWith('@@')) return false;
    i++;
    if (tokens.is(i, k.as)) i += 2;
    if (tokens.kind[i] !== T.Comma) break;
    i++;
  }
  if (tokens.is(i, k.limit) && tokens.kind[i + 1] === T.Number) i += 2;
  return i === end;
}

const word = (tokens: Tokens, i: number): string =>
  tokens.kind[i] === T.Word ? tokens.raw(i).toLowerCase() : '';

function setShape(tokens: Tokens, first: number, end: number): Shape | undefined {
  const scope = scopes[word(tokens, first)];
  const at = scope === undefined ? first : first + 1;
  if (tokens.is(at, k.transaction)) return transactionModes(tokens, at + 1, end, scope ?? 'next');
  return assignments(tokens, first, end);
}

const levels: Record<string, NonNullable<SetIsolationShape['level']>> = {
  'read uncommitted': 'read uncommitted',
  'read committed': 'read committed',
  'repeatable read': 'repeatable read',
  serializable: 'serializable',
};

/** `ISOLATION LEVEL …`, `READ ONLY`, `READ WRITE`, with a comma between. The access mode is asked of the server. */
function transactionModes(
  tokens: Tokens,
  first: number,
  end: number,
  scope: SetIsolationShape['scope'],
): Shape | undefined {
  let shape: Shape = noise;
  for (const { first: from, end: to } of parts(tokens, first, end)) {
    const words: string[] = [];
    for (let i = from; i < to; i++) words.push(word(tokens, i));
    const text = words.join(' ');
    if (text === 'read only' || text === 'read write') continue;
    const level = levels[text.replace(/^isolation level /, '')];
    if (level === undefined || !text.startsWith('isolation level ')) return undefined;
    shape = { kind: 'set-isolation', scope, level };
  }
  return end > first ? shape : undefined;
}

function* parts(tokens: Tokens, first: number, end: number): Generator<{ first: number; end: number }> {
  let from = first;
  for (let i = first; i < end; i++) {
    if (tokens.kind[i] === T.Open) i = tokens.partner[i] as number;
    else if (tokens.kind[i] === T.Comma) {
      yield { first: from, end: i };
      from = i + 1;
    }
  }
  yield { first: from, end };
}

/** `a = 1, @@session.b = 2, @c := 3, NAMES utf8mb4`; a scope goes on until the next one, but not to `@@b` (manual 15.7.6.1). */
function assignments(tokens: Tokens, first: number, end: number): Shape | undefined {
  let scope: SetIsolationShape['scope'] | undefined;
  let isolation: SetIsolationShape | undefined;
  let known = true;
  for (const part of parts(tokens, first, end)) {
    let from = part.first;
    const given = scopes[word(tokens, from)];
    if (given !== undefined) from++;
    scope = given ?? scope;
    const one = assignment(tokens, from, part.end, scope);
    if (one === undefined) known = false;
    else if (one.kind === 'set-isolation' && isolation?.scope !== 'next') isolation = one;
  }
  // one for the next transaction cannot be seen afterwards, so it must not be lost
  if (isolation?.scope === 'next') return isolation;
  return known ? (isolation ?? noise) : undefined;
}

function assignment(
  tokens: Tokens,
  first: number,
  end: number,
  scope: SetIsolationShape['scope'] | undefined,
): SetIsolationShape | { kind: 'noise' } | undefined {
  if (word(tokens, first) === 'names')
    return isUtf8Names(tokens, first + 1, end) ? { kind: 'noise' } : undefined;
  const assigns = tokens.kind[first + 1] === T.Equals || tokens.kind[first + 1] === T.Assign;
  if (!assigns || end - first < 3) return undefined;
  const variable = variableAt(tokens, first, scope);
  if (variable === undefined) return undefined;
  if (isolationVariables.has(variable.name))
    return isolationOf(tokens, first + 2, end, variable.scope ?? variable.unscoped);
  if (variable.scope === 'global' || !isConstant(tokens, first + 2, end)) return undefined;
  if (variable.name === 'sql_auto_is_null')
    return tokens.raw(first + 2) === '0' ? { kind: 'noise' } : undefined;
  return variable.name === '@' || harmless.has(variable.name) ? { kind: 'noise' } : undefined;
}

interface Variable {
  /** '@' for a user variable. */
  name: string;
  scope?: SetIsolationShape['scope'];
  /** What the isolation variable without a scope reaches: `SET x` the session, `SET @@x` the next transaction. */
  unscoped: SetIsolationShape['scope'];
}

function variableAt(
  tokens: Tokens,
  i: number,
  scope: SetIsolationShape['scope'] | undefined,
): Variable | undefined {
  const raw = tokens.raw(i).toLowerCase().replaceAll('`', '');
  const given = scope === undefined ? {} : { scope };
  if (tokens.kind[i] === T.Word || tokens.kind[i] === T.Quoted) {
    return { name: raw, ...given, unscoped: 'session' };
  }
  if (tokens.kind[i] !== T.Variable) return undefined;
  if (!raw.startsWith('@@')) return { name: '@', unscoped: 'session' };
  const [first = '', second] = raw.slice(2).split('.');
  if (second === undefined) return { name: first, unscoped: 'next' };
  const own = scopes[first];
  return own === undefined ? undefined : { name: second, scope: own, unscoped: own };
}

const byNumber = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'] as const;

function isolationOf(
  tokens: Tokens,
  first: number,
  end: number,
  scope: SetIsolationShape['scope'],
): SetIsolationShape {
  const text = tokens.raw(first).toLowerCase();
  const level =
    end - first > 1 ? undefined : (levels[text.slice(1, -1).replace('-', ' ')] ?? byNumber[Number(text)]);
  return level === undefined ? { kind: 'set-isolation', scope } : { kind: 'set-isolation', scope, level };
}

/** No call, no sub-query, no other variable than `@@x`. */
function isConstant(tokens: Tokens, first: number, end: number): boolean {
  for (let i = first; i < end; i++) {
    const kind = tokens.kind[i];
    if (kind === T.Open || kind === T.Assign) return false;
    if (kind === T.Variable && !tokens.raw(i).startsWith('@@')) return false;
  }
  return true;
}

function isUtf8Names(tokens: Tokens, first: number, end: number): boolean {
  const name = tokens.raw(first).replace(/^['"`](.*)['"`]$/, '$1');
  if (!utf8.has(name.toLowerCase())) return false;
  return end === first + 1 || (end === first + 3 && tokens.is(first + 1, k.collate));
}
