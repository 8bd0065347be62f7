/** Conditions of node-sql-parser's trees: conjuncts, equalities, key lists. Serves the witness, step 7 of the flow. */
import { lowerAscii } from '../names.ts';
import type { Ast } from './mysql-parser.ts';
import { columnClaim } from './mysql-claims.ts';
import type { Column } from './mysql-claims.ts';
import { array, field, name, word } from './mysql-tree-fields.ts';

/** Parts between AND, in the order of the text; `1 = 1` and TRUE are left out. */
export function conjunctsOf(where: unknown): Ast[] {
  const found: Ast[] = [];
  // the tree leans to either side, so an explicit stack
  const open = [where];
  while (open.length > 0) {
    const node = field(open.pop());
    if (node === undefined) continue;
    if (isOperator(node, 'AND')) open.push(node['right'], node['left']);
    else if (!isAlwaysTrue(node)) found.push(node);
  }
  return found;
}

function isOperator(node: Ast, operator: string): boolean {
  return node['type'] === 'binary_expr' && node['operator'] === operator;
}

function isAlwaysTrue(node: Ast): boolean {
  if (node['type'] === 'bool') return node['value'] === true;
  if (!isOperator(node, '=')) return false;
  const left = field(node, 'left');
  const right = field(node, 'right');
  return left?.['type'] === 'number' && right?.['type'] === 'number' && left['value'] === right['value'];
}

/** `c`, `t.c`, `s.t.c`; undefined for anything else. */
export function columnOf(value: unknown): Column | undefined {
  const node = field(value);
  if (node?.['type'] !== 'column_ref' || node['column'] === '*') return undefined;
  const column = name(node['column']);
  if (column === undefined || node['collate'] != null || node['arrows'] != null) return undefined;
  const qualifier = name(node['table']);
  const schema = name(node['db']) ?? name(node['schema']);
  return {
    ...(schema !== undefined && { schema }),
    ...(qualifier !== undefined && { qualifier }),
    column: lowerAscii(column),
  };
}

const kinds: Record<string, string> = {
  number: 'number',
  bigint: 'number',
  single_quote_string: 'string',
  double_quote_string: 'string',
  string: 'string',
  hex_string: 'string',
  full_hex_string: 'string',
  bool: 'boolean',
  null: 'null',
};

/** Kind of a constant, undefined for every other expression. */
export function constantClaim(value: unknown): string | undefined {
  const node = field(value);
  if (node === undefined || node['suffix'] != null) return undefined;
  const { type, prefix } = node;
  if (prefix != null && word(prefix) !== '_binary') return undefined;
  if (type === 'origin') return node['value'] === '?' ? 'parameter' : undefined;
  if (type === 'column_ref' && node['table'] == null && word(node['column']) === 'default') {
    return 'default';
  }
  return typeof type === 'string' ? kinds[type] : undefined;
}

/** `column = constant`, either way round. */
export function equalityClaim(value: unknown): [string, string] | undefined {
  const node = field(value);
  if (node === undefined || !isOperator(node, '=')) return undefined;
  for (const [column, constant] of [
    [node['left'], node['right']],
    [node['right'], node['left']],
  ]) {
    const named = columnOf(column);
    const kind = constantClaim(constant);
    if (named !== undefined && kind !== undefined && kind !== 'default') return [columnClaim(named), kind];
  }
  return undefined;
}

/** `column IN (constants)` or `column = a OR column = b`: form, column, kind of the first constant. */
export function listClaim(value: unknown): [string, string, string] | undefined {
  const node = field(value);
  if (node === undefined) return undefined;
  if (isOperator(node, 'IN')) {
    const column = columnOf(node['left']);
    const items = array(field(node, 'right')?.['value']);
    const first = constantClaim(items[0]);
    if (column === undefined || first === undefined) return undefined;
    return items.every((item) => constantClaim(item) !== undefined)
      ? ['in', columnClaim(column), first]
      : undefined;
  }
  return isOperator(node, 'OR') ? orClaim(node) : undefined;
}

function orClaim(chain: Ast): [string, string, string] | undefined {
  let first: [string, string] | undefined;
  const open: unknown[] = [chain];
  while (open.length > 0) {
    const node = field(open.pop());
    if (node === undefined) return undefined;
    if (isOperator(node, 'OR')) {
      open.push(node['right'], node['left']);
      continue;
    }
    const one = equalityClaim(node);
    first ??= one;
    if (one === undefined || one[0] !== first?.[0]) return undefined;
  }
  return first === undefined ? undefined : ['or', ...first];
}
