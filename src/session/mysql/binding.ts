/**
 * Parameters of a COM_STMT_EXECUTE as the memory sees them (text where a value has an exact text form) and as the session
 * needs them to send the same values with another statement.
 */
import type { Parameters } from '../../memory/types.ts';
import { readExecute } from '../../wire/mysql/execute.ts';
import type { Execute } from '../../wire/mysql/execute.ts';
import { textOfBinary, type as typeCode } from '../../wire/mysql/types.ts';
import type { Prepared } from './prepared.ts';

type Binding = Pick<Execute, 'types' | 'values'>;

/** The session puts nothing else there; a statement without parameters has none. */
export function isBinding(binding: unknown): binding is Binding {
  return typeof binding === 'object' && binding !== null && 'types' in binding && 'values' in binding;
}

/**
 * Reads an execution and notes its types for the next one.
 * @param packet a copy that may be kept
 * @param flags agreed capabilities
 */
export function bind(packet: Buffer, prepared: Prepared, parameters: number, flags: number): Bound {
  const { types, longData } = prepared;
  const execute = readExecute(packet, 0, packet.length, { flags, parameters, types, longData });
  if (execute.typesSent) prepared.types = execute.types;
  if (longData.size > 0) prepared.longData = new Set();
  return new Bound(execute, parameters, packet.length);
}

export class Bound {
  /** The execute asks for a cursor: rows come one by one with COM_STMT_FETCH. */
  readonly execute: Execute;
  /** Of the packet that the values are views of. */
  readonly bytes: number;
  private readonly count: number;
  private made: Parameters | undefined;

  constructor(execute: Execute, count: number, bytes: number) {
    this.execute = execute;
    this.count = count;
    this.bytes = bytes;
  }

  get parameters(): Parameters {
    return (this.made ??= this.make());
  }

  private make(): Parameters {
    // Query attributes stand behind the statement's own parameters.
    const types = this.execute.types.slice(0, this.count);
    const values = this.execute.values.slice(0, this.count);
    const parameters: Parameters = { formats: [], values: [], types: [], binding: { types, values } };
    types.forEach(({ type, unsigned }, index) => {
      const value = values[index];
      const text =
        value === null || value === undefined
          ? undefined
          : (textOfBinary(type, unsigned, value) ?? wholeNumber(type, value));
      // Long data is not at hand: an empty binary value of no known type compares equal to nothing.
      parameters.formats.push(value === null || text !== undefined ? 0 : 1);
      parameters.values.push(
        value === null ? null : text === undefined ? (value ?? Buffer.alloc(0)) : Buffer.from(text, 'latin1'),
      );
    });
    return parameters;
  }
}

/**
 * mysql2 sends JavaScript's numbers as DOUBLE, ids included. A whole one within 53 bits compares with an integer column
 * exactly; any other has no exact text form.
 */
function wholeNumber(type: number, value: Buffer): string | undefined {
  if (type !== typeCode.double || value.length !== 8) return undefined;
  const number = value.readDoubleLE();
  return Number.isSafeInteger(number) && !Object.is(number, -0) ? String(number) : undefined;
}
