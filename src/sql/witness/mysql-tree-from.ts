/** The FROM clause of node-sql-parser's trees: tables in order, and which an outer join may fill with NULL. Witness, step 7. */
import type { Name } from '../shape.ts';
import { nameOfClaim } from './mysql-claims.ts';
import { array, field, name } from './mysql-tree-fields.ts';

export interface TreeTable {
  name: Name;
  alias: string;
  nullable: boolean;
}

export interface TreeFrom {
  tables: TreeTable[];
  /** Tables and joins with ON only. */
  plain: boolean;
}

export function fromTables(from: unknown): TreeFrom {
  const tables: TreeTable[] = [];
  const items = Array.isArray(from) ? from : from == null ? [] : [from];
  const plain = items.length > 0 && read(items, tables);
  return { tables, plain };
}

/** An item without `join` begins after a comma; a RIGHT JOIN reaches back to there. */
function read(items: unknown[], tables: TreeTable[]): boolean {
  let plain = true;
  let group = tables.length;
  for (const item of items) {
    const fields = field(item);
    const join = fields?.['join'];
    if (join == null) group = tables.length;
    const first = tables.length;
    if (fields === undefined || !readItem(fields, tables)) plain = false;
    else if (!setSides(tables, join ?? '', group, first)) plain = false;
  }
  return plain;
}

function readItem(fields: Record<string, unknown>, tables: TreeTable[]): boolean {
  if (fields['using'] != null) return false;
  if (fields['expr'] != null) {
    const { expr, as, joins } = fields;
    return as == null && array(joins).length === 0 && Array.isArray(expr) && read(expr, tables);
  }
  const table = name(fields['table']);
  if (table === undefined || fields['type'] === 'dual') return false;
  tables.push({
    name: nameOfClaim(name(fields['db']) ?? '', table),
    alias: name(fields['as']) ?? table,
    nullable: false,
  });
  return true;
}

const inner = new Set<unknown>(['', 'INNER JOIN', 'CROSS JOIN', 'STRAIGHT_JOIN', 'JOIN']);

function setSides(tables: TreeTable[], join: unknown, group: number, first: number): boolean {
  if (inner.has(join)) return true;
  const left = join === 'LEFT JOIN';
  if (!left && join !== 'RIGHT JOIN') return false;
  for (let i = left ? first : group; i < (left ? tables.length : first); i++) {
    const table = tables[i];
    if (table !== undefined) table.nullable = true;
  }
  return true;
}
