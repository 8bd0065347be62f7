/**
 * Follows one reply of the server, packet by packet: step 10 of the flow. MySQL packets do not say what they are: that
 * depends on the command, on the agreed capabilities and on everything before in the same reply.
 *
 * Invariant: `done` is true exactly when the server owes nothing more for the command that was begun. A packet that
 * cannot stand where it does is Unexpected, and from then on nothing here can be trusted. Rows are recognised by their
 * first byte and length alone, so they can pass in pieces. No object is made per packet; what was learnt is in the
 * fields, the content of a packet is for the readers.
 */
import { capability, has, mariadbCapability, noCapabilities } from './capabilities.ts';
import type { Capabilities } from './capabilities.ts';
import { headerBytes, marker, maxPayloadBytes, shortEofBytes } from './codes.ts';
import type { ReplyShape } from './commands.ts';
import { emptyPayload } from './framer.ts';
import { skipLenenc } from './lenenc.ts';
import { readColumnCount, readPreparedOk } from './server-packets.ts';
import { status as statusFlag } from './status.ts';
import { ProtocolViolation } from '../violation.ts';

/** Out of sync: relay raw, or end the session when something is owed to the client. See `why`. */
export const Unexpected = 0;
/** OK packet, with a status. Also the EOF that answers COM_SET_OPTION and COM_DEBUG. */
export const Ok = 1;
/** ERR packet: the reply is over, whatever was to follow. The only packet that may come without a command. */
export const Err = 2;
/** Begins a result set: `columns`, `definitionsFollow`. */
export const ColumnCount = 3;
export const ColumnDefinition = 4;
/** EOF behind the column definitions, with a status; not sent when EOF is deprecated. */
export const EndOfColumns = 5;
export const Row = 6;
/** EOF, or OK with header 0xfe, with a status. */
export const EndOfRows = 7;
/** The client is asked for a file: its next messages are data up to an empty one, then comes Ok or Err. */
export const LocalInfile = 8;
/** First answer to COM_STMT_PREPARE: `statementId`, `parameters`, `columns`. */
export const Prepared = 9;
export const ParameterDefinition = 10;
export const EndOfParameters = 11;
/** The bare text of COM_STATISTICS. */
export const Text = 12;
/** A packet of the authentication exchange that is not its end. */
export const Authentication = 13;
export type Part =
  | typeof Unexpected
  | typeof Ok
  | typeof Err
  | typeof ColumnCount
  | typeof ColumnDefinition
  | typeof EndOfColumns
  | typeof Row
  | typeof EndOfRows
  | typeof LocalInfile
  | typeof Prepared
  | typeof ParameterDefinition
  | typeof EndOfParameters
  | typeof Text
  | typeof Authentication;

type Phase =
  | 'idle'
  | 'result'
  | 'columns'
  | 'end-of-columns'
  | 'rows'
  | 'prepared'
  | 'parameters'
  | 'end-of-parameters'
  | 'field-list'
  | 'ok'
  | 'text'
  | 'authentication';

/** Where a reply of each shape begins. */
const begins: Record<ReplyShape, Phase> = {
  none: 'idle',
  raw: 'idle',
  ok: 'ok',
  result: 'result',
  'binary-result': 'result',
  prepare: 'prepared',
  fetch: 'rows',
  'field-list': 'field-list',
  text: 'text',
  authentication: 'authentication',
};

/** Payload of an OK packet: header, two lengths of one byte each, status, warnings. A shorter one with 0xfe is an EOF. */
const smallestOkBytes = 7;
const eofBytes = 5;

export class ReplyTracker {
  done = true;
  shape: ReplyShape = 'none';
  /** Status flags of the last OK or EOF packet, of earlier replies too. */
  status = 0;
  /** Warnings of the same packet. */
  warnings = 0;
  /** The packet had a status of its own. */
  statusSent = false;
  /** Of the result set that began last, or of the statement that was prepared. */
  columns = 0;
  /** False: MariaDB left the column definitions out, those of the prepare or of an earlier execution hold. */
  definitionsFollow = true;
  parameters = 0;
  statementId = 0;
  /** Results of this reply that are complete: OK packets and result sets. */
  results = 0;
  /** An execute opened a cursor: its rows come with COM_STMT_FETCH. */
  cursor = false;
  /** Of an Unexpected packet: what was wrong, for the log. */
  why = '';

