/**
 * What a tree says about a statement, in the form of shapeClaims (claims.ts). Serves the witness, step 7 of the flow.
 * Written from the tree alone: it shares names and formats with the classifier, not its reading of the text.
 */
import { itemClaim, sorted, sortedNumbers, tableClaim } from './claims.ts';
import type { Node } from './parser.ts';
import { as, isNode, list, text } from './tree.ts';
import { conjunctsOf, constantClaim, equalityClaim, keyListClaim, columnOf } from './tree-conditions.ts';
import { rangeVar, walk } from './tree-walk.ts';
import type { TreeWalk } from './tree-walk.ts';

/** Undefined: a statement or node that the witness does not vouch for. */
export function treeClaims(statement: Node): string | undefined {
  const select = as(statement, 'SelectStmt');
  if (select !== undefined) return selectClaims(select);
  const deletion = as(statement, 'DeleteStmt');
  if (deletion !== undefined) return deleteClaims(deletion);
  const insertion = as(statement, 'InsertStmt');
  return insertion === undefined ? undefined : insertClaims(insertion);
}

function selectClaims(outer: Node): string | undefined {
  const seen = walk(outer);
  if (seen === undefined) return undefined;
  // a set operation's first SELECT stands for its items and tables
  let inner = outer;
  while (isNode(inner['larg'])) inner = inner['larg'];
  if ('valuesLists' in inner) return undefined;
  const from = fromTables(list(inner['fromClause']));
  const where = inner['whereClause'];
  return JSON.stringify([
    'select',
    list(inner['targetList']).map(targetClaim),
    from.plain ? from.tables.map(tableClaim) : [],
    from.plain,
    sorted(seen.tables),
    sorted(seen.functions),
    where === undefined
      ? []
      : conjunctsOf(where)
          .map(equalityClaim)
          .filter((claim) => claim !== undefined),
    {
      where: where !== undefined,
      distinct: 'distinctClause' in inner,
      groupBy: 'groupClause' in inner,
      having: 'havingClause' in inner,
      window: seen.window,
      aggregate: seen.aggregate,
      setOperation: inner !== outer,
      with: seen.with,
      into: 'intoClause' in inner,
      subquery: seen.subquery,
      limit: 'limitCount' in outer && constantClaim(outer['limitCount']) !== 'null',
      offset: 'limitOffset' in outer ? (constantClaim(outer['limitOffset']) ?? 'other') : '',
      locking: seen.locking,
      order: 'sortClause' in outer,
    },
    sortedNumbers(seen.parameters),
  ]);
}

function targetClaim(value: unknown): [string, string] {
  const target = as(value, 'ResTarget') ?? {};
  const fields = list(as(target['val'], 'ColumnRef')?.['fields']);
  const indirection = list(as(target['val'], 'A_Indirection')?.['indirection']);
  const last = fields.at(-1) ?? indirection.at(-1);
  const star = as(last, 'A_Star') !== undefined;
  return itemClaim(star, columnOf(target['val']), text(target['name']));
}

interface Table {
  name: { schema?: string; name: string };
  alias: string;
  only: boolean;
  nullable: boolean;
}

function fromTables(items: unknown[]): { tables: Table[]; plain: boolean } {
  const tables: Table[] = [];
  const plain = items.length > 0 && items.every((item) => fromItem(item, false, tables));
  return { tables, plain };
}

/** False when the item is anything but tables and joins. */
function fromItem(item: unknown, nullable: boolean, tables: Table[]): boolean {
  const join = as(item, 'JoinExpr');
  if (join !== undefined) {
    if ('usingClause' in join || join['isNatural'] === true || 'alias' in join) return false;
    const type = join['jointype'];
    const left = nullable || type === 'JOIN_RIGHT' || type === 'JOIN_FULL';
    const right = nullable || type === 'JOIN_LEFT' || type === 'JOIN_FULL';
    return fromItem(join['larg'], left, tables) && fromItem(join['rarg'], right, tables);
  }
  if (as(item, 'RangeVar') === undefined) return false;
  const { schema, name, alias, only, catalog } = rangeVar(item);
  tables.push({ name: schema === '' ? { name } : { schema, name }, alias, only, nullable });
  return !catalog;
}

function deleteClaims(fields: Node): string | undefined {
  const seen = walk(fields);
  const target = rangeVar(fields['relation']);
  if (seen === undefined || target.catalog) return undefined;
  const parts = 'whereClause' in fields ? conjunctsOf(fields['whereClause']) : [];
  const only = parts.length === 1 ? parts[0] : undefined;
  const current = as(fields['whereClause'], 'CurrentOfExpr') !== undefined;
  return JSON.stringify([
    'delete',
    tableClaim({
      name: target.schema === '' ? { name: target.name } : { schema: target.schema, name: target.name },
      alias: target.alias,
      only: target.only,
      nullable: false,
    }),
    keyListClaim(only) ?? '',
    equalityClaim(only) ?? '',
    sorted(seen.tables),
    {
      returning: 'returningList' in fields || 'returningClause' in fields,
      other: 'usingClause' in fields || 'withClause' in fields || current,
    },
    sortedNumbers(outsideList(seen, only)),
  ]);
}

/** The parameters of a list were masked, so they are left out on both sides. */
function outsideList(seen: TreeWalk, only: unknown): Set<number> {
  if (keyListClaim(only) === undefined || !isNode(only)) return seen.parameters;
  const inside = walk({ only });
  return new Set([...seen.parameters].filter((number) => inside?.parameters.has(number) !== true));
}

function insertClaims(fields: Node): string | undefined {
  const seen = walk(fields);
  if (seen === undefined || 'withClause' in fields) return undefined;
  const target = rangeVar(fields['relation']);
  if (target.catalog) return undefined;
  const columns: string[] = [];
  for (const column of list(fields['cols'])) {
    const named = as(column, 'ResTarget') ?? {};
    if ('indirection' in named) return undefined;
    columns.push(text(named['name']));
  }
  const values = list(as(fields['selectStmt'], 'SelectStmt')?.['valuesLists']);
  const rows = values.map((row) =>
    list(as(row, 'List')?.['items']).map((item) => constantClaim(item) ?? 'other'),
  );
  const complete =
    rows.length > 0 && columns.length > 0 && rows.every((row) => row.length === columns.length);
  return JSON.stringify([
    'insert',
    JSON.stringify([target.schema, target.name]),
    columns,
    'onConflictClause' in fields,
    complete ? rows : '',
    sortedNumbers(seen.parameters),
  ]);
}
