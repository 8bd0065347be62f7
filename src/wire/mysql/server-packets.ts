/**
 * Reads the server packets that memory needs: step 10 of the flow. Every function takes one whole packet buf[start, end),
 * header included. Strings are latin1-decoded bytes. ProtocolViolation on anything inconsistent, except for errors, which
 * are read as far as they go.
 */
import { capability, has } from './capabilities.ts';
import { headerBytes, marker, shortEofBytes } from './codes.ts';
import { Cursor } from './cursor.ts';
import { status } from './status.ts';
import { ProtocolViolation } from '../violation.ts';

/** OK, also in its 0xfe form at the end of rows. */
export interface OkPacket {
  affectedRows: number;
  /** LAST_INSERT_ID of the statement, 0 if none; all 64 bits are used. */
  insertId: bigint;
  /** Status flags. */
  status: number;
  warnings: number;
  info: string;
  /** Session state changes, see session-track.ts; empty when nothing changed. A view. */
  stateChanges: Buffer;
}

export interface ErrPacket {
  errno: number;
  /** '' before log-in, where servers leave it out. */
  sqlstate: string;
  message: string;
}

export interface PreparedOk {
  statementId: number;
  columns: number;
  parameters: number;
  warnings: number;
}

const empty = Buffer.alloc(0);

/** @param flags agreed capabilities */
export function readOk(buf: Buffer, start: number, end: number, flags: number): OkPacket {
  const cursor = new Cursor(buf, start, end);
  const first = cursor.byte();
  if (first !== marker.ok && first !== marker.eof) throw new ProtocolViolation('not an OK packet');
  const ok: OkPacket = {
    affectedRows: cursor.lenenc(),
    insertId: cursor.lenencBig(),
    status: cursor.uint16(),
    warnings: cursor.uint16(),
    info: '',
    stateChanges: empty,
  };
  if (cursor.left === 0) return ok;
  // Both servers send a length in front of the text in any case, the manual says only with session tracking.
  ok.info = cursor.lenencName();
  if (!has(flags, capability.sessionTrack)) return ok;
  if (has(ok.status, status.sessionStateChanged) && cursor.left > 0) ok.stateChanges = cursor.lenencBytes();
  return ok;
}

/** Never throws: what is missing stays empty. */
export function readErr(buf: Buffer, start: number, end: number): ErrPacket {
  const at = start + headerBytes + 1;
  const errno = at + 2 <= end ? buf.readUInt16LE(at) : 0;
  const marked = buf[at + 2] === 0x23 && at + 8 <= end; // '#', SQLSTATE
  return {
    errno,
    sqlstate: marked ? buf.toString('latin1', at + 3, at + 8) : '',
    message: buf.toString('latin1', marked ? at + 8 : Math.min(at + 2, end), end),
  };
}

export function readEof(buf: Buffer, start: number, end: number): { warnings: number; status: number } {
  const cursor = new Cursor(buf, start, end);
  if (cursor.left >= shortEofBytes || cursor.byte() !== marker.eof)
    throw new ProtocolViolation('not an EOF packet');
  return { warnings: cursor.uint16(), status: cursor.uint16() };
}

/** The first packet of the answer to COM_STMT_PREPARE. */
export function readPreparedOk(buf: Buffer, start: number, end: number): PreparedOk {
  const cursor = new Cursor(buf, start, end);
  if (cursor.byte() !== marker.ok) throw new ProtocolViolation('not the answer to COM_STMT_PREPARE');
  const statementId = cursor.uint32();
  const columns = cursor.uint16();
  const parameters = cursor.uint16();
  cursor.skip(1);
  return { statementId, columns, parameters, warnings: cursor.left >= 2 ? cursor.uint16() : 0 };
}

/** The file that LOAD DATA LOCAL asks the client for. */
export function readLocalInfile(buf: Buffer, start: number, end: number): string {
  const cursor = new Cursor(buf, start, end);
  if (cursor.byte() !== marker.localInfile) throw new ProtocolViolation('not a LOCAL INFILE request');
  return cursor.rest().toString('latin1');
}

/** @param extended MARIADB_CLIENT_CACHE_METADATA was agreed: a byte behind the count says whether definitions follow */
export function readColumnCount(
  buf: Buffer,
  start: number,
  end: number,
  extended: boolean,
): { columns: number; definitionsFollow: boolean } {
  const cursor = new Cursor(buf, start, end);
  const columns = cursor.lenenc();
  const definitionsFollow = !extended || cursor.left === 0 || cursor.byte() !== 0;
  cursor.finish();
  return { columns, definitionsFollow };
}
