/**
 * The catalog that `explain` has instead of a server's: ordinary InnoDB or heap tables without triggers, rules, row-level
 * security or deferrable constraints, whose keys are what the statements treat as keys, unless the reader has said
 * otherwise (--facts). Everything that is assumed is told. Pure.
 */
import type { Facts, FactsQuestion, RelationFacts } from '../facts/types.ts';
import { mysqlKey } from '../memory/keys-mysql.ts';
import type { ResultColumn, Statement } from '../memory/types.ts';
import type { Dialect, Name, SelectShape, TableRef, Value } from '../sql/shape.ts';

/** What the reader knows of a table. */
export interface KnownTable {
  primary_key?: string[] | undefined;
  /** Name of the key -> its columns. */
  unique?: Record<string, string[]> | undefined;
}

/** Made up, but stable within one report. */
const firstOid = 100_000;

const integer = /^[+-]?\d+$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Column types of the wire: PostgreSQL's OIDs; MySQL's BIGINT and VAR_STRING. */
const oid = { int8: 20, varchar: 1043, uuid: 2950, numeric: 1700 } as const;
const mysqlType = { bigint: 8, varString: 0xfd } as const;
const utf8 = 45;

export class AssumedCatalog {
  private readonly dialect: Dialect;
  private readonly known: ReadonlyMap<string, KnownTable>;
  private readonly oids = new Map<string, number>();
  private readonly attributes = new Map<string, string[]>();

  constructor(dialect: Dialect, known: ReadonlyMap<string, KnownTable> = new Map()) {
    this.dialect = dialect;
    this.known = known;
  }

  /** What the metadata of the result's only column would say. */
  column(shape: SelectShape, values: readonly (string | null)[], database: string): ResultColumn | undefined {
    const [item] = shape.items;
    // An expression is no column of a table; what a star begins with is one, but nobody knows which.
    if (item === undefined || (item.column === undefined && !item.star)) return undefined;
    const { column = '', qualifier } = item.column ?? {};
    const table = this.tableOf(shape, qualifier);
    const common = { name: column, format: 0, type: this.typeOf(values), tableId: 0, attribute: 0 };
    if (table === undefined) return common;
    if (this.dialect === 'postgres') {
      const attribute = column === '' ? 0 : this.attribute(table.name, column);
      return { ...common, tableId: this.oidOf(table.name), attribute };
    }
    const { schema = database, name } = table.name;
    const origin = { schema, table: name, column, collation: utf8 };
    return { ...common, origin };
  }

  /** @param key the column by which a split delete names rows @param violated the key's columns of an unlocked read */
  facts(
    question: FactsQuestion,
    database: string,
    found: { key?: string; violated?: string[] },
    types: Statement[],
  ): Facts {
    const { target, tables } = question;
    const given = this.known.get(target.name);
    const schema = target.schema ?? (this.dialect === 'postgres' ? 'public' : database);
    const primaryKey = given?.primary_key ?? [found.key ?? 'id'];
    const singles = [primaryKey, ...Object.values(given?.unique ?? {})].filter((key) => key.length === 1);
    const name = question.constraint?.name;
    const violated =
      found.violated === undefined
        ? undefined
        : this.violated(target, name ?? '', found.violated, primaryKey);
    const columns = new Set([
      ...primaryKey,
      ...(violated?.columns ?? []),
      ...(found.key === undefined ? [] : [found.key]),
    ]);
    for (const one of columns) this.attribute(target, one);
    return {
      targetResolves: true,
      identity: { schema, table: target.name },
      shadowedFunctions: false,
      chunksSafe: true,
      target: ordinary({ schema, name: target.name }),
      attributes: this.attributesOf(target, columns, types),
      primaryKey,
      uniqueColumns: singles.flat(),
      mayLock: true,
      relations: tables.map((table) => ordinary({ schema: table.schema ?? schema, name: table.name })),
      unresolved: false,
      deferrable: [],
      ...(violated !== undefined && { violated }),
    };
  }

