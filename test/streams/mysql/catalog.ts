/**
 * Tables of the fake server in the notation of ../catalog.ts, seen through MySQL's eyes: SHOW CREATE TABLE, and the column
 * definitions of a result. The type names of the notation stand for MySQL's nearest.
 */
import { readFileSync } from 'node:fs';
import { binaryCollation, columnFlag, type ColumnDefinition } from '../../../src/wire/mysql/columns.ts';
import { type as typeByte } from '../../../src/wire/mysql/types.ts';
import { Catalog, type CatalogColumn, type CatalogTable, type TableText } from '../catalog.ts';
import { columnOrigins } from '../select-list.ts';
import type { Flavour } from './server-state.ts';

export const database = 'orms';

/** The unique keys as MariaDB named them: by their first column, unless a migration did. */
const keysOfCaptures: Record<string, Record<string, string>> = {
  l_user: { email: 'email' },
  myapp_c: { a_id: 'a_id b_id', myapp_c_a_id_b_id_28ea9299_uniq: 'a_id b_id' },
  myapp_u: { key: 'key' },
  r_users: { email: 'email' },
  x_user: { email: 'email' },
};

/** The tables that the captured ORMs worked on: the same as on PostgreSQL. */
export function capturedCatalog(): Catalog {
  const path = new URL('../captures/schema.json', import.meta.url);
  const texts = JSON.parse(readFileSync(path, 'utf8')) as Record<string, TableText>;
  for (const [name, text] of Object.entries(texts)) {
    if (text.unique !== undefined) text.unique = keysOfCaptures[name] ?? {};
    delete text.deferrable;
  }
  return new Catalog(texts);
}

interface MysqlType {
  byte: number;
  mariadb: string;
  mysql?: string;
}

const types: Record<string, MysqlType> = {
  bool: { byte: typeByte.tiny, mariadb: 'tinyint(1)' },
  bytea: { byte: typeByte.string, mariadb: 'binary(16)' },
  int8: { byte: typeByte.longlong, mariadb: 'bigint(20)', mysql: 'bigint' },
  int2: { byte: typeByte.short, mariadb: 'smallint(6)', mysql: 'smallint' },
  int4: { byte: typeByte.long, mariadb: 'int(11)', mysql: 'int' },
  text: { byte: typeByte.blob, mariadb: 'longtext' },
  json: { byte: typeByte.blob, mariadb: 'json' },
  float8: { byte: typeByte.double, mariadb: 'double' },
  bpchar: { byte: typeByte.string, mariadb: 'char(32)' },
  varchar: { byte: typeByte.varString, mariadb: 'varchar(255)' },
  timestamp: { byte: typeByte.datetime, mariadb: 'datetime(6)' },
  timestamptz: { byte: typeByte.timestamp, mariadb: 'timestamp' },
  numeric: { byte: typeByte.newdecimal, mariadb: 'decimal(12,2)' },
  uuid: { byte: typeByte.string, mariadb: 'char(36)' },
  citext: { byte: typeByte.string, mariadb: "enum('a','b')" },
};

function typeOf(name: string): MysqlType {
  const found = types[name];
  if (found === undefined) throw new Error(`no MySQL type for ${name}`);
  return found;
}

/** Of integers; of anything else a serial column has a function as its default. */
function declaration({ name, typeName, notNull, hasDefault }: CatalogColumn, flavour: Flavour): string {
  const { mariadb, mysql } = typeOf(typeName);
  const made = typeName.startsWith('int') ? 'AUTO_INCREMENT' : 'DEFAULT uuid()';
  const nulls = notNull ? 'NOT NULL' : hasDefault ? '' : 'DEFAULT NULL';
  const words = [
    `\`${name}\``,
    flavour === 'mysql' ? (mysql ?? mariadb) : mariadb,
    nulls,
    hasDefault ? made : '',
  ];
  return words.filter((word) => word !== '').join(' ');
}

const names = (columns: readonly string[]): string => columns.map((name) => `\`${name}\``).join(',');

/** As the server prints it. */
export function createTable(table: CatalogTable, flavour: Flavour): string {
  const { name, columns, primaryKey, unique, text } = table;
  if (text.kind === 'v')
    return `CREATE ALGORITHM=UNDEFINED DEFINER=\`app\`@\`%\` SQL SECURITY DEFINER VIEW \`${name}\` AS select ${names(columns.map((one) => one.name))} from \`hidden_table\``;
  const keys = Object.entries(unique).map(([key, parts]) => {
    const flags = text.keys?.[key] ?? [];
    if (flags.includes('expression')) return `UNIQUE KEY \`${key}\` ((lower(\`${parts[0] ?? ''}\`)))`;
    const length = flags.includes('partial') ? '(10)' : '';
    return `UNIQUE KEY \`${key}\` (${parts.map((part) => `\`${part}\`${length}`).join(',')})`;
  });
  const references = columns
    .filter((column) => column.foreignKey)
    .map((column) => {
      const to = `REFERENCES \`${column.name.replace(/_id$/, '')}\` (\`id\`)`;
      return `CONSTRAINT \`${name}_${column.name}_fk\` FOREIGN KEY (\`${column.name}\`) ${to}`;
    });
  const items = [
    ...columns.map((column) => declaration(column, flavour)),
    ...(primaryKey.length === 0 ? [] : [`PRIMARY KEY (${names(primaryKey)})`]),
    ...keys,
    ...references,
  ];
  const temporary = text.flags?.includes('temporary') === true ? 'TEMPORARY ' : '';
  const engine = text.kind === 'f' ? 'MyISAM' : 'InnoDB';
  const partitions =
    text.kind === 'p' ? `\n PARTITION BY HASH (\`${columns[0]?.name ?? ''}\`)\nPARTITIONS 4` : '';
  return `CREATE ${temporary}TABLE \`${name}\` (\n  ${items.join(',\n  ')}\n) ENGINE=${engine} DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci${partitions}`;
}

/** `utf8mb4_general_ci` */
const textCollation = 45;

/** @param typeBytes of the result, where they were recorded; else from the table */
export function columnDefinitions(
  sql: string,
  names: readonly string[],
  catalog: Catalog,
  typeBytes: readonly number[] = [],
): ColumnDefinition[] {
  // An ORM writes columns as `table`.`column`, which the reader of select lists knows in double quotes.
  const origins = columnOrigins(sql.replaceAll('`', '"').replace(/;\s*$/, ''), names, catalog);
  return names.map((name, at) => {
    const origin = origins[at];
    const table = origin === undefined ? undefined : catalog.byOid(origin.table);
    const column = table?.columns[(origin?.attribute ?? 0) - 1];
    const code = typeBytes[at] ?? (column === undefined ? typeByte.longlong : typeOf(column.typeName).byte);
    const characters =
      code >= typeByte.newdecimal && column?.typeName !== 'bytea' && code !== typeByte.newdecimal;
    return {
      schema: table === undefined ? '' : database,
      table: table?.name ?? '',
      orgTable: table?.name ?? '',
      name: latin1(name),
      orgName: column?.name ?? '',
      collation: characters ? textCollation : binaryCollation,
      type: code,
      flags: (column?.notNull === true ? columnFlag.notNull : 0) | (characters ? 0 : columnFlag.binary),
      decimals: 0,
    };
  });
}

/** UTF-8 bytes as the writers of src/wire take strings. */
export function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