  #phase: Phase = 'idle';
  #left = 0;
  /** MySQL says "OUT parameters, more results" in the EOF behind the columns only: the one that ends the row is silent. */
  #outParameters = false;
  #deprecateEof = false;
  #cacheMetadata = false;

  constructor(capabilities: Capabilities = noCapabilities) {
    this.agree(capabilities);
  }

  /** What client and server agreed on, as soon as it is known; it holds for the rest of the connection. */
  agree(capabilities: Capabilities): void {
    this.#deprecateEof = has(capabilities.flags, capability.deprecateEof);
    this.#cacheMetadata = has(capabilities.mariadb, mariadbCapability.cacheMetadata);
  }

  /** The rows of this reply are in the binary form. */
  get binary(): boolean {
    return this.shape === 'binary-result' || this.shape === 'fetch';
  }

  /** More results follow the one that just ended. */
  get moreResults(): boolean {
    return !this.done && this.#phase === 'result';
  }

  /** The packets that come next belong to this command. Not for `raw`: those are not followed. */
  begin(shape: ReplyShape): void {
    if (!this.done) throw new Error('replies: the reply before is not complete');
    this.shape = shape;
    this.#phase = begins[shape];
    this.done = this.#phase === 'idle';
    this.results = 0;
    this.cursor = false;
    this.#outParameters = false;
    this.definitionsFollow = true;
  }

  /**
   * Whether the message that begins with this byte is a row, so that nobody needs all of it at once.
   * @param type,length as the framer says at Head
   */
  isRow(type: number, length: number): boolean {
    return (
      this.#phase === 'rows' && type !== emptyPayload && type !== marker.error && !this.#ends(type, length)
    );
  }

  /** The next message of the server, whole. A row that passes in pieces is not told: it changes nothing here. */
  packet(type: number, buf: Buffer, start: number, end: number): Part {
    this.statusSent = false;
    if (this.#phase === 'rows') {
      if (this.isRow(type, end - start)) return Row;
      if (type === marker.eof) return this.#closes(EndOfRows, buf, start, end);
    }
    if (type === marker.error) return this.#error();
    try {
      return this.#other(type, buf, start, end);
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      return this.#unexpected(error.message);
    }
  }

  #other(type: number, buf: Buffer, start: number, end: number): Part {
    switch (this.#phase) {
      case 'result':
        return this.#resultBegins(type, buf, start, end);
      case 'columns':
        return type === marker.eof ? this.#misplaced(type) : this.#definition(ColumnDefinition);
      case 'parameters':
        return type === marker.eof ? this.#misplaced(type) : this.#definition(ParameterDefinition);
      case 'end-of-columns':
        return type === marker.eof ? this.#columnsEnd(buf, start, end) : this.#misplaced(type);
      case 'end-of-parameters':
        return type === marker.eof ? this.#parametersEnd(buf, start, end) : this.#misplaced(type);
      case 'prepared':
        return this.#prepared(buf, start, end);
      case 'field-list':
        if (!this.#ends(type, end - start)) return ColumnDefinition;
        return this.#closes(EndOfColumns, buf, start, end);
      case 'ok':
        if (type !== marker.ok && type !== marker.eof) return this.#misplaced(type);
        return this.#closes(Ok, buf, start, end);
      case 'text':
        this.#finish();
        return Text;
      case 'authentication':
        return type === marker.ok ? this.#closes(Ok, buf, start, end) : Authentication;
      default:
        return this.#misplaced(type);
    }
  }

