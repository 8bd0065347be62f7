/**
 * Which table column a result column is: what a real server puts into RowDescription and the captures do not hold. A text
 * approach that is good for what ORMs write (and for the cases of test/rewrites), not a parser; a column that it cannot
 * place gets OID 0, as an expression does.
 */
import type { Catalog, CatalogTable } from './catalog.ts';
import type { Column } from './encode.ts';

type Origin = Pick<Column, 'table' | 'attribute'>;
const expression: Origin = { table: 0, attribute: 0 };
const word = String.raw`(?:"[^"]+"|\w+)`;

/** @param names the result's column names in order */
export function columnOrigins(sql: string, names: readonly string[], catalog: Catalog): Origin[] {
  const parts = selectParts(sql);
  if (parts === undefined) return names.map(() => expression);
  const tables = fromTables(parts.from, catalog);
  const origins = splitTop(parts.items).flatMap((item) => itemOrigins(item, tables));
  return names.map((_, index) => (origins.length >= names.length ? origins[index] : undefined) ?? expression);
}

interface Parts {
  items: string;
  from: string;
}

/** SELECT list and FROM, or a RETURNING list and its table. */
function selectParts(sql: string): Parts | undefined {
  const returning =
    /^\s*(insert\s+into|update|delete\s+from)\s+([\w".]+)[\s\S]*\sreturning\s+([\s\S]*?);?\s*$/i.exec(sql);
  if (returning) return { items: returning[3] ?? '', from: returning[2] ?? '' };
  const head = /^\s*(?:\/\*[\s\S]*?\*\/\s*)?select\s+(?:distinct\s+)?/i.exec(sql);
  if (head === null) return undefined;
  const rest = sql.slice(head[0].length);
  const from = topLevel(rest, /^from\s/i);
  if (from < 0) return undefined;
  const source = rest.slice(from + 5);
  const end = topLevel(
    source,
    /^(where|group\s+by|having|order\s+by|limit|offset|fetch|for|union|except|intersect)\s/i,
  );
  return { items: rest.slice(0, from), from: end < 0 ? source : source.slice(0, end) };
}

/** Offset of the first top-level word that matches, or -1. */
function topLevel(text: string, pattern: RegExp): number {
  let depth = 0;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '(') depth += 1;
    else if (letter === ')') depth -= 1;
    else if (
      depth === 0 &&
      (at === 0 || /\s/.test(text[at - 1] ?? '')) &&
      pattern.test(text.slice(at, at + 24))
    )
      return at;
  }
  return -1;
}

function splitTop(text: string): string[] {
  const items: string[] = [];
  let rest = text;
  for (;;) {
    const comma = commaAt(rest);
    if (comma < 0) return [...items, rest.trim()];
    items.push(rest.slice(0, comma).trim());
    rest = rest.slice(comma + 1);
  }
}

function commaAt(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    else if (text[at] === ',' && depth === 0) return at;
  }
  return -1;
}

/** Alias -> table, in order of FROM. */
function fromTables(from: string, catalog: Catalog): Map<string, CatalogTable> {
  const found = new Map<string, CatalogTable>();
  const one = new RegExp(
    String.raw`(?:^|,|\bjoin\s+)\s*(?:only\s+)?((?:${word}\.)?${word})(?:\s+(?:as\s+)?(?!(?:inner|left|right|full|cross|join|on|where|natural)\b)(${word}))?`,
    'gi',
  );
  for (const match of from.matchAll(one)) {
    const table = catalog.find(match[1] ?? '');
    const alias = (match[2] ?? (match[1] ?? '').split('.').at(-1) ?? '').replaceAll('"', '');
    if (table !== undefined) found.set(alias, table);
  }
  return found;
}

function itemOrigins(item: string, tables: Map<string, CatalogTable>): Origin[] {
  const star = new RegExp(String.raw`^(?:(?:${word}\.)?(${word})\.)?\*$`).exec(item);
  if (star) {
    const only = star[1]?.replaceAll('"', '');
    return [...tables]
      .filter(([alias]) => only === undefined || alias === only)
      .flatMap(([, table]) =>
        table.columns.map((column) => ({ table: table.oid, attribute: column.attribute })),
      );
  }
  const plain = new RegExp(
    String.raw`^(?:(?:${word}\.)?(${word})\.)?(${word})(?:\s+(?:as\s+)?${word})?$`,
    'i',
  ).exec(item);
  if (!plain) return [expression];
  const alias = plain[1]?.replaceAll('"', '');
  const name = (plain[2] ?? '').replaceAll('"', '');
  for (const [one, table] of tables) {
    const column = table.columns.find((candidate) => candidate.name === name);
    if (column !== undefined && (alias === undefined || alias === one)) {
      return [{ table: table.oid, attribute: column.attribute }];
    }
  }
  return [expression];
}
