/**
 * Do the SELECT's equality conditions carry the values of the failed INSERT for a set of columns? Steps 6 and 7.
 *
 * With several VALUES rows any one of them may have failed: a look-up of any row that the app tried to insert is the
 * pattern's read, and a lock on a row that was in nobody's way does no harm. All columns have to come from one row.
 */
import type { FailedInsert } from '../../memory/notes.ts';
import { mysqlKey } from '../../memory/keys-mysql.ts';
import { possiblySameTable, sameTable } from '../../memory/names.ts';
import type { Statement } from '../../memory/types.ts';
import { sameValue } from '../../memory/values.ts';
import type { Dialect, Equality, Name, SelectShape, TableRef, Value } from '../../sql/shape.ts';

/** The table of the FROM list that the INSERT went to; undefined when it may stand there twice. */
export function readTable(shape: SelectShape, table: Name, dialect: Dialect): TableRef | undefined {
  const [one, another] = shape.tables.filter((ref) => possiblySameTable(ref.name, table, dialect));
  return another === undefined && one !== undefined && sameTable(one.name, table) ? one : undefined;
}

/** Conditions on columns of the target: unqualified ones belong to it when the key has such a column (else ambiguous). */
function conditionsOn(shape: SelectShape, target: TableRef): Equality[] {
  return shape.equalities.filter(
    ({ column }) =>
      (column.qualifier === undefined || column.qualifier === target.alias) &&
      (column.schema === undefined || column.schema === target.name.schema),
  );
}

function valueIn(insert: FailedInsert, row: readonly Value[], column: string): Value | undefined {
  const at = insert.shape.columns.indexOf(column);
  return at < 0 ? undefined : row[at];
}

/** Without the catalog: at least one condition is on a column of the INSERT and may carry its value. */
export function mayPin(
  insert: FailedInsert,
  statement: Statement,
  shape: SelectShape,
  target: TableRef | undefined,
): boolean {
  if (target === undefined) return false;
  return conditionsOn(shape, target).some(({ column, value }) =>
    insert.shape.rows?.some((row) => {
      const inserted = valueIn(insert, row, column.column);
      if (inserted === undefined) return false;
      return loose(inserted, insert.statement, value, statement);
    }),
  );
}

/** Equal as some type that is compared, or as text: the column's own type is not known yet. */
function loose(a: Value, aOf: Statement, b: Value, bOf: Statement): boolean {
  const text = 25;
  const int8 = 20;
  const uuid = 2950;
  const numeric = 1700;
  return [0, int8, numeric, uuid, text, mysqlKey.bytes].some((type) =>
    sameValue(a, aOf.parameters, b, bOf.parameters, type),
  );
}

/** With the catalog: every column of the key has a condition with the value of one and the same row. */
export function pins(
  insert: FailedInsert,
  statement: Statement,
  shape: SelectShape,
  target: TableRef,
  key: { name: string; type: number }[],
): boolean {
  const conditions = conditionsOn(shape, target);
  const rows = insert.shape.rows ?? [];
  return rows.some((row) =>
    key.every(({ name, type }) => {
      const inserted = valueIn(insert, row, name);
      if (inserted === undefined) return false;
      return conditions.some(
        ({ column, value }) =>
          column.column === name &&
          sameValue(inserted, insert.statement.parameters, value, statement.parameters, type),
      );
    }),
  );
}
