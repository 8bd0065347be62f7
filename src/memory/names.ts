/**
 * Do two names as written mean one table? Only a first guess for memory and detection: the catalog facts decide
 * (search_path, temporary tables, the default database), by OID on PG, by the server's own spelling on MySQL.
 *
 * MySQL, MariaDB: whether case counts depends on the server (lower_case_table_names), so names that differ in case only
 * are possibly the same. `possibly…` is for questions whose yes refuses or looks closer, `same…` for those whose yes allows.
 */
import type { Dialect, Name } from '../sql/shape.ts';

export function sameTable(a: Name, b: Name): boolean {
  return a.name === b.name && (a.schema === undefined || b.schema === undefined || a.schema === b.schema);
}

export function possiblySameName(a: string, b: string, dialect: Dialect): boolean {
  return a === b || (dialect !== 'postgres' && a.toLowerCase() === b.toLowerCase());
}

export function possiblySameTable(a: Name, b: Name, dialect: Dialect): boolean {
  if (!possiblySameName(a.name, b.name, dialect)) return false;
  return a.schema === undefined || b.schema === undefined || possiblySameName(a.schema, b.schema, dialect);
}

export function includesTable(names: readonly Name[], table: Name, dialect: Dialect): boolean {
  return names.some((name) => possiblySameTable(name, table, dialect));
}
