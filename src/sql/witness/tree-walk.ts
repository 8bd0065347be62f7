/**
 * One walk over a whole tree: tables, functions and clauses at any depth. Serves the witness, step 7 of the flow.
 *
 * Invariant: a node type that is not in the list below makes the walk fail: what this file does not know, it does not
 * vouch for. Recursion is bounded by the witness's token limit.
 */
import { isAggregate } from '../aggregates.ts';
import { functionClaim, nameClaim } from './claims.ts';
import type { Node } from './parser.ts';
import { as, isNode, strings, text } from './tree.ts';

const known = new Set(
  `SelectStmt ResTarget ColumnRef String A_Star A_Const A_Expr BoolExpr NullTest BooleanTest SubLink FuncCall TypeCast
  ParamRef RangeVar JoinExpr RangeSubselect RangeFunction List SortBy WindowDef CaseExpr CaseWhen CoalesceExpr MinMaxExpr
  SQLValueFunction RowExpr A_ArrayExpr A_Indirection A_Indices CollateClause LockingClause Integer CommonTableExpr IndexElem
  DeleteStmt InsertStmt SetToDefault`
    .trim()
    .split(/\s+/),
);

/** The node has no field set: a list's NULL member. */
const isEmpty = (node: Node): boolean => Object.keys(node).length === 0;

export class TreeWalk {
  readonly tables = new Set<string>();
  readonly functions = new Set<string>();
  readonly parameters = new Set<number>();
  subquery = false;
  with = false;
  locking = false;
  window = false;
  /** In the outermost query. */
  aggregate = false;
  failed = false;

  /** `fields` of the statement's node; queries below it are counted as sub-queries. */
  statement(fields: Node): void {
    this.fields(fields, 0);
  }

  private value(value: unknown, depth: number): void {
    if (Array.isArray(value)) for (const item of value) this.value(item, depth);
    else if (isNode(value)) this.node(value, depth);
  }

  /** A wrapped node `{ Type: fields }`, or a field whose type is fixed and not named. */
  private node(node: Node, depth: number): void {
    const keys = Object.keys(node);
    const type = keys.length === 1 ? (keys[0] as string) : '';
    if (!/^[A-Z]/.test(type)) {
      this.fields(node, depth);
      return;
    }
    if (!known.has(type)) this.failed = true;
    const inner = node[type];
    if (!isNode(inner)) return;
    if (type === 'SelectStmt') {
      this.subquery = true;
      this.fields(inner, depth + 1);
      return;
    }
    if (type === 'LockingClause') {
      this.locking = true;
      return;
    }
    this.typed(type, inner, depth);
    this.fields(inner, depth);
  }

  private typed(type: string, inner: Node, depth: number): void {
    if (type === 'RangeVar') this.table(inner);
    else if (type === 'FuncCall') this.call(inner, depth);
    else if (type === 'ParamRef') this.parameters.add(Number(inner['number'] ?? 0));
    else if (type === 'CoalesceExpr') this.functions.add('coalesce');
    else if (type === 'MinMaxExpr') this.functions.add(inner['op'] === 'IS_GREATEST' ? 'greatest' : 'least');
    else if (type === 'SQLValueFunction') {
      this.functions.add(
        text(inner['op'])
          .replace(/^SVFOP_/, '')
          .replace(/_N$/, '')
          .toLowerCase(),
      );
    } else if (type === 'A_Expr') {
      if (inner['kind'] === 'AEXPR_NULLIF') this.functions.add('nullif');
      if (strings(inner['name']).length > 1) this.functions.add('operator');
    } else if (type === 'SetToDefault' || type === 'String') return;
  }

  private fields(fields: Node, depth: number): void {
    for (const [field, value] of Object.entries(fields)) {
      if (field === 'withClause') this.with = true;
      else if (field === 'windowClause' || field === 'over') this.window = true;
      if (field === 'relation' || field === 'rel') continue;
      if (isNode(value) && isEmpty(value)) continue;
      this.value(value, depth);
    }
  }

  private table(fields: Node): void {
    if (text(fields['catalogname']) !== '') this.failed = true;
    const schema = text(fields['schemaname']);
    const name = text(fields['relname']);
    this.tables.add(nameClaim(schema === '' ? { name } : { schema, name }));
  }

  private call(fields: Node, depth: number): void {
    const parts = strings(fields['funcname']);
    const last = parts.at(-1) ?? '';
    // BTRIM(BOTH FROM x) and the like are written TRIM
    const trim = fields['funcformat'] === 'COERCE_SQL_SYNTAX' && /^[blr]trim$/.test(last);
    this.functions.add(trim ? 'trim' : functionClaim(parts.join('.')));
    const marks = ['agg_star', 'agg_distinct', 'agg_order', 'agg_filter', 'agg_within_group'];
    if (depth === 0 && (isAggregate(last) || marks.some((mark) => mark in fields))) this.aggregate = true;
  }
}

/** Walks a statement's fields; undefined when it holds a node that is not vouched for. */
export function walk(fields: Node): TreeWalk | undefined {
  const found = new TreeWalk();
  found.statement(fields);
  return found.failed ? undefined : found;
}

/** `{ RangeVar: … }` or the fields themselves, as a table claim's parts. */
export function rangeVar(value: unknown): {
  schema: string;
  name: string;
  alias: string;
  only: boolean;
  catalog: boolean;
} {
  const fields = as(value, 'RangeVar') ?? (isNode(value) ? value : {});
  const alias = isNode(fields['alias']) ? fields['alias'] : {};
  const name = text(fields['relname']);
  const aliasName = text(alias['aliasname']);
  return {
    schema: text(fields['schemaname']),
    name,
    alias: aliasName === '' ? name : aliasName,
    only: fields['inh'] !== true,
    catalog: text(fields['catalogname']) !== '' || 'colnames' in alias,
  };
}
