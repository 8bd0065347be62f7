/**
 * What a shape claims about a statement, as one string that can be compared with what the tree says (tree-claims.ts).
 * Serves the witness, step 7 of the flow. Constants' own values are not part of a claim: they were masked.
 */
import type {
  ColumnRef,
  DeleteShape,
  InsertShape,
  KeyList,
  Name,
  SelectShape,
  Shape,
  TableRef,
  Value,
} from '../shape.ts';

/** Undefined: the witness has nothing to say about this kind of statement. */
export function shapeClaims(shape: Shape, parameters: Set<number>): string | undefined {
  switch (shape.kind) {
    case 'select':
      return shape.userVariable ? undefined : JSON.stringify(selectClaims(shape, parameters));
    case 'delete':
      return JSON.stringify(deleteClaims(shape, parameters));
    case 'insert':
      return JSON.stringify(insertClaims(shape, parameters));
    default:
      return undefined;
  }
}

export const sorted = (items: Iterable<string>): string[] => [...new Set(items)].sort();
export const sortedNumbers = (items: Iterable<number>): number[] => [...new Set(items)].sort((a, b) => a - b);

export function nameClaim(name: Name): string {
  return JSON.stringify([name.schema ?? '', name.name]);
}

/** Built-in functions may be called with or without their schema. */
export function functionClaim(name: string): string {
  return name.startsWith('pg_catalog.') ? name.slice('pg_catalog.'.length) : name;
}

function selectClaims(shape: SelectShape, parameters: Set<number>): unknown[] {
  return [
    'select',
    shape.items.map((item) =>
      item.column === undefined
        ? itemClaim(item.star)
        : itemClaim(false, columnClaim(item.column), item.alias),
    ),
    shape.plainFrom ? shape.tables.map(tableClaim) : [],
    shape.plainFrom,
    sorted(shape.tablesRead.map(nameClaim)),
    sorted(shape.functions.map(functionClaim)),
    shape.equalities.map(({ column, value }) => [columnClaim(column), valueClaim(value)]),
    {
      where: shape.hasWhere,
      distinct: shape.distinct,
      groupBy: shape.groupBy,
      having: shape.having,
      window: shape.window,
      aggregate: shape.aggregate,
      setOperation: shape.setOperation,
      with: shape.with,
      into: shape.into,
      subquery: shape.subquery,
      limit: shape.limit !== undefined || shape.fetch,
      offset: shape.offset === undefined ? '' : valueClaim(shape.offset),
      locking: shape.locking,
      order: shape.span.orderBy !== undefined,
    },
    sortedNumbers(parameters),
  ];
}

/** Aliases count for columns only: without AS they are hard to tell from the end of an expression. */
export function itemClaim(star: boolean, column = '', alias = ''): [string, string] {
  return [star ? '*' : column, column === '' ? '' : alias];
}

export function tableClaim(table: Pick<TableRef, 'name' | 'alias' | 'only' | 'nullable'>): unknown[] {
  return [nameClaim(table.name), table.alias, table.only, table.nullable];
}

export function columnClaim(column: Pick<ColumnRef, 'schema' | 'qualifier' | 'column'>): string {
  return JSON.stringify([column.schema ?? '', column.qualifier ?? '', column.column]);
}

/** Kind and cast; the length in `varchar(3)` only by its presence. */
export function valueClaim(value: Value): string {
  const kind = value.kind === 'parameter' ? `$${value.index}` : value.kind;
  if (!('cast' in value) || value.cast === undefined) return kind;
  return `${kind}::${value.cast.replace(/\(.*\)/, '()')}`;
}

function deleteClaims(shape: DeleteShape, parameters: Set<number>): unknown[] {
  const { list, single } = shape;
  return [
    'delete',
    tableClaim(shape.table),
    list === undefined ? '' : listClaim(list),
    single === undefined ? '' : [columnClaim(single.column), valueClaim(single.value)],
    sorted(shape.tablesRead.map(nameClaim)),
    { returning: shape.returning, other: shape.other },
    sortedNumbers(parameters),
  ];
}

function listClaim(list: KeyList): unknown[] {
  const [first] = list.values;
  return [list.form, columnClaim(list.column), list.array, first === undefined ? '' : valueClaim(first)];
}

function insertClaims(shape: InsertShape, parameters: Set<number>): unknown[] {
  return [
    'insert',
    nameClaim(shape.table),
    shape.columns,
    shape.quiet,
    shape.rows === undefined ? '' : shape.rows.map((row) => row.map(valueClaim)),
    sortedNumbers(parameters),
  ];
}
