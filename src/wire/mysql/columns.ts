/** Column definitions: who a result column really is. Step 10 of the flow. */
import { has, mariadbCapability } from './capabilities.ts';
import { Cursor } from './cursor.ts';
import { ProtocolViolation } from '../violation.ts';

/** Strings are latin1-decoded bytes, in the session's character_set_results. */
export interface ColumnDefinition {
  schema: string;
  /** Alias of the table as the statement has it. */
  table: string;
  /** The table itself, '' for an expression. */
  orgTable: string;
  name: string;
  orgName: string;
  /** Collation id; 63 is binary. */
  collation: number;
  /** Type byte, see `type` in types.ts. */
  type: number;
  /** See `columnFlag`. */
  flags: number;
  decimals: number;
}

export const columnFlag = {
  notNull: 0x0001,
  primaryKey: 0x0002,
  uniqueKey: 0x0004,
  unsigned: 0x0020,
  binary: 0x0080,
  autoIncrement: 0x0200,
} as const;

export const binaryCollation = 63;

const fixedBytes = 12;

/** @param mariadb agreed extended capabilities */
export function readColumnDefinition(
  buf: Buffer,
  start: number,
  end: number,
  mariadb: number,
): ColumnDefinition {
  const cursor = new Cursor(buf, start, end);
  cursor.lenencBytes(); // catalog, always `def`
  const schema = cursor.lenencName();
  const table = cursor.lenencName();
  const orgTable = cursor.lenencName();
  const name = cursor.lenencName();
  const orgName = cursor.lenencName();
  // Type names such as `inet6` that the type byte cannot tell.
  if (has(mariadb, mariadbCapability.extendedMetadata)) cursor.lenencBytes();
  const fixed = cursor.lenenc();
  if (fixed < fixedBytes || fixed > cursor.left)
    throw new ProtocolViolation('column definition without its fixed part');
  const collation = cursor.uint16();
  cursor.skip(4); // display length
  const type = cursor.byte();
  const flags = cursor.uint16();
  const decimals = cursor.byte();
  return { schema, table, orgTable, name, orgName, collation, type, flags, decimals };
}
