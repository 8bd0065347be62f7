/**
 * Key types of MySQL and MariaDB: what a result column, or a column's declaration, says of how its values compare. Serves
 * steps 5 to 7. Codes are of our own and above every OID of PostgreSQL's built-in types, so that one number tells a key
 * type in both worlds.
 *
 * Values come in text form (`Parameters`, `ReadResult`). Strings compare as bytes, whatever the collation: a list that
 * holds exactly the bytes that the read returned is what the app got, and x = x holds under every collation, with and
 * without PAD SPACE. That `'a'` and `'A '` may be equal for the server only means that some lists are not recognised. A
 * CHAR comes without its trailing blanks, and compares equal without them; a BINARY comes with its trailing zeros.
 *
 * Left out on purpose: floating point, dates and times, BIT (text form is not exact or not the literal's), YEAR, and the
 * BLOB and TEXT types, which cannot be a key without a prefix length.
 */
import type { KeyFamily } from './keys.ts';
import type { ResultColumn } from './types.ts';

export const mysqlKey = {
  integer: 0x1_0000_0001,
  decimal: 0x1_0000_0002,
  text: 0x1_0000_0003,
  bytes: 0x1_0000_0004,
} as const;

export function mysqlFamilyOf(code: number): KeyFamily | undefined {
  switch (code) {
    case mysqlKey.integer:
      return 'integer';
    case mysqlKey.decimal:
      return 'numeric';
    case mysqlKey.text:
      return 'text';
    case mysqlKey.bytes:
      return 'bytes';
    default:
      return undefined;
  }
}

/** Collation `binary` (manual, Protocol::ColumnDefinition): the column holds bytes, not characters. */
const binaryCollation = 63;

/** Type byte of a column definition (enum_field_types) -> key type of a column that does not hold characters. */
const codeOfType = new Map<number, number>([
  [0x01, mysqlKey.integer], // TINYINT
  [0x02, mysqlKey.integer], // SMALLINT
  [0x03, mysqlKey.integer], // INT
  [0x08, mysqlKey.integer], // BIGINT
  [0x09, mysqlKey.integer], // MEDIUMINT
  [0x00, mysqlKey.decimal],
  [0xf6, mysqlKey.decimal], // NEWDECIMAL
]);

/** VARCHAR, VAR_STRING, STRING: which of them a server sends differs; ENUM and SET come as STRING as well. */
const strings = new Set([0x0f, 0xfd, 0xfe]);

/** The key type of a result column; 0: not compared. Without `origin` it is an expression and no column at all. */
export function mysqlKeyType({ type, origin }: ResultColumn): number {
  if (origin === undefined) return 0;
  if (strings.has(type)) return origin.collation === binaryCollation ? mysqlKey.bytes : mysqlKey.text;
  return codeOfType.get(type) ?? 0;
}

const codeOfDeclaration: Record<string, number> = {
  tinyint: mysqlKey.integer,
  smallint: mysqlKey.integer,
  mediumint: mysqlKey.integer,
  int: mysqlKey.integer,
  integer: mysqlKey.integer,
  bigint: mysqlKey.integer,
  decimal: mysqlKey.decimal,
  char: mysqlKey.text,
  varchar: mysqlKey.text,
  uuid: mysqlKey.text,
  binary: mysqlKey.bytes,
  varbinary: mysqlKey.bytes,
};

/** The first word of a column's type as SHOW CREATE TABLE spells it -> its key type; 0: not compared. */
export function mysqlKeyTypeOfDeclaration(word: string): number {
  return codeOfDeclaration[word.toLowerCase()] ?? 0;
}
