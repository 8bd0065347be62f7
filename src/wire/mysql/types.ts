/** Type bytes of columns and parameters (enum_field_types), and how long a value of the binary protocol is. */
import type { Cursor } from './cursor.ts';
import { lenenc } from './lenenc.ts';
import { ProtocolViolation } from '../violation.ts';

export const type = {
  decimal: 0x00,
  tiny: 0x01,
  short: 0x02,
  long: 0x03,
  float: 0x04,
  double: 0x05,
  null: 0x06,
  timestamp: 0x07,
  longlong: 0x08,
  int24: 0x09,
  date: 0x0a,
  time: 0x0b,
  datetime: 0x0c,
  year: 0x0d,
  newdate: 0x0e,
  varchar: 0x0f,
  bit: 0x10,
  vector: 0xf2,
  bool: 0xf4,
  json: 0xf5,
  newdecimal: 0xf6,
  enum: 0xf7,
  set: 0xf8,
  tinyBlob: 0xf9,
  mediumBlob: 0xfa,
  longBlob: 0xfb,
  blob: 0xfc,
  varString: 0xfd,
  string: 0xfe,
  geometry: 0xff,
} as const;

/** Binary rows leave two bits free in front of the first column's NULL bit. */
export const nullBitOffset = 2;

type Layout = 1 | 2 | 4 | 8 | 'none' | 'short-length' | 'lenenc';

/** Layout of a value by type byte; a type that is not listed has none that is known. */
const layouts: Partial<Record<number, Layout>> = {
  [type.tiny]: 1,
  [type.bool]: 1,
  [type.short]: 2,
  [type.year]: 2,
  [type.long]: 4,
  [type.int24]: 4,
  [type.float]: 4,
  [type.longlong]: 8,
  [type.double]: 8,
  [type.null]: 'none',
  [type.date]: 'short-length',
  [type.newdate]: 'short-length',
  [type.time]: 'short-length',
  [type.datetime]: 'short-length',
  [type.timestamp]: 'short-length',
  [type.decimal]: 'lenenc',
  [type.newdecimal]: 'lenenc',
  [type.varchar]: 'lenenc',
  [type.bit]: 'lenenc',
  [type.vector]: 'lenenc',
  [type.json]: 'lenenc',
  [type.enum]: 'lenenc',
  [type.set]: 'lenenc',
  [type.tinyBlob]: 'lenenc',
  [type.mediumBlob]: 'lenenc',
  [type.longBlob]: 'lenenc',
  [type.blob]: 'lenenc',
  [type.varString]: 'lenenc',
  [type.string]: 'lenenc',
  [type.geometry]: 'lenenc',
};

/** The value's own bytes, without the length of one that has a length: a view. */
export function readBinaryValue(cursor: Cursor, code: number): Buffer {
  const layout = layouts[code];
  switch (layout) {
    case undefined:
      throw new ProtocolViolation(`value of unknown type 0x${code.toString(16)}`);
    case 'none':
      return cursor.bytes(0);
    case 'short-length':
      return cursor.bytes(cursor.byte());
    case 'lenenc':
      return cursor.lenencBytes();
    default:
      return cursor.bytes(layout);
  }
}

/** The value with the length in front that readBinaryValue() took off, if its type has one. */
export function withLength(code: number, value: Buffer): Buffer[] {
  const layout = layouts[code];
  if (layout === 'lenenc') return [lenenc(value.length), value];
  return layout === 'short-length' ? [Buffer.from([value.length]), value] : [value];
}

/**
 * The value as the text protocol would show it, latin1-decoded. Undefined: a type whose text form is not exact (floating
 * point, dates) or a length that does not fit.
 */
export function textOfBinary(code: number, unsigned: boolean, value: Buffer): string | undefined {
  switch (layouts[code]) {
    case 'lenenc':
      return value.toString('latin1');
    case 1:
      return value.length === 1 ? String(unsigned ? value.readUInt8() : value.readInt8()) : undefined;
    case 2:
      return value.length === 2 ? String(unsigned ? value.readUInt16LE() : value.readInt16LE()) : undefined;
    case 4:
      if (code === type.float || value.length !== 4) return undefined;
      return String(unsigned ? value.readUInt32LE() : value.readInt32LE());
    case 8:
      if (code === type.double || value.length !== 8) return undefined;
      return String(unsigned ? value.readBigUInt64LE() : value.readBigInt64LE());
    default:
      return undefined;
  }
}
