/** First value of a row, in both protocols: step 10 of the flow. The rest of the row is not looked at. */
import { columnFlag } from './columns.ts';
import type { ColumnDefinition } from './columns.ts';
import { Cursor } from './cursor.ts';
import { nullBitOffset, readBinaryValue, textOfBinary } from './types.ts';
import { ProtocolViolation } from '../violation.ts';

/** Latin1-decoded. */
export function firstTextValue(buf: Buffer, start: number, end: number): string | null {
  return new Cursor(buf, start, end).value()?.toString('latin1') ?? null;
}

/**
 * The value as a text row would have it.
 * @param columns how many the row has
 * @param column its first; from the prepare if the result came without definitions
 * @returns undefined: of a type that has no exact text form (floating point, dates)
 */
export function firstBinaryValue(
  buf: Buffer,
  start: number,
  end: number,
  columns: number,
  column: Pick<ColumnDefinition, 'type' | 'flags'>,
): string | null | undefined {
  const cursor = new Cursor(buf, start, end);
  if (cursor.byte() !== 0) throw new ProtocolViolation('not a binary row');
  const nulls = cursor.bytes((columns + 7 + nullBitOffset) >> 3);
  if (((nulls[0] ?? 0) & (1 << nullBitOffset)) !== 0) return null;
  const value = readBinaryValue(cursor, column.type);
  return textOfBinary(column.type, (column.flags & columnFlag.unsigned) !== 0, value);
}

/** All values of a text row, latin1-decoded. */
export function textValues(buf: Buffer, start: number, end: number): (string | null)[] {
  const cursor = new Cursor(buf, start, end);
  const values: (string | null)[] = [];
  while (cursor.left > 0) values.push(cursor.value()?.toString('latin1') ?? null);
  return values;
}
