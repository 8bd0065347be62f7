/**
 * Typed keys: a value as it came over the wire or stood in the text -> one canonical string, so that `1`, `'1'`, `01`,
 * binary int2 and binary int8 are the same key. Serves step 5 (what a read returned) and step 6 (is the list that set?).
 *
 * Invariant: two values get the same key only if the server's `=` on the column's type holds for them (MySQL: keys-mysql.ts). What is not
 * understood for certain gets no key (undefined); the caller refuses with `key-type`.
 *
 * Strings are latin1-decoded bytes throughout. OIDs: src/include/catalog/pg_type.dat of PostgreSQL.
 */
import { mysqlFamilyOf, mysqlKey } from './keys-mysql.ts';

/** 'bytes': MySQL's BINARY and VARBINARY; the others compare alike in both worlds. */
export type KeyFamily = 'integer' | 'uuid' | 'text' | 'numeric' | 'bytes';

/** pg_type OID -> how its values compare. char(n) is missing on purpose (blank padding), floats too (-0, NaN). */
const familyOfOid = new Map<number, KeyFamily>([
  [20, 'integer'], // int8
  [21, 'integer'], // int2
  [23, 'integer'], // int4
  [25, 'text'],
  [1043, 'text'], // varchar
  [1700, 'numeric'],
  [2950, 'uuid'],
]);

/** Array type OID -> OID of its elements. */
const elementOfArray = new Map<number, number>([
  [1016, 20],
  [1005, 21],
  [1007, 23],
  [1009, 25],
  [1015, 1043],
  [1231, 1700],
  [2951, 2950],
]);

/** Type names as casts spell them, without length: `varchar(3)` may cut a value and has no entry. */
const oidOfName = new Map<string, number>([
  ['int8', 20],
  ['bigint', 20],
  ['int2', 21],
  ['smallint', 21],
  ['int4', 23],
  ['int', 23],
  ['integer', 23],
  ['text', 25],
  ['varchar', 1043],
  ['character varying', 1043],
  ['numeric', 1700],
  ['decimal', 1700],
  ['uuid', 2950],
  ['binary', mysqlKey.bytes], // MySQL: X'…', 0x…, _binary '…' (see Value in sql/shape.ts)
]);

/** @param type OID of PostgreSQL, or a code of keys-mysql.ts */
export function familyOf(type: number): KeyFamily | undefined {
  return familyOfOid.get(type) ?? mysqlFamilyOf(type);
}

export function elementType(arrayOid: number): number | undefined {
  return elementOfArray.get(arrayOid);
}

/** `int4`, `pg_catalog.int4`, `"int4"` -> 23; undefined for a type that is not compared. */
export function typeOfCast(cast: string): number | undefined {
  return oidOfName.get(castName(cast));
}

/** `int4[]` -> 23; undefined when the cast is not to an array. */
export function elementTypeOfCast(cast: string): number | undefined {
  const name = castName(cast);
  return name.endsWith('[]') ? oidOfName.get(name.slice(0, -2).trimEnd()) : undefined;
}

function castName(cast: string): string {
  return cast
    .replace(/^pg_catalog\./, '')
    .replaceAll('"', '')
    .toLowerCase();
}

/** A value in text format (or a literal's text) -> its key. */
export function keyOfText(family: KeyFamily, text: string): string | undefined {
  switch (family) {
    case 'integer':
      return integerKey(text);
    case 'uuid':
      return uuidKey(text);
    case 'numeric':
      return numericKey(text);
    case 'text':
    case 'bytes':
      return text;
  }
}

/** A value in binary format of the given type -> its key within the column's family. */
export function keyOfBinary(family: KeyFamily, oid: number, bytes: Buffer): string | undefined {
  switch (familyOfOid.get(oid)) {
    case 'integer': {
      if (family !== 'integer' && family !== 'numeric') return undefined;
      const width = oid === 20 ? 8 : oid === 23 ? 4 : 2;
      if (bytes.length !== width) return undefined;
      return (width === 8 ? bytes.readBigInt64BE(0) : bytes.readIntBE(0, width)).toString();
    }
    case 'uuid':
      return family === 'uuid' && bytes.length === 16 ? bytes.toString('hex') : undefined;
    case 'text':
      return family === 'text' ? bytes.toString('latin1') : undefined;
    case 'numeric':
      return family === 'numeric' ? binaryNumericKey(bytes) : undefined;
    default: // MySQL's values come in text form
      return undefined;
  }
}

/** May a parameter or cast of this type stand for a key of the family without changing its value? */
export function compatible(family: KeyFamily, oid: number): boolean {
  const other = familyOf(oid);
  return other === family || (family === 'numeric' && other === 'integer');
}

function integerKey(text: string): string | undefined {
  if (isCanonicalInteger(text)) return text; // nearly every id; a list has thousands of them
  const match = /^([+-]?)0*(\d+)$/.exec(text);
  if (match === null) return undefined;
  const digits = match[2] ?? '';
  return match[1] === '-' && digits !== '0' ? `-${digits}` : digits;
}

/** Digits only, without a leading zero. */
function isCanonicalInteger(text: string): boolean {
  const first = text.charCodeAt(0);
  if (!(first >= 0x31 && first <= 0x39)) return false;
  for (let i = 1; i < text.length; i++) {
    const digit = text.charCodeAt(i);
    if (digit < 0x30 || digit > 0x39) return false;
  }
  return true;
}

function uuidKey(text: string): string | undefined {
  const match = /^(\{?)([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})(\}?)$/i.exec(text);
  if (match === null || (match[1] === '{') !== (match[3] === '}')) return undefined;
  return match[2]?.replaceAll('-', '').toLowerCase();
}

/** Plain decimals only: `1e5`, NaN and Infinity are left to the server. */
function numericKey(text: string): string | undefined {
  const match = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text);
  if (match === null || !/\d/.test(text)) return undefined;
  const whole = match[2] === undefined || match[2] === '' ? '0' : match[2];
  const fraction = match[3] ?? '';
  const key = fraction === '' ? whole : `${whole}.${fraction}`;
  return match[1] === '-' && key !== '0' ? `-${key}` : key;
}

/** numeric_send: int16 digits, weight, sign, dscale, then base-10000 digits, the first one worth 10000^weight. */
function binaryNumericKey(bytes: Buffer): string | undefined {
  if (bytes.length < 8) return undefined;
  const count = bytes.readInt16BE(0);
  const weight = bytes.readInt16BE(2);
  const sign = bytes.readUInt16BE(4);
  if (count < 0 || bytes.length !== 8 + 2 * count || (sign !== 0 && sign !== 0x4000)) return undefined;
  if (Math.abs(weight) > 64) return undefined;
  let whole = '';
  let fraction = '';
  const digit = (place: number) => {
    const index = weight - place;
    const value = index >= 0 && index < count ? bytes.readUInt16BE(8 + 2 * index) : 0;
    return value.toString().padStart(4, '0');
  };
  for (let place = Math.max(weight, 0); place >= 0; place--) whole += digit(place);
  for (let place = -1; place > weight - count; place--) fraction += digit(place);
  return numericKey(`${sign === 0x4000 ? '-' : ''}${whole}.${fraction}`);
}
