/** Recorded values in the forms of both protocols, and back. Dates are not needed: the captures have NULL for them. */
import { type as typeByte } from '../../../src/wire/mysql/types.ts';
import type { Value } from './captures.ts';

export function textValue(value: Value): Buffer | null {
  return value === null ? null : Buffer.from(String(value), 'utf8');
}

const widths: Partial<Record<number, 1 | 2 | 4>> = {
  [typeByte.tiny]: 1,
  [typeByte.short]: 2,
  [typeByte.long]: 4,
  [typeByte.int24]: 4,
};

/** Without a length in front. */
export function binaryValue(value: Value, code: number): Buffer | null {
  if (value === null) return null;
  const width = widths[code];
  if (width !== undefined) {
    const bytes = Buffer.alloc(width);
    bytes.writeIntLE(Number(value), 0, width);
    return bytes;
  }
  const bytes = Buffer.alloc(8);
  switch (code) {
    case typeByte.longlong:
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    case typeByte.double:
      bytes.writeDoubleLE(Number(value));
      return bytes;
    case typeByte.date:
    case typeByte.datetime:
    case typeByte.timestamp:
    case typeByte.time:
      throw new Error('a date in a binary row');
    default:
      return Buffer.from(String(value), 'utf8');
  }
}
