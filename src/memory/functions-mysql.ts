/**
 * Functions of MySQL and MariaDB that give the same answer twice in one transaction and change nothing: the only ones a
 * re-evaluated predicate may call. Serves steps 5 and 6.
 *
 * Invariants: every name is a built-in function of MySQL 9.7, MariaDB 10.11 and 11.8, which the server prefers to a stored
 * or loadable one of the same name; none reads the clock, because NOW() and its relatives are those of the statement there
 * and not of the transaction, so that a later evaluation picks more rows; none reads what a statement leaves behind
 * (LAST_INSERT_ID, ROW_COUNT, FOUND_ROWS) or depends on chance. Everything unlisted is refused.
 */

/** Syntax that looks like a call. */
const constructs = [
  'any all some exists in not and or values row case if ifnull nullif coalesce greatest least interval',
  'cast convert extract position substring trim char weight_string binary date time timestamp',
];

const scalars = [
  'abs ceil ceiling floor round truncate sign mod pow power sqrt exp ln log log2 log10 degrees radians pi',
  'acos asin atan atan2 cos cot sin tan conv crc32 bit_count',
  'lower lcase upper ucase length octet_length char_length character_length bit_length ltrim rtrim lpad rpad',
  'substr mid left right replace insert reverse repeat space concat concat_ws locate instr elt field find_in_set',
  'make_set export_set substring_index ascii ord hex unhex bin oct quote soundex strcmp format to_base64 from_base64',
  'sha2 inet_aton inet_ntoa inet6_aton inet6_ntoa is_ipv4 is_ipv6',
  'regexp_replace regexp_instr regexp_substr isnull',
  'date_add date_sub adddate subdate addtime subtime datediff timediff timestampadd timestampdiff period_add period_diff',
  'date_format time_format str_to_date get_format makedate maketime last_day from_days to_days to_seconds',
  'year quarter month monthname week weekday weekofyear yearweek day dayname dayofmonth dayofweek dayofyear',
  'hour minute second microsecond sec_to_time time_to_sec',
  'json_extract json_unquote json_contains json_contains_path json_length json_depth json_keys json_search json_type',
  'json_valid json_quote json_array json_object json_value json_overlaps',
  'charset collation coercibility',
];

const aggregates = [
  'count sum min max avg bit_and bit_or bit_xor group_concat std stddev stddev_pop stddev_samp variance var_pop var_samp',
  'json_arrayagg json_objectagg',
];

/** Their answers change, or tell of the session, but calling them does nothing. */
const volatile = [
  'now current_timestamp localtime localtimestamp sysdate curdate current_date curtime current_time utc_date utc_time',
  'utc_timestamp unix_timestamp from_unixtime rand uuid uuid_short last_insert_id row_count found_rows connection_id',
  'database schema user current_user session_user system_user version',
];

const wordsOf = (lines: string[]): Set<string> => new Set(lines.flatMap((line) => line.split(' ')));

const stable = wordsOf([...constructs, ...scalars, ...aggregates]);
const harmless = wordsOf(volatile);

export function isStableOnMysql(name: string): boolean {
  return stable.has(name);
}

/** `last_insert_id(5)` sets what it returns next: the session's own business, no row changes. */
export function hasNoEffectOnMysql(name: string): boolean {
  return stable.has(name) || harmless.has(name);
}

/** For the test against real servers. */
export const knownMysqlFunctions: ReadonlySet<string> = stable;
export const mysqlConstructs: ReadonlySet<string> = wordsOf(constructs);
