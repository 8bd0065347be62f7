/** Values and parameters as the fake server sends and counts them. */
import type { Column } from './encode.ts';

/** The highest $n outside of strings and quoted identifiers. */
export function parameterCount(sql: string): number {
  const plain = sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g, '');
  return Math.max(0, ...[...plain.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
}

export function parameterTypes(prepared: { sql: string; types: number[] }): number[] {
  return Array.from({ length: parameterCount(prepared.sql) }, (_, index) => prepared.types[index] || 25);
}

/** Integers, uuids and texts in the format that the client asked for. */
export function sent(value: Buffer | string | null, column: Column | undefined): Buffer | string | null {
  if (typeof value !== 'string' || column?.format !== 1) return value;
  return binary(value, column.type);
}

/** A value in binary format. @param type 20, 21, 23: integers; 2950: uuid; anything else as text */
export function binary(value: string, type: number): Buffer {
  const bytes = Buffer.alloc(type === 20 ? 8 : type === 21 ? 2 : 4);
  if (type === 20) bytes.writeBigInt64BE(BigInt(value));
  else if (type === 21) bytes.writeInt16BE(Number(value));
  else if (type === 23) bytes.writeInt32BE(Number(value));
  else return type === 2950 ? Buffer.from(value.replaceAll('-', ''), 'hex') : Buffer.from(value, 'utf8');
  return bytes;
}

export function formatted(columns: Column[], results: number[]): Column[] {
  return columns.map((column, index) => ({
    ...column,
    format: results[results.length > 1 ? index : 0] ?? 0,
  }));
}
