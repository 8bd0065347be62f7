/**
 * Reading libpg-query's trees: nodes are `{ NodeType: { field: value } }`, booleans that are false and zero values are
 * left out. Serves the witness, step 7 of the flow.
 */
import type { Node } from './parser.ts';

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of `value` when it is a node of this type. */
export function as(value: unknown, type: string): Node | undefined {
  if (!isNode(value)) return undefined;
  const fields = value[type];
  return isNode(fields) ? fields : undefined;
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `[{ String: { sval } }, …]` */
export function strings(value: unknown): string[] {
  return list(value).map((item) => text(as(item, 'String')?.['sval']));
}

const positions = new Set([
  'location',
  'stmt_location',
  'stmt_len',
  'rexpr_list_start',
  'rexpr_list_end',
  'list_start',
  'list_end',
]);

/** Same tree, positions in the text aside. Recursion is bounded by the witness's token limit. */
export function sameTree(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameTree(item, b[i]));
  }
  if (!isNode(a)) return a === b;
  if (!isNode(b)) return false;
  const keys = Object.keys(a).filter((key) => !positions.has(key));
  const others = Object.keys(b).filter((key) => !positions.has(key));
  return keys.length === others.length && keys.every((key) => key in b && sameTree(a[key], b[key]));
}
