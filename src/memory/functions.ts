/**
 * Functions of PostgreSQL (MySQL's: functions-mysql.ts) that give the same answer twice in one transaction and change nothing: the only ones a
 * re-evaluated predicate may call. Serves steps 5 and 6.
 *
 * Invariant: no overload of these names in pg_catalog is volatile (checked against every supported server by
 * test/same/facts.test.ts), none reads the clock of the statement. statement_timestamp and txid_current are 'stable' for the
 * server and missing here. Everything unlisted is refused; a function of the app's own that hides one of these names
 * is found by the catalog facts.
 */

import type { Dialect } from '../sql/shape.ts';
import { hasNoEffectOnMysql, isStableOnMysql } from './functions-mysql.ts';

/** Syntax that looks like a call. */
const constructs = [
  'any all some exists in not and or values row array cast case coalesce nullif greatest least',
  'extract position substring overlay trim normalize collation_for grouping interval timestamp time date',
  'current_date current_time current_timestamp localtime localtimestamp current_user session_user user current_role',
  'current_catalog current_schema treat xmlelement xmlforest',
];

const scalars = [
  'abs ceil ceiling floor round trunc sign mod power pow sqrt cbrt exp ln log log10 div gcd lcm degrees radians pi',
  'acos asin atan atan2 cos cot sin tan width_bucket scale min_scale trim_scale factorial',
  'lower upper initcap length char_length character_length octet_length bit_length btrim ltrim rtrim lpad rpad',
  'substr left right replace translate reverse repeat concat concat_ws split_part strpos starts_with ascii chr',
  'md5 sha224 sha256 sha384 sha512 encode decode to_hex quote_ident quote_literal quote_nullable format',
  'regexp_replace regexp_match regexp_like regexp_count regexp_instr regexp_substr regexp_split_to_array like similar_to_escape',
  'to_char to_date to_number to_timestamp',
  'now transaction_timestamp age date_part date_trunc date_bin make_date make_time make_timestamp make_timestamptz make_interval',
  'justify_days justify_hours justify_interval isfinite timezone',
  'array_length array_position array_positions array_to_string string_to_array array_append array_prepend array_cat',
  'array_remove array_replace array_ndims array_dims array_lower array_upper cardinality unnest generate_series generate_subscripts',
  'json_array_length jsonb_array_length json_typeof jsonb_typeof json_extract_path json_extract_path_text',
  'jsonb_extract_path jsonb_extract_path_text jsonb_exists jsonb_exists_any jsonb_exists_all jsonb_contains',
  'json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text json_object_keys jsonb_object_keys',
  'to_json to_jsonb json_build_object jsonb_build_object json_build_array jsonb_build_array jsonb_set jsonb_strip_nulls',
  'jsonb_path_exists jsonb_path_match',
  'isempty lower_inc upper_inc lower_inf upper_inf range_merge int4range int8range numrange tsrange tstzrange daterange',
  'to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd numnode querytree strip setweight',
  'host hostmask masklen netmask network family broadcast abbrev set_masklen inet_same_family inet_merge',
];

const aggregates = [
  'count sum min max avg every bool_and bool_or bit_and bit_or array_agg string_agg json_agg jsonb_agg',
  'json_object_agg jsonb_object_agg stddev stddev_pop stddev_samp variance var_pop var_samp mode percentile_cont percentile_disc corr',
];

const known = new Set([...constructs, ...scalars, ...aggregates].flatMap((line) => line.split(' ')));

/**
 * True when every call is of a function that gives the same answer twice in one transaction; names are lower case,
 * `schema.name` when qualified.
 */
export function onlyKnownFunctions(names: readonly string[], dialect: Dialect): boolean {
  if (dialect !== 'postgres') return names.every(isStableOnMysql);
  return names.every((name) =>
    known.has(name.startsWith('pg_catalog.') ? name.slice('pg_catalog.'.length) : name),
  );
}

/** True when no call writes, whatever it answers. PG: a function that is not known may do anything. */
export function hasNoEffect(names: readonly string[], dialect: Dialect): boolean {
  return dialect === 'postgres' ? onlyKnownFunctions(names, dialect) : names.every(hasNoEffectOnMysql);
}

/** For the test against real servers. */
export const knownFunctions: ReadonlySet<string> = known;
