/**
 * The fake server's catalog: tables in a compact notation, with invented but stable OIDs. Captures do not record table
 * OIDs or attribute numbers, so both come from here.
 *
 * Columns: `id int4 pk serial, a_id int4 fk, key varchar not-null`.
 */
import { readFileSync } from 'node:fs';

export interface TableText {
  columns: string;
  schema?: string;
  /** Constraint name -> its columns, blank separated. */
  unique?: Record<string, string>;
  /** Unique keys whose index is partial, is over an expression, or is deferrable. */
  keys?: Record<string, ('partial' | 'expression' | 'deferrable')[]>;
  /** Deferrable, initially deferred constraints that a delete may touch. */
  deferrable?: string[];
  kind?: 'v' | 'm' | 'p' | 'f';
  flags?: ('row-security' | 'inheritance' | 'rules' | 'temporary' | 'no-lock')[];
}

export interface CatalogColumn {
  name: string;
  attribute: number;
  type: number;
  typeName: string;
  hasDefault: boolean;
  foreignKey: boolean;
  notNull: boolean;
}

export interface CatalogTable {
  oid: number;
  schema: string;
  name: string;
  columns: CatalogColumn[];
  primaryKey: string[];
  unique: Record<string, string[]>;
  text: TableText;
}

export const typeOids: Record<string, number> = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  json: 114,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  /** An extension's type: no fixed OID, some high number. */
  citext: 17_001,
};

function column(text: string, index: number): CatalogColumn {
  const [name = '', typeName = '', ...flags] = text.trim().split(/\s+/);
  const type = typeOids[typeName];
  if (type === undefined) throw new Error(`unknown type in "${text}"`);
  return {
    name,
    attribute: index + 1,
    type,
    typeName,
    hasDefault: flags.includes('serial'),
    foreignKey: flags.includes('fk'),
    notNull: flags.includes('pk') || flags.includes('not-null'),
  };
}

export class Catalog {
  readonly tables = new Map<string, CatalogTable>();

  constructor(texts: Record<string, TableText>, firstOid = 16_400) {
    let oid = firstOid;
    for (const [name, text] of Object.entries(texts)) {
      const columns = text.columns.split(',').map(column);
      const primaryKey = text.columns
        .split(',')
        .filter((one) => /\bpk\b/.test(one))
        .map((one) => one.trim().split(/\s+/)[0] ?? '');
      const unique = Object.fromEntries(
        Object.entries(text.unique ?? {}).map(([key, names]) => [key, names.split(/\s+/)]),
      );
      this.tables.set(name, {
        oid,
        schema: text.schema ?? 'public',
        name,
        columns,
        primaryKey,
        unique,
        text,
      });
      oid += 6;
    }
  }

  /** By `table` or `schema.table`, quotes removed. */
  find(name: string): CatalogTable | undefined {
    const [last = '', schema] = name.replaceAll('"', '').split('.').reverse();
    const table = this.tables.get(last);
    return schema === undefined || table?.schema === schema ? table : undefined;
  }

  byOid(oid: number): CatalogTable | undefined {
    return [...this.tables.values()].find((table) => table.oid === oid);
  }
}

/** The tables that the captured ORMs worked on. */
export function capturedCatalog(): Catalog {
  const path = new URL('captures/schema.json', import.meta.url);
  return new Catalog(JSON.parse(readFileSync(path, 'utf8')) as Record<string, TableText>);
}
