/**
 * One constant of a statement -> its typed key, or text. Serves step 6: the ids of a DELETE, the values of a failed
 * INSERT and of the look-up behind it, whether they stand in the text or come in Bind.
 */
import type { KeyList, Value } from '../sql/shape.ts';
import { binaryArray, textArray } from './arrays.ts';
import type { KeyFamily } from './keys.ts';
import {
  compatible,
  elementType,
  elementTypeOfCast,
  familyOf,
  keyOfBinary,
  keyOfText,
  typeOfCast,
} from './keys.ts';
import type { Parameters } from './types.ts';

/** Keys of a list without duplicates. `nulls`: the list holds a NULL, which no `=` ever matches. */
export interface Keys {
  keys: Set<string>;
  nulls: boolean;
}

/** The type that the client declared for a parameter in Parse; 0: left to the server. */
function declared(parameters: Parameters, index: number): number {
  return parameters.types[index - 1] ?? 0;
}

/** Bind's rule (Frontend/Backend Protocol, Bind): no code = all text, one code = for all, else one each. */
function formatOf(parameters: Parameters, index: number): number {
  const { formats } = parameters;
  return (formats.length === 1 ? formats[0] : formats[index - 1]) ?? 0;
}

/** The key of one constant for a column of this type OID; null: NULL; undefined: not understood. */
export function keyOfValue(
  value: Value,
  parameters: Parameters | undefined,
  column: number,
): string | null | undefined {
  const family = familyOf(column);
  if (family === undefined) return undefined;
  if (value.kind === 'null') return null;
  if (value.kind !== 'parameter' && value.kind !== 'string' && value.kind !== 'number') return undefined;
  const cast = value.cast === undefined ? undefined : typeOfCast(value.cast);
  if (value.cast !== undefined && (cast === undefined || !compatible(family, cast))) return undefined;
  if (value.kind === 'parameter') return keyOfParameter(value.index, parameters, family, cast ?? column);
  if (value.kind === 'number' && family !== 'integer' && family !== 'numeric') return undefined;
  return keyOfText(cast === undefined ? family : narrower(family, cast), value.text);
}

function keyOfParameter(
  index: number,
  parameters: Parameters | undefined,
  family: KeyFamily,
  inferred: number,
): string | null | undefined {
  const bytes = parameters?.values[index - 1];
  if (parameters === undefined || bytes === undefined) return undefined;
  const type = declared(parameters, index) || inferred;
  if (!compatible(family, type)) return undefined;
  if (bytes === null) return null;
  if (formatOf(parameters, index) === 1) return keyOfBinary(family, type, bytes);
  return keyOfText(narrower(family, type), bytes.toString('latin1'));
}

/** `'1.5'::int4` is an error, not a numeric: text is read as the cast's own family. */
function narrower(family: KeyFamily, type: number): KeyFamily {
  return familyOf(type) ?? family;
}

/** All keys of a list; undefined: some value is of a kind or type that is not compared. */
export function keysOfList(
  list: KeyList,
  parameters: Parameters | undefined,
  column: number,
): Keys | undefined {
  const family = familyOf(column);
  if (family === undefined) return undefined;
  const first = list.values[0];
  if (list.array) return first === undefined ? undefined : keysOfArray(first, parameters, column, family);
  const result: Keys = { keys: new Set(), nulls: false };
  for (const value of list.values) {
    const key = keyOfValue(value, parameters, column);
    if (key === undefined) return undefined;
    if (key === null) result.nulls = true;
    else result.keys.add(key);
  }
  return result;
}

function keysOfArray(
  value: Value,
  parameters: Parameters | undefined,
  column: number,
  family: KeyFamily,
): Keys | undefined {
  if (value.kind !== 'parameter' && value.kind !== 'string') return undefined;
  let cast: number | undefined;
  if (value.cast !== undefined) {
    cast = elementTypeOfCast(value.cast);
    if (cast === undefined || !compatible(family, cast)) return undefined;
  }
  if (value.kind === 'parameter')
    return keysOfArrayParameter(value.index, parameters, family, cast ?? column);
  return keysOfTextArray(value.text, narrower(family, cast ?? column));
}

function keysOfArrayParameter(
  index: number,
  parameters: Parameters | undefined,
  family: KeyFamily,
  inferred: number,
): Keys | undefined {
  const bytes = parameters?.values[index - 1];
  if (parameters === undefined || bytes === undefined || bytes === null) return undefined;
  const array = declared(parameters, index);
  const type = array === 0 ? inferred : elementType(array);
  if (type === undefined || !compatible(family, type)) return undefined;
  if (formatOf(parameters, index) === 0)
    return keysOfTextArray(bytes.toString('latin1'), narrower(family, type));
  const decoded = binaryArray(bytes);
  if (decoded === undefined || !compatible(family, decoded.type)) return undefined;
  return collect(decoded.elements, (element) => keyOfBinary(family, decoded.type, element));
}

function keysOfTextArray(text: string, family: KeyFamily): Keys | undefined {
  const elements = textArray(text);
  return elements === undefined ? undefined : collect(elements, (element) => keyOfText(family, element));
}

function collect<T>(elements: (T | null)[], key: (element: T) => string | undefined): Keys | undefined {
  const result: Keys = { keys: new Set(), nulls: false };
  for (const element of elements) {
    if (element === null) {
      result.nulls = true;
      continue;
    }
    const found = key(element);
    if (found === undefined) return undefined;
    result.keys.add(found);
  }
  return result;
}

/**
 * Do two constants hold the same value for a column of this type OID (0: not known yet)? Types that have no keys, and
 * unknown ones, compare as text in text format, as bytes of the same declared type in binary format.
 */
export function sameValue(
  a: Value,
  aParameters: Parameters | undefined,
  b: Value,
  bParameters: Parameters | undefined,
  column: number,
): boolean {
  if (familyOf(column) !== undefined) {
    const key = keyOfValue(a, aParameters, column);
    return typeof key === 'string' && key === keyOfValue(b, bParameters, column);
  }
  const one = plain(a, aParameters);
  const other = plain(b, bParameters);
  return one !== undefined && one === other;
}

function plain(value: Value, parameters: Parameters | undefined): string | undefined {
  if (value.kind === 'boolean') return value.text.toLowerCase();
  if (value.kind === 'parameter') return plainParameter(value.index, value.cast ?? '', parameters);
  if (value.kind === 'string' || value.kind === 'number') return `${value.text}::${value.cast ?? ''}`;
  return undefined;
}

function plainParameter(index: number, cast: string, parameters: Parameters | undefined): string | undefined {
  const bytes = parameters?.values[index - 1];
  if (parameters === undefined || bytes === undefined || bytes === null) return undefined;
  if (formatOf(parameters, index) === 0) return `${bytes.toString('latin1')}::${cast}`;
  if (parameters.binding !== undefined) return undefined; // MySQL: no exact text form, or long data that is not at hand
  const type = declared(parameters, index) || typeOfCast(cast) || 0;
  const family = familyOf(type);
  if (family === undefined) return `binary ${type}: ${bytes.toString('latin1')}`;
  const key = keyOfBinary(family, type, bytes);
  return key === undefined ? undefined : `${key}::${cast}`;
}