  #resultBegins(type: number, buf: Buffer, start: number, end: number): Part {
    if (type === marker.ok || this.#ends(type, end - start)) return this.#closes(Ok, buf, start, end);
    if (type === marker.localInfile) return LocalInfile;
    const { columns, definitionsFollow } = readColumnCount(buf, start, end, this.#cacheMetadata);
    this.columns = columns;
    this.definitionsFollow = definitionsFollow;
    this.#left = definitionsFollow ? columns : 0;
    this.#phase = 'columns';
    if (this.#left === 0) this.#columnsDone();
    return ColumnCount;
  }

  #definition(part: Part): Part {
    this.#left -= 1;
    if (this.#left > 0) return part;
    if (part === ParameterDefinition) this.#parametersDone();
    else this.#columnsDone();
    return part;
  }

  #columnsDone(): void {
    if (!this.#deprecateEof) this.#phase = 'end-of-columns';
    else if (this.shape === 'prepare') this.#finish();
    else this.#phase = 'rows';
  }

  #columnsEnd(buf: Buffer, start: number, end: number): Part {
    if (!this.#readStatus(buf, start, end)) return this.#unexpected('EOF packet without status');
    this.#outParameters =
      has(this.status, statusFlag.outParameters) && has(this.status, statusFlag.moreResults);
    if (this.shape === 'prepare') this.#finish();
    else if (this.shape === 'binary-result' && has(this.status, statusFlag.cursorExists)) {
      this.cursor = true;
      this.#resultDone();
    } else this.#phase = 'rows';
    return EndOfColumns;
  }

  #prepared(buf: Buffer, start: number, end: number): Part {
    const { statementId, columns, parameters } = readPreparedOk(buf, start, end);
    this.statementId = statementId;
    this.columns = columns;
    this.parameters = parameters;
    this.#left = parameters;
    if (parameters > 0) this.#phase = 'parameters';
    else this.#preparedColumns();
    return Prepared;
  }

  #parametersDone(): void {
    if (this.#deprecateEof) this.#preparedColumns();
    else this.#phase = 'end-of-parameters';
  }

  #parametersEnd(buf: Buffer, start: number, end: number): Part {
    if (!this.#readStatus(buf, start, end)) return this.#unexpected('EOF packet without status');
    this.#preparedColumns();
    return EndOfParameters;
  }

  #preparedColumns(): void {
    this.#left = this.columns;
    if (this.columns > 0) this.#phase = 'columns';
    else this.#finish();
  }

  /** An OK or EOF packet that ends a result, a list or the whole reply. */
  #closes(part: Part, buf: Buffer, start: number, end: number): Part {
    if (!this.#readStatus(buf, start, end)) return this.#unexpected('OK or EOF packet without status');
    if (this.shape === 'binary-result') this.cursor = has(this.status, statusFlag.cursorExists);
    if (this.#phase === 'rows' || this.#phase === 'result') this.#resultDone();
    else this.#finish();
    return part;
  }

  #resultDone(): void {
    this.results += 1;
    const chains = this.shape === 'result' || this.shape === 'binary-result';
    const more = this.#outParameters || has(this.status, statusFlag.moreResults);
    this.#outParameters = false;
    if (chains && more) this.#phase = 'result';
    else this.#finish();
  }

  #finish(): void {
    this.#phase = 'idle';
    this.done = true;
  }

  #error(): Part {
    this.#finish();
    return Err;
  }

  #misplaced(type: number): Part {
    return this.#unexpected(
      `packet 0x${(type & 0xff).toString(16).padStart(2, '0')} in phase ${this.#phase}`,
    );
  }

  #unexpected(why: string): Part {
    this.why = why;
    return Unexpected;
  }

  /**
   * 0xfe ends rows, unless it is the length of a row's first value: then that value has 16 MB or more, and so has the
   * packet. A true EOF packet has less than nine bytes.
   * @param length headers included
   */
  #ends(type: number, length: number): boolean {
    if (type !== marker.eof) return false;
    return length - headerBytes < (this.#deprecateEof ? maxPayloadBytes : shortEofBytes);
  }

  /** @returns whether there was one */
  #readStatus(buf: Buffer, start: number, end: number): boolean {
    const payload = end - start - headerBytes;
    let at = start + headerBytes + 1;
    if (buf[start + headerBytes] === marker.eof && payload < smallestOkBytes) {
      if (payload !== eofBytes) return false;
      at += 2; // warnings come first in an EOF packet
    } else at = skipLenenc(buf, skipLenenc(buf, at));
    if (at + 2 > end) return false;
    this.status = buf.readUInt16LE(at);
    // Without CLIENT_PROTOCOL_41 there would be none; it is always agreed on.
    const before = at - 2;
    this.warnings =
      payload === eofBytes ? buf.readUInt16LE(before) : at + 4 > end ? 0 : buf.readUInt16LE(at + 2);
    this.statusSent = true;
    return true;
  }
}
