/**
 * Do two names as written mean one table? Only a first guess for memory and detection: the catalog facts decide
 * (search_path, temporary tables), by OID.
 */
import type { Name } from '../sql/shape.ts';

export function sameTable(a: Name, b: Name): boolean {
  return a.name === b.name && (a.schema === undefined || b.schema === undefined || a.schema === b.schema);
}

export function includesTable(names: readonly Name[], table: Name): boolean {
  return names.some((name) => sameTable(name, table));
}
