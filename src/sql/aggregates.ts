/**
 * Built-in aggregate functions of PostgreSQL 18 (manual 9.21), MySQL 8.4 and MariaDB. A query that calls one returns
 * groups, not rows, and cannot be locked. Step 4 of the flow (text -> shape).
 */
const aggregates = new Set(
  `count sum min max avg array_agg string_agg json_agg jsonb_agg json_agg_strict jsonb_agg_strict json_object_agg
  jsonb_object_agg json_object_agg_strict jsonb_object_agg_strict json_object_agg_unique jsonb_object_agg_unique
  json_object_agg_unique_strict jsonb_object_agg_unique_strict json_arrayagg json_objectagg bool_and bool_or every
  bit_and bit_or bit_xor any_value xmlagg range_agg range_intersect_agg
  stddev stddev_pop stddev_samp std variance var_pop var_samp corr covar_pop covar_samp
  regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
  mode percentile_cont percentile_disc grouping rank dense_rank percent_rank cume_dist group_concat`
    .trim()
    .split(/\s+/),
);

/** `name` in lower case, without its schema. */
export function isAggregate(name: string): boolean {
  return aggregates.has(name);
}
