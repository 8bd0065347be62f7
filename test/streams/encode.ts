/**
 * Builds PostgreSQL messages of both directions for the replays. Deliberately independent of src/wire, whose readers are
 * checked against these bytes. Texts are UTF-8. Source: PostgreSQL manual, "Message Formats".
 */
export type Format = 0 | 1;

/** One column of a RowDescription. */
export interface Column {
  name: string;
  table: number;
  attribute: number;
  type: number;
  format: number;
}

/** Fields of an ErrorResponse or NoticeResponse by their letter; S, V, C and M are filled in. */
export interface ErrorFields {
  code: string;
  message: string;
  detail?: string | undefined;
  schema?: string | undefined;
  table?: string | undefined;
  constraint?: string | undefined;
  severity?: 'ERROR' | 'FATAL' | 'NOTICE' | undefined;
}

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'utf8');
const value = (bytes: Buffer | string | null): Buffer => {
  if (bytes === null) return int32(-1);
  const raw = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
  return Buffer.concat([int32(raw.length), raw]);
};
const list = <T>(items: readonly T[], item: (one: T) => Buffer): Buffer =>
  Buffer.concat([int16(items.length), ...items.map(item)]);

/** Any typed message. */
export function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(body.length + 4), body]);
}

export const client = {
  startup(parameters: Record<string, string>): Buffer {
    const pairs = Object.entries(parameters).map(([name, one]) => text(name + '\0' + one));
    const body = Buffer.concat([int32(196608), ...pairs, Buffer.alloc(1)]);
    return Buffer.concat([int32(body.length + 4), body]);
  },
  password: (secret: string): Buffer => message('p', text(secret)),
  query: (sql: string): Buffer => message('Q', text(sql)),
  parse: (name: string, sql: string, types: readonly number[] = []): Buffer =>
    message('P', text(name), text(sql), list(types, int32)),
  bind: (
    portal: string,
    statement: string,
    values: readonly (Buffer | string | null)[] = [],
    formats: readonly number[] = [],
    results: readonly number[] = [],
  ): Buffer =>
    message(
      'B',
      text(portal),
      text(statement),
      list(formats, int16),
      list(values, value),
      list(results, int16),
    ),
  describe: (target: 'S' | 'P', name: string): Buffer => message('D', text(target + name)),
  execute: (portal: string, maxRows = 0): Buffer => message('E', text(portal), int32(maxRows)),
  close: (target: 'S' | 'P', name: string): Buffer => message('C', text(target + name)),
  sync: (): Buffer => message('S'),
  flush: (): Buffer => message('H'),
  terminate: (): Buffer => message('X'),
};

function errorBody(error: ErrorFields): Buffer {
  const severity = error.severity ?? 'ERROR';
  const fields: [string, string | undefined][] = [
    ['S', severity],
    ['V', severity],
    ['C', error.code],
    ['M', error.message],
    ['D', error.detail],
    ['s', error.schema],
    ['t', error.table],
    ['n', error.constraint],
  ];
  const present = fields.filter((field): field is [string, string] => field[1] !== undefined);
  return Buffer.concat([...present.map(([letter, one]) => text(letter + one)), Buffer.alloc(1)]);
}

export const server = {
  authenticationOk: (): Buffer => message('R', int32(0)),
  authenticationCleartext: (): Buffer => message('R', int32(3)),
  parameterStatus: (name: string, one: string): Buffer => message('S', text(name), text(one)),
  backendKeyData: (pid: number, key: number): Buffer => message('K', int32(pid), int32(key)),
  ready: (status: string): Buffer => message('Z', Buffer.from(status, 'latin1')),
  parseComplete: (): Buffer => message('1'),
  bindComplete: (): Buffer => message('2'),
  closeComplete: (): Buffer => message('3'),
  noData: (): Buffer => message('n'),
  emptyQuery: (): Buffer => message('I'),
  portalSuspended: (): Buffer => message('s'),
  parameterDescription: (types: readonly number[]): Buffer => message('t', list(types, int32)),
  rowDescription: (columns: readonly Column[]): Buffer =>
    message(
      'T',
      list(columns, (column) =>
        Buffer.concat([
          text(column.name),
          int32(column.table),
          int16(column.attribute),
          int32(column.type),
          int16(sizes[column.type] ?? -1),
          int32(-1),
          int16(column.format),
        ]),
      ),
    ),
  dataRow: (values: readonly (Buffer | string | null)[]): Buffer => message('D', list(values, value)),
  complete: (tag: string): Buffer => message('C', text(tag)),
  error: (error: ErrorFields): Buffer => message('E', errorBody(error)),
  notice: (error: ErrorFields): Buffer => message('N', errorBody({ severity: 'NOTICE', ...error })),
  notification: (pid: number, channel: string, payload: string): Buffer =>
    message('A', int32(pid), text(channel), text(payload)),
};

/** pg_type.typlen of the fixed-length types that the captures hold. */
const sizes: Record<number, number> = { 16: 1, 20: 8, 21: 2, 23: 4, 26: 4, 1114: 8, 1184: 8 };
