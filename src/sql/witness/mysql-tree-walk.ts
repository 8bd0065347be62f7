/** One walk over the whole of a node-sql-parser tree: what it names and calls anywhere. Serves the witness, step 7 of the flow. */
import { lowerAscii } from '../names.ts';
import { nameClaim } from './claims.ts';
import { nameOfClaim } from './mysql-claims.ts';
import type { Ast } from './mysql-parser.ts';
import { isAst } from './mysql-parser.ts';
import { array, field, name, word } from './mysql-tree-fields.ts';

export interface MysqlTreeWalk {
  tables: string[];
  /** Those of them that a sub-query reads. */
  subqueryTables: Set<string>;
  functions: Set<string>;
  /** Called in the outermost query. */
  topFunctions: Set<string>;
  parameters: number;
  subquery: boolean;
  window: boolean;
  with: boolean;
  into: boolean;
  locking: boolean;
}

/** Recursion is bounded by the witness's token limit. */
export function walkMysql(statement: Ast): MysqlTreeWalk {
  const seen: MysqlTreeWalk = {
    tables: [],
    subqueryTables: new Set(),
    functions: new Set(),
    topFunctions: new Set(),
    parameters: 0,
    subquery: false,
    window: false,
    with: false,
    into: false,
    locking: false,
  };
  visit(statement, seen, false);
  return seen;
}

/** Syntax that the grammar reads as a call. */
const noCalls = new Set(['exists', 'not', 'row', 'any', 'some', 'all', 'in']);

function visit(value: unknown, seen: MysqlTreeWalk, inner: boolean): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, seen, inner);
    return;
  }
  if (!isAst(value)) return;
  readNode(value, seen, inner);
  for (const [key, child] of Object.entries(value)) {
    if (key === 'tableList' || key === 'columnList') continue;
    const query = field(child)?.['type'] === 'select';
    if (query && key !== '_next') seen.subquery = true;
    visit(child, seen, inner || (query && key !== '_next'));
  }
}

function readNode(node: Ast, seen: MysqlTreeWalk, inner: boolean): void {
  if (node['type'] === 'select') {
    if (node['locking_read'] != null) seen.locking = true;
    if (field(node, 'into')?.['type'] === 'into') seen.into = true;
  }
  if (node['with'] != null) seen.with = true;
  if (node['over'] != null) seen.window = true;
  if (node['escape'] != null) call('like_escape', seen, inner);
  if (node['from'] != null) readTables(node['from'], seen, inner);
  switch (node['type']) {
    case 'origin':
      if (node['value'] === '?') seen.parameters++;
      break;
    case 'function':
      call(functionName(node['name']), seen, inner);
      break;
    case 'aggr_func':
    case 'window_func':
      call(name(node['name']) ?? '', seen, inner);
      if (node['type'] === 'window_func') seen.window = true;
      break;
    case 'extract':
      call('extract', seen, inner);
      break;
    case 'cast':
      if (word(node['keyword']) !== 'cast') call(word(node['keyword']), seen, inner);
      break;
    default:
  }
}

function call(called: string, seen: MysqlTreeWalk, inner: boolean): void {
  const lower = lowerAscii(called);
  if (noCalls.has(lower)) return;
  seen.functions.add(lower);
  if (!inner) seen.topFunctions.add(lower);
}

/** `{ schema?, name: [parts] }` */
function functionName(value: unknown): string {
  const node = field(value);
  const parts = [node?.['schema'], ...array(node?.['name'])].map((part) => name(part));
  return parts.filter((part) => part !== undefined).join('.');
}

function readTables(from: unknown, seen: MysqlTreeWalk, inner: boolean): void {
  for (const item of Array.isArray(from) ? from : [from]) {
    const fields = field(item);
    if (fields === undefined) continue;
    if (Array.isArray(fields['expr'])) readTables(fields['expr'], seen, inner);
    const table = name(fields['table']);
    if (table === undefined) continue;
    const claim = nameClaim(nameOfClaim(name(fields['db']) ?? '', table));
    seen.tables.push(claim);
    if (inner) seen.subqueryTables.add(claim);
  }
}