  /** What was taken for granted, in words. */
  assumptions(question: FactsQuestion, { key, violated }: { key?: string; violated?: string[] }): string[] {
    const { target, constraint } = question;
    const given = this.known.get(target.name);
    const out: string[] = [];
    if (key !== undefined && given?.primary_key === undefined)
      out.push(`${key} is the primary key of ${target.name}`);
    if (violated !== undefined && given?.unique?.[constraint?.name ?? ''] === undefined)
      out.push(`the violated key ${constraint?.name ?? ''} is (${violated.join(', ')})`.replace('  ', ' '));
    if (violated !== undefined && this.dialect !== 'postgres' && given?.primary_key === undefined)
      out.push(`id is the primary key of ${target.name}`);
    const tables = [...new Set([target, ...question.tables].map((table) => table.name))];
    out.push(
      `${tables.join(', ')}: ordinary ${this.dialect === 'postgres' ? 'tables' : 'InnoDB tables'} without triggers, row security or deferred constraints`,
    );
    return out;
  }

  private violated(
    target: Name,
    name: string,
    columns: string[],
    primaryKey: string[],
  ): NonNullable<Facts['violated']> {
    const primary = /(^|\.)PRIMARY$/.test(name) || name === `${target.name}_pkey`;
    const known = this.known.get(target.name)?.unique?.[name.replace(/^.*\./, '')];
    return {
      columns: known ?? (primary ? primaryKey : columns),
      primary,
      partial: false,
      expression: false,
      deferrable: false,
    };
  }

  private tableOf({ tables }: SelectShape, qualifier: string | undefined): TableRef | undefined {
    return qualifier === undefined ? tables[0] : tables.find((table) => table.alias === qualifier);
  }

  private oidOf({ schema, name }: Name): number {
    const key = `${schema ?? ''}.${name}`;
    const known = this.oids.get(key) ?? firstOid + this.oids.size;
    this.oids.set(key, known);
    return known;
  }

  private attribute({ name }: Name, column: string): number {
    const columns = this.attributes.get(name) ?? [];
    this.attributes.set(name, columns);
    const at = columns.indexOf(column);
    return at < 0 ? columns.push(column) : at + 1;
  }

  private attributesOf({ name }: Name, keys: ReadonlySet<string>, types: Statement[]): Facts['attributes'] {
    const columns = this.attributes.get(name) ?? [];
    return Object.fromEntries(
      columns.map((column, at) => {
        const type = this.keyType(column, types);
        return [at + 1, { name: column, type, hasDefault: keys.has(column), inForeignKey: false }];
      }),
    );
  }

  private typeOf(values: readonly (string | null)[]): number {
    const all = (test: RegExp): boolean => values.every((value) => value === null || test.test(value));
    if (this.dialect !== 'postgres') return all(integer) ? mysqlType.bigint : mysqlType.varString;
    return all(integer) ? oid.int8 : all(uuid) ? oid.uuid : oid.varchar;
  }

  /** By the values that the statements compare the column with. */
  private keyType(column: string, statements: Statement[]): number {
    for (const { shape, parameters } of statements) {
      const value = valueFor(shape, column);
      if (value === undefined || !['number', 'string', 'parameter'].includes(value.kind)) continue;
      const declared = value.kind === 'parameter' ? parameters?.types[value.index - 1] : undefined;
      if (declared !== undefined && declared !== 0 && this.dialect === 'postgres') return declared;
      const text =
        value.kind === 'parameter'
          ? (parameters?.values[value.index - 1]?.toString('latin1') ?? '')
          : value.text;
      const number = value.kind === 'number' || (value.kind === 'parameter' && integer.test(text));
      if (this.dialect !== 'postgres') return number ? mysqlKey.integer : mysqlKey.text;
      return number
        ? integer.test(text)
          ? oid.int8
          : oid.numeric
        : uuid.test(text)
          ? oid.uuid
          : oid.varchar;
    }
    return this.dialect === 'postgres' ? oid.int8 : mysqlKey.integer;
  }
}

function valueFor(shape: Statement['shape'], column: string): Value | undefined {
  if (shape.kind === 'insert') return shape.rows?.[0]?.[shape.columns.indexOf(column)];
  if (shape.kind === 'select')
    return shape.equalities.find((equality) => equality.column.column === column)?.value;
  return undefined;
}

function ordinary({ schema, name }: { schema: string; name: string }): RelationFacts {
  return {
    schema,
    name,
    kind: 'r',
    rowSecurity: false,
    inheritance: false,
    rules: false,
    temporary: false,
  };
}
