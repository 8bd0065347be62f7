/**
 * COM_STMT_EXECUTE, read and written: steps 3 and 9 of the flow. Types are sent with the first execution and may be left
 * out later, values that came as long data are never in it: what reads one must remember both by statement.
 */
import { capability, has } from './capabilities.ts';
import { command } from './commands.ts';
import { Cursor } from './cursor.ts';
import { lenenc } from './lenenc.ts';
import { readBinaryValue, type, withLength } from './types.ts';
import { ProtocolViolation } from '../violation.ts';
import { writePacket } from './writers.ts';

export interface ParameterType {
  /** Type byte, see types.ts. */
  type: number;
  unsigned: boolean;
  /** '' for a parameter of the statement, else the name of a query attribute. */
  name: string;
}

export interface Execute {
  statementId: number;
  /** Cursor type in the low bits, see `executeFlag`. */
  flags: number;
  /** Whether the types came with this packet; remember them. */
  typesSent: boolean;
  /** Of the statement's parameters, then of the query attributes. */
  types: ParameterType[];
  /** As types. A value's own bytes without a length: a view; null: NULL; undefined: sent before as long data. */
  values: (Buffer | null | undefined)[];
}

export const executeFlag = {
  /** Any of these asks for a cursor: rows come with COM_STMT_FETCH. */
  cursor: 0x07,
  /** The packet says how many parameters it has (query attributes). */
  parameterCount: 0x08,
} as const;

export interface ExecuteContext {
  /** Agreed capabilities. */
  flags: number;
  /** Parameters of the statement, from its prepare. */
  parameters: number;
  /** Types of the last execution that sent them. */
  types?: readonly ParameterType[] | undefined;
  /** Parameters that got long data since the last execution. */
  longData?: ReadonlySet<number> | undefined;
}

const unsignedFlag = 0x80;
const none: ReadonlySet<number> = new Set();

/** @throws ProtocolViolation also when types are wanted that were never sent */
export function readExecute(buf: Buffer, start: number, end: number, context: ExecuteContext): Execute {
  const cursor = new Cursor(buf, start, end);
  if (cursor.byte() !== command.stmtExecute) throw new ProtocolViolation('not COM_STMT_EXECUTE');
  const statementId = cursor.uint32();
  const flags = cursor.byte();
  cursor.skip(4); // iteration count, always 1
  const execute: Execute = { statementId, flags, typesSent: false, types: [], values: [] };
  const named = has(context.flags, capability.queryAttributes);
  const counted = named && (has(flags, executeFlag.parameterCount) || context.parameters > 0);
  const count = counted ? cursor.lenenc() : context.parameters;
  if (count < context.parameters) throw new ProtocolViolation('fewer parameters than the statement has');
  if (count === 0) return execute;
  const nulls = cursor.bytes((count + 7) >> 3);
  execute.typesSent = cursor.byte() === 1;
  execute.types = execute.typesSent ? readTypes(cursor, count, named) : [...(context.types ?? [])];
  if (execute.types.length < count) throw new ProtocolViolation('execution without types');
  const longData = context.longData ?? none;
  for (let index = 0; index < count; index += 1)
    execute.values.push(readValue(cursor, index, nulls, execute.types, longData));
  cursor.finish();
  return execute;
}

/**
 * An execution of another statement with the same values. Types are always sent, so it may be a statement's first.
 * @param flags agreed capabilities
 * @throws RangeError when a value was sent as long data: that cannot be repeated
 */
export function writeExecute(flags: number, execute: Omit<Execute, 'typesSent'>): Buffer {
  const { statementId, types, values } = execute;
  const named = has(flags, capability.queryAttributes);
  const head = Buffer.alloc(10);
  head[0] = command.stmtExecute;
  head.writeUInt32LE(statementId, 1);
  head[5] = named ? execute.flags | executeFlag.parameterCount : execute.flags & ~executeFlag.parameterCount;
  head.writeUInt32LE(1, 6);
  const parts: Buffer[] = [head];
  if (named) parts.push(lenenc(values.length));
  if (values.length > 0) {
    const nulls = Buffer.alloc((values.length + 7) >> 3);
    values.forEach((value, index) => {
      if (value === null) nulls[index >> 3] = (nulls[index >> 3] ?? 0) | (1 << (index & 7));
    });
    parts.push(nulls, Buffer.from([1]));
    for (const one of types) parts.push(...writeType(one, named));
    values.forEach((value, index) => parts.push(...writeValue(value, types[index])));
  }
  return writePacket(0, Buffer.concat(parts));
}

/** A copy of a packet that names a statement (EXECUTE, FETCH, RESET, CLOSE), for another statement. */
export function withStatementId(buf: Buffer, start: number, end: number, statementId: number): Buffer {
  const edited = Buffer.from(buf.subarray(start, end));
  edited.writeUInt32LE(statementId, 5);
  return edited;
}

function readTypes(cursor: Cursor, count: number, named: boolean): ParameterType[] {
  if (count * 2 > cursor.left) throw new ProtocolViolation('packet is shorter than its counts');
  const types: ParameterType[] = [];
  for (let index = 0; index < count; index += 1) {
    const code = cursor.byte();
    const unsigned = (cursor.byte() & unsignedFlag) !== 0;
    types.push({ type: code, unsigned, name: named ? cursor.lenencName() : '' });
  }
  return types;
}

function readValue(
  cursor: Cursor,
  index: number,
  nulls: Buffer,
  types: readonly ParameterType[],
  longData: ReadonlySet<number>,
): Buffer | null | undefined {
  if (longData.has(index)) return undefined;
  const code = types[index]?.type ?? type.null;
  if (((nulls[index >> 3] ?? 0) & (1 << (index & 7))) !== 0 || code === type.null) return null;
  return readBinaryValue(cursor, code);
}

function writeType(one: ParameterType, named: boolean): Buffer[] {
  const code = Buffer.from([one.type, one.unsigned ? unsignedFlag : 0]);
  if (!named) return [code];
  const name = Buffer.from(one.name, 'latin1');
  return [code, lenenc(name.length), name];
}

function writeValue(value: Buffer | null | undefined, of: ParameterType | undefined): Buffer[] {
  if (value === undefined || of === undefined) throw new RangeError('a value that is not at hand');
  if (value === null) return [];
  return withLength(of.type, value);
}
