/**
 * MySQL, MariaDB: what a shape claims about a statement, as one string that can be compared with what the tree says
 * (mysql-tree.ts). Serves the witness, step 7 of the flow.
 */
import type {
  ColumnRef,
  DeleteShape,
  InsertShape,
  Name,
  SelectShape,
  Shape,
  TableRef,
  Value,
} from '../shape.ts';
import { nameClaim, sorted } from './claims.ts';

/** `parameters`: question marks in the masked text. Undefined: the witness has nothing to say about this statement. */
export function mysqlShapeClaims(shape: Shape, parameters: number): string | undefined {
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

export type Column = Pick<ColumnRef, 'schema' | 'qualifier' | 'column'>;

export function columnClaim({ schema, qualifier, column }: Column): string {
  return JSON.stringify([schema ?? '', qualifier ?? '', column]);
}

export function tableClaim(table: Pick<TableRef, 'name' | 'alias' | 'nullable'>): unknown[] {
  return [nameClaim(table.name), table.alias, table.nullable];
}

/** Kinds only: the constants were masked, and a question mark has no number. */
function valueClaim(value: Value): string {
  return value.kind;
}

function selectClaims(shape: SelectShape, parameters: number): unknown[] {
  return [
    'select',
    shape.items.map((item) => {
      if (item.star) return '*';
      return item.column === undefined ? '' : [columnClaim(item.column), item.alias ?? ''];
    }),
    shape.plainFrom ? shape.tables.map(tableClaim) : 'not plain',
    sorted(shape.tablesRead.map(nameClaim)),
    sorted(shape.functions),
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
      limit: shape.limit === undefined ? '' : valueClaim(shape.limit),
      offset: shape.offset === undefined ? '' : valueClaim(shape.offset),
      locking: shape.locking,
      order: shape.span.orderBy !== undefined,
    },
    parameters,
  ];
}

function deleteClaims(shape: DeleteShape, parameters: number): unknown[] {
  const { list, single, table } = shape;
  const [first] = list?.values ?? [];
  return [
    'delete',
    [nameClaim(table.name), table.alias],
    list === undefined
      ? ''
      : [list.form, columnClaim(list.column), first === undefined ? '' : valueClaim(first)],
    single === undefined ? '' : [columnClaim(single.column), valueClaim(single.value)],
    sorted(shape.tablesRead.map(nameClaim)),
    { returning: shape.returning, other: shape.other },
    parameters,
  ];
}

function insertClaims(shape: InsertShape, parameters: number): unknown[] {
  return [
    'insert',
    nameClaim(shape.table),
    shape.columns,
    shape.quiet,
    (shape.rows ?? []).map((row) => row.map(valueClaim)),
    parameters,
  ];
}

export function nameOfClaim(schema: string, name: string): Name {
  return schema === '' ? { name } : { schema, name };
}
