/** mysql2's own packet code, which its package does not export: an oracle for ours. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve('mysql2/package.json'));
const load = (path: string): unknown => require(join(folder, 'lib', path));

export interface Written {
  buffer: Buffer;
  writeHeader(sequence: number): void;
}
export interface WrittenBy {
  toPacket(): Written;
}

/** The written packet with its header. */
export function bytesOf(packet: WrittenBy, sequence = 0): Buffer {
  const written = packet.toPacket();
  written.writeHeader(sequence);
  return Buffer.from(written.buffer);
}

export const HandshakeResponse = load('packets/handshake_response.js') as new (options: object) => WrittenBy;
export const Query = load('packets/query.js') as new (
  sql: string,
  charset: number,
  attributes?: object,
  flags?: number,
) => WrittenBy;
export const Execute = load('packets/execute.js') as new (
  id: number,
  parameters: unknown[],
  charset: number,
  timezone: string,
  attributes?: object,
  flags?: number,
) => WrittenBy;
export const PrepareStatement = load('packets/prepare_statement.js') as new (
  sql: string,
  charset: number,
) => WrittenBy;
export const CloseStatement = load('packets/close_statement.js') as new (id: number) => WrittenBy;

/** A reader over one packet; the classes below take it. */
export const Packet = load('packets/packet.js') as new (
  sequence: number,
  buffer: Buffer,
  start: number,
  end: number,
) => { readLengthCodedNumber(): number; skip(bytes: number): void; offset: number };

export const ColumnDefinition = load('packets/column_definition.js') as {
  new (packet: object, encoding: string, extended?: boolean): Record<string, unknown>;
  toPacket(column: object, sequence: number): Written;
};
export const ResultSetHeader = load('packets/resultset_header.js') as new (
  packet: object,
  connection: object,
) => Record<string, unknown>;
