/**
 * What node-sql-parser's tree says about a statement, in the form of mysqlShapeClaims (mysql-claims.ts). Serves the
 * witness, step 7 of the flow. Written from the tree alone; a node that is not known here makes the claims differ.
 */
import { isAggregate } from '../aggregates.ts';
import { lowerAscii } from '../names.ts';
import { nameClaim, sorted } from './claims.ts';
import { columnClaim, nameOfClaim, tableClaim } from './mysql-claims.ts';
import type { Ast } from './mysql-parser.ts';
import { conjunctsOf, constantClaim, equalityClaim, listClaim, columnOf } from './mysql-tree-conditions.ts';
import { fromTables } from './mysql-tree-from.ts';
import { array, field, name, word } from './mysql-tree-fields.ts';
import { walkMysql } from './mysql-tree-walk.ts';

/** Undefined: a statement that the witness does not vouch for. */
export function mysqlTreeClaims(statement: Ast): string | undefined {
  switch (statement['type']) {
    case 'select':
      return JSON.stringify(selectClaims(statement));
    case 'delete':
      return deleteClaims(statement);
    case 'insert':
      return insertClaims(statement);
    default:
      return undefined;
  }
}

function selectClaims(select: Ast): unknown[] {
  const seen = walkMysql(select);
  const from = fromTables(select['from']);
  const [first, second] = array(field(select, 'limit')?.['value']).map(
    (value) => constantClaim(value) ?? 'other',
  );
  const separator = field(select, 'limit')?.['seperator'];
  const comma = separator === ',';
  return [
    'select',
    array(select['columns']).map(itemClaim),
    from.plain ? from.tables.map(tableClaim) : 'not plain',
    sorted(seen.tables),
    sorted(seen.functions),
    conjunctsOf(select['where'])
      .map(equalityClaim)
      .filter((claim) => claim !== undefined),
    {
      where: select['where'] != null,
      distinct: select['distinct'] === 'DISTINCT',
      groupBy: select['groupby'] != null,
      having: select['having'] != null,
      window: seen.window || select['window'] != null,
      aggregate: [...seen.topFunctions].some((called) => isAggregate(called)),
      setOperation: select['_next'] != null || select['set_op'] != null,
      with: seen.with,
      into: seen.into,
      subquery: seen.subquery,
      limit: (comma ? second : first) ?? '',
      offset: (comma ? first : second) ?? '',
      locking: seen.locking,
      order: select['orderby'] != null,
    },
    seen.parameters,
  ];
}

function itemClaim(item: unknown): unknown {
  const expression = field(item, 'expr');
  if (expression?.['type'] !== 'column_ref') return '';
  if (expression['column'] === '*') return '*';
  const column = columnOf(expression);
  if (column === undefined) return '';
  const alias = name(field(item)?.['as']);
  return [columnClaim(column), lowerAscii(alias ?? '')];
}

function deleteClaims(deletion: Ast): string | undefined {
  const seen = walkMysql(deletion);
  const targets = array(deletion['table']);
  const { tables } = fromTables(deletion['from']);
  const target = field(targets[0]);
  if (targets.length !== 1 || target === undefined) return undefined;
  const single = target['addition'] === true && tables.length === 1;
  const schema = name(target['db']) ?? '';
  const called = name(target['table']) ?? '';
  const table = single
    ? tables[0]
    : tables.find((one) =>
        schema === '' ? one.alias === called : one.name.name === called && one.name.schema === schema,
      );
  if (table === undefined) return undefined;
  const parts = conjunctsOf(deletion['where']);
  const only = parts.length === 1 && single ? parts[0] : undefined;
  const other =
    !single || deletion['orderby'] != null || deletion['limit'] != null || deletion['with'] != null;
  const list = listClaim(only);
  return JSON.stringify([
    'delete',
    [nameClaim(table.name), table.alias],
    list ?? '',
    (list === undefined ? equalityClaim(only) : undefined) ?? '',
    sorted(
      single
        ? seen.tables.filter((one) => one !== nameClaim(table.name) || seen.subqueryTables.has(one))
        : seen.tables,
    ),
    { returning: deletion['returning'] != null, other },
    seen.parameters,
  ]);
}

function insertClaims(insertion: Ast): string | undefined {
  const seen = walkMysql(insertion);
  const [table, more] = array(insertion['table']).map((one) => field(one));
  if (table === undefined || more !== undefined) return undefined;
  const columns = array(insertion['columns']).map((column) => name(column));
  const values = field(insertion, 'values');
  const rows = values?.['type'] === 'values' ? array(values['values']) : [];
  return JSON.stringify([
    'insert',
    nameClaim(nameOfClaim(name(table['db']) ?? '', name(table['table']) ?? '')),
    columns.map((column) => lowerAscii(column ?? '')),
    /\bignore\b/.test(word(insertion['prefix'])) || insertion['on_duplicate_update'] != null,
    rows.map((row) => array(field(row)?.['value']).map((value) => constantClaim(value) ?? 'other')),
    seen.parameters,
  ]);
}
