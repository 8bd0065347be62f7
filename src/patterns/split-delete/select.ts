/** What the remembered SELECT says about the table that is to be deleted from. Steps 6 and 7 of the flow. */
import { possiblySameName } from '../../memory/names.ts';
import type { Dialect, Name, SelectShape, TableRef } from '../../sql/shape.ts';

/**
 * The table of the FROM list that the key column belongs to: named by the column's qualifier, else the only table of
 * that name. Undefined when the text leaves it open. The catalog confirms it later.
 */
export function keyTable(shape: SelectShape, target: Name, dialect: Dialect): TableRef | undefined {
  const column = shape.items[0]?.column;
  if (column === undefined) return undefined;
  const called = shape.tables.filter((table) =>
    column.qualifier === undefined
      ? possiblySameName(table.name.name, target.name, dialect)
      : table.alias === column.qualifier &&
        (column.schema === undefined || column.schema === table.name.schema),
  );
  const [table, another] = called;
  return another === undefined && table?.name.name === target.name && !table.only ? table : undefined;
}

/** In a join, or perhaps in a sub-query: `tablesRead` holds each name once. */
function readsTargetTwice(shape: SelectShape, target: Name, dialect: Dialect): boolean {
  const same = shape.tables.filter((table) => possiblySameName(table.name.name, target.name, dialect));
  return same.length > 1 || shape.subquery;
}

/**
 * The predicate may read the target a second time or aggregate over it: a sub-query, a self-join, GROUP BY, HAVING.
 * `tablesRead` holds each name once, so any sub-query counts.
 */
export function mayDependOnTarget(shape: SelectShape, target: Name, dialect: Dialect): boolean {
  return (
    readsTargetTwice(shape, target, dialect) ||
    shape.groupBy ||
    shape.having ||
    shape.aggregate ||
    shape.distinct
  );
}
