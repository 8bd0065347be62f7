/** Reading node-sql-parser's trees, whose names are strings or objects around one. Serves the witness, step 7 of the flow. */
import type { Ast } from './mysql-parser.ts';
import { isAst } from './mysql-parser.ts';

/** `value`, or its field `key`, when it is an object. */
export function field(value: unknown, key?: string): Ast | undefined {
  const found = key === undefined || !isAst(value) ? value : value[key];
  return isAst(found) ? found : undefined;
}

export function array(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A name without its quotes; undefined for `null` and for what is no name. */
export function name(value: unknown): string | undefined {
  if (typeof value === 'string') return value.replaceAll('``', '`');
  const inner = field(value);
  if (inner === undefined) return undefined;
  return name(inner['value'] ?? inner['expr']);
}

/** A keyword, in small letters; '' for what is no string. */
export function word(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : '';
}

/** Equal but for fields that are null in one and missing in the other. Recursion is bounded by the witness's token limit. */
export function sameAst(a: unknown, b: unknown): boolean {
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameAst(item, b[i]));
  if (!isAst(a)) return (a ?? null) === (b ?? null);
  if (!isAst(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const key of keys) if (!isDerived(key) && !sameAst(a[key], b[key])) return false;
  return true;
}

/** Lists that the package computes over the whole text. */
function isDerived(key: string): boolean {
  return key === 'tableList' || key === 'columnList';
}
