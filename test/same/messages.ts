/**
 * Client messages of the PostgreSQL protocol as plain bytes ("Message Formats" in the manual), written independently of
 * src/wire so that a mistake there cannot hide here. Text is UTF-8; lengths are computed, never given.
 */

const int16 = (n: number): Buffer => {
  const b = Buffer.alloc(2);
  b.writeInt16BE(n);
  return b;
};

export const int32 = (n: number): Buffer => {
  const b = Buffer.alloc(4);
  b.writeInt32BE(n);
  return b;
};

export const cstring = (s: string): Buffer => Buffer.concat([Buffer.from(s, 'utf8'), Buffer.of(0)]);

/** One typed message: type byte, length including itself, body. */
export function message(type: string, ...body: Buffer[]): Buffer {
  const length = body.reduce((sum, part) => sum + part.length, 4);
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(length), ...body]);
}

export const query = (sql: string): Buffer => message('Q', cstring(sql));
export const sync = message('S');
export const flush = message('H');
export const terminate = message('X');
export const copyDone = message('c');
export const copyData = (data: string | Buffer): Buffer =>
  message('d', typeof data === 'string' ? Buffer.from(data, 'utf8') : data);
export const copyFail = (why: string): Buffer => message('f', cstring(why));
export const passwordMessage = (password: string): Buffer => message('p', cstring(password));

/** Parse; `types` are the OIDs of the first parameters, 0 leaves one to the server. */
export const parse = (name: string, sql: string, types: number[] = []): Buffer =>
  message('P', cstring(name), cstring(sql), int16(types.length), ...types.map(int32));

export type Value = string | Buffer | null;

export interface BindOptions {
  portal?: string;
  statement?: string;
  values?: Value[];
  /** Format codes as they go on the wire: none (all text), one for all, or one each. */
  formats?: number[];
  resultFormats?: number[];
}

export function bind(options: BindOptions = {}): Buffer {
  const { portal = '', statement = '', values = [], formats = [], resultFormats = [] } = options;
  return message(
    'B',
    cstring(portal),
    cstring(statement),
    int16(formats.length),
    ...formats.map(int16),
    int16(values.length),
    ...values.flatMap(lengthAndBytes),
    int16(resultFormats.length),
    ...resultFormats.map(int16),
  );
}

function lengthAndBytes(value: Value): Buffer[] {
  if (value === null) return [int32(-1)];
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return [int32(bytes.length), bytes];
}

/** `maxRows` 0 means all rows. */
export const execute = (portal = '', maxRows = 0): Buffer => message('E', cstring(portal), int32(maxRows));
export const describeStatement = (name = ''): Buffer => message('D', Buffer.from('S'), cstring(name));
export const describePortal = (name = ''): Buffer => message('D', Buffer.from('P'), cstring(name));
export const closeStatement = (name: string): Buffer => message('C', Buffer.from('S'), cstring(name));
export const closePortal = (name: string): Buffer => message('C', Buffer.from('P'), cstring(name));

/** FunctionCall: the function's OID, arguments in `format` (0 text, 1 binary), result in the same format. */
export const functionCall = (oid: number, args: Value[], format: 0 | 1 = 0): Buffer =>
  message(
    'F',
    int32(oid),
    int16(1),
    int16(format),
    int16(args.length),
    ...args.flatMap(lengthAndBytes),
    int16(format),
  );

/** Parse, Bind, Describe portal, Execute over the unnamed statement and portal, without Sync. */
export const extended = (sql: string, options: BindOptions & { types?: number[] } = {}): Buffer =>
  Buffer.concat([parse('', sql, options.types), bind(options), describePortal(), execute()]);

export const protocol30 = 0x0003_0000;
export const protocol32 = 0x0003_0002;

/** StartupMessage: no type byte. Parameters keep the order of their keys. */
export function startup(parameters: Record<string, string>, version = protocol30): Buffer {
  const pairs = Object.entries(parameters).flatMap(([key, value]) => [cstring(key), cstring(value)]);
  return untyped(int32(version), ...pairs, Buffer.of(0));
}

/** A start-up packet with any body: length including itself, then the body. */
export function untyped(...body: Buffer[]): Buffer {
  const length = body.reduce((sum, part) => sum + part.length, 4);
  return Buffer.concat([int32(length), ...body]);
}

export const sslRequest = untyped(int32(80877103));
export const gssEncRequest = untyped(int32(80877104));
export const cancelRequest = (pid: number, key: Buffer): Buffer => untyped(int32(80877102), int32(pid), key);
