/**
 * The server's packets after log-in: step 10 of the flow. What a packet is follows from the command it answers
 * (ReplyTracker); the entry of that command says whether the client gets it.
 */
import { has } from '../../wire/mysql/capabilities.ts';
import { readColumnDefinition } from '../../wire/mysql/columns.ts';
import type { ColumnDefinition as Definition } from '../../wire/mysql/columns.ts';
import { errno, headerBytes, marker, shortEofBytes } from '../../wire/mysql/codes.ts';
import type { Framer } from '../../wire/mysql/framer.ts';
import {
  ColumnCount,
  ColumnDefinition,
  EndOfRows,
  Err,
  LocalInfile,
  Ok,
  Prepared,
  Row,
  Unexpected,
} from '../../wire/mysql/replies.ts';
import type { Part } from '../../wire/mysql/replies.ts';
import { firstBinaryValue, firstTextValue, textValues } from '../../wire/mysql/rows.ts';
import { resequence } from '../../wire/mysql/sequence.ts';
import { readErr, readOk } from '../../wire/mysql/server-packets.ts';
import { status } from '../../wire/mysql/status.ts';
import type { ResultColumn, StatementError } from '../../memory/types.ts';
import type { MysqlConversation } from './conversation.ts';
import type { MysqlExecution } from './execution.ts';
import type { Expected } from './expected.ts';
import type { Prepared as PreparedStatement } from './prepared.ts';

/** A column definition's payload, latin1-decoded, and what it says. */
interface Described {
  bytes: string;
  definition: Definition;
  column: ResultColumn;
}

export class MysqlServerSide {
  private readonly conversation: MysqlConversation;
  private current: Expected | undefined;
  private definitions = 0;
  private definition: Definition | undefined;
  private lastDescribed: Described | undefined;

  constructor(conversation: MysqlConversation) {
    this.conversation = conversation;
  }

  /** A row may pass in pieces when nobody wants its content. */
  mayStream({ type, length, chained }: Framer): boolean {
    const { tracker } = this.conversation;
    const head = this.begun();
    if (head === undefined || head.verb !== 'forward' || !tracker.isRow(type, length)) return false;
    return head.execution === undefined || !this.wantsValues(head.execution) || chained;
  }

  /** Called once a row that passes in pieces. */
  streamedRow(): void {
    const execution = this.current?.execution;
    if (execution === undefined) return;
    execution.rows += 1;
    execution.captured.giveUp();
  }

  message({ type, buf, start, end }: Framer): void {
    const { conversation } = this;
    const { tracker } = conversation;
    const head = this.begun();
    if (head === undefined) {
      conversation.output.toClient(buf, start, end);
      // The server says good-bye on its own: shut down, idle for too long, killed.
      if (type === marker.error) conversation.parted = true;
      else conversation.outOfSync('a packet without a command');
      return;
    }
    const part = tracker.packet(type, buf, start, end);
    if (part === Unexpected) {
      if (!conversation.owed) conversation.output.toClient(buf, start, end);
      return conversation.outOfSync(tracker.why);
    }
    this.note(head, part, buf, start, end);
    if (conversation.output.ending) return;
    this.pass(head, part, buf, start, end);
    if (tracker.done) this.finish(head);
  }

  /** The entry whose reply comes now. */
  private begun(): Expected | undefined {
    const { tracker, expected, sequences } = this.conversation;
    if (!tracker.done) return this.current;
    const next = expected.peek();
    this.current = next;
    if (next === undefined) return undefined;
    tracker.begin(next.shape);
    sequences.server = this.conversation.commandSequence;
    this.definitions = 0;
    if (next.shape === 'authentication')
      this.conversation.authentication.begin(next.login?.plugin ?? '', 0, 0);
    return next;
  }

  private pass(head: Expected, part: Part, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    if (head.verb === 'skip') return;
    if (head.verb === 'hold') return head.request?.keep(buf, start, end);
    // OK packets, the ones at the end of rows included, may carry a redirect_url.
    const mayRedirect =
      (part === Ok || (part === EndOfRows && end - start > shortEofBytes + headerBytes)) &&
      has(conversation.tracker.status, status.sessionStateChanged);
    const stripped = mayRedirect ? conversation.withoutRedirect(buf, start, end) : undefined;
    const { authentication, output } = conversation;
    if (head.shape === 'authentication')
      authentication.fromServer(stripped ?? buf, stripped === undefined ? start : 0, stripped?.length ?? end);
    else if (stripped === undefined) output.toClient(buf, start, end);
    else output.toClient(stripped);
  }

  private note(head: Expected, part: Part, buf: Buffer, start: number, end: number): void {
    const { tracker } = this.conversation;
    const { execution, request } = head;
    switch (part) {
      case Row:
        if (request !== undefined) this.rowOfRequest(head, buf, start, end);
        else if (execution !== undefined) this.row(execution, buf, start, end);
        return;
      case ColumnCount:
        this.definitions = 0;
        if (execution !== undefined) {
          execution.resultSet = true;
          execution.columns = tracker.columns;
        }
        return;
      case ColumnDefinition:
        this.column(head, buf, start, end);
        return;
      case Prepared:
        this.prepared(head);
        return;
      case Ok:
        this.ok(head, buf, start, end);
        return;
      case Err:
        this.error(head, buf, start, end);
        return;
      case LocalInfile:
        if (mayAskForFile(head)) this.conversation.fileDue = true;
        else this.conversation.fatal('protocol', 'the server asked for a file that no LOAD DATA LOCAL named');
        return;
      default:
    }
  }

  private row(execution: MysqlExecution, buf: Buffer, start: number, end: number): void {
    execution.rows += 1;
    if (!this.wantsValues(execution)) return;
    const { rememberedIds } = this.conversation.options.limits;
    if (!execution.captured.keep(rememberedIds, () => this.firstValue(execution, buf, start, end)))
      this.conversation.reached('remembered_ids');
  }

  private firstValue(
    execution: MysqlExecution,
    buf: Buffer,
    start: number,
    end: number,
  ): string | null | undefined {
    if (!this.conversation.tracker.binary) return firstTextValue(buf, start, end);
    const definition = this.definition ?? execution.prepared?.definition;
    return definition === undefined
      ? undefined
      : firstBinaryValue(buf, start, end, execution.columns, definition);
  }

  private wantsValues(execution: MysqlExecution): boolean {
    const { captured, columns, statement } = execution;
    if (captured.undecided) {
      const one = columns === 1 && captured.cut === undefined;
      captured.decide(one && this.conversation.wantsRows(statement));
    }
    return captured.wanted;
  }

  private rowOfRequest(head: Expected, buf: Buffer, start: number, end: number): void {
    const { request } = head;
    if (request === undefined) return;
    request.rowCount += 1;
    if (head.verb !== 'skip') return;
    const { tracker } = this.conversation;
    const values = tracker.binary
      ? [firstBinaryValue(buf, start, end, tracker.columns, this.definition ?? { type: 0, flags: 0 }) ?? null]
      : textValues(buf, start, end);
    if (request.rows.length < mostRowsOfOurs) request.rows.push(values);
  }

  /** Only the first column is looked at. */
  private column(head: Expected, buf: Buffer, start: number, end: number): void {
    this.definitions += 1;
    if (this.definitions > 1) return;
    const { capabilities, rules } = this.conversation;
    this.definition = undefined;
    const wanted =
      head.request !== undefined ||
      (rules.active && (head.execution !== undefined || head.prepares !== undefined));
    if (!wanted) return;
    const { definition, column } = this.described(buf, start, end, capabilities.mariadb);
    this.definition = definition;
    if (head.execution !== undefined) head.execution.firstColumn = column;
    if (head.prepares !== undefined) describePrepared(head.prepares, definition, column);
  }

  /** The same statement again, mostly: then its column is described in the same bytes. */
  private described(buf: Buffer, start: number, end: number, mariadb: number): Described {
    const bytes = buf.toString('latin1', start + headerBytes, end);
    if (this.lastDescribed?.bytes !== bytes) {
      const definition = readColumnDefinition(buf, start, end, mariadb);
      this.lastDescribed = { bytes, definition, column: resultColumn(definition) };
    }
    return this.lastDescribed;
  }

  private prepared({ prepares, request }: Expected): void {
    const { tracker, prepared } = this.conversation;
    if (request !== undefined) request.statementId = tracker.statementId;
    if (prepares === undefined) return;
    prepares.parameters = tracker.parameters;
    prepares.columns = tracker.columns;
    prepared.answered(prepares, tracker.statementId);
    // Parameter definitions come first and are not columns.
    this.definitions = -tracker.parameters;
  }

  private ok(head: Expected, buf: Buffer, start: number, end: number): void {
    const { flags } = this.conversation.capabilities;
    const { execution, request } = head;
    if (execution === undefined && request === undefined) return;
    const { affectedRows } = readOk(buf, start, end, flags);
    if (execution !== undefined) execution.affected = affectedRows;
    if (request !== undefined) request.affected = affectedRows;
  }

  private error({ execution, request }: Expected, buf: Buffer, start: number, end: number): void {
    const error = readErr(buf, start, end);
    this.conversation.parted ||= farewells.has(error.errno);
    if (execution !== undefined) execution.error = statementError(error);
    if (request === undefined) return;
    request.error = error;
    const packet = Buffer.from(buf.subarray(start, end));
    resequence(packet, 1);
    request.errorBytes = [packet];
  }

  /** MariaDB refuses another user after it has ended the session of the one before, who then goes on with a new one. */
  private reset({ login }: Expected, accepted: boolean): void {
    const { conversation } = this;
    conversation.forget();
    conversation.status = 'I';
    if (login === undefined || !accepted) return;
    conversation.begin({ ...conversation.info, user: login.user, database: login.database });
    if (login.collation !== undefined) conversation.useCollation(login.collation);
  }

  private finish(head: Expected): void {
    const { conversation } = this;
    const { tracker } = conversation;
    conversation.expected.shift();
    this.current = undefined;
    this.definition = undefined;
    const flags = tracker.statusSent ? tracker.status : undefined;
    const { execution, request } = head;
    if (request !== undefined) {
      request.flags = flags;
      return conversation.run?.answered(request);
    }
    if (head.verb === 'skip') return;
    if (execution !== undefined) {
      if (tracker.cursor) execution.captured.cut = 'suspended';
      conversation.executed(execution.statement, execution.outcome(), flags);
      conversation.run?.originalAnswered(execution);
    } else {
      if (head.resets === true) this.reset(head, flags !== undefined);
      if (flags === undefined) return;
      // The app's time goes on where it was: a PREPARE or a PING is no statement, and it has held its ids all the while.
      conversation.guarded(undefined, () => conversation.memory.arriving(conversation.now));
      conversation.statusFlags(flags);
    }
  }
}

/** A LOAD DATA LOCAL anywhere in the text, behind comments and other statements too, or EXECUTE, which may run one. */
const loadsLocalFile = /\bload\b[^]*\blocal\b|\bexecute\b/i;

/** protocol.md, MySQL 13. A statement that was not looked at may be anything. */
function mayAskForFile({ execution, verb }: Expected): boolean {
  if (execution === undefined || verb !== 'forward') return false;
  const { text } = execution.statement;
  return text.length === 0 || loadsLocalFile.test(text.toString('latin1'));
}

/** Answers to a command behind which the server closes. */
const farewells = new Set<number>([errno.serverShutdown, errno.connectionKilled]);

/** Rows of a plan's own query that are kept: a primary key, a SHOW CREATE TABLE. */
const mostRowsOfOurs = 1_000;

function describePrepared(prepared: PreparedStatement, definition: Definition, column: ResultColumn): void {
  prepared.definition = definition;
  prepared.firstColumn = column;
}

function resultColumn({ schema, orgTable, orgName, name, type, collation }: Definition): ResultColumn {
  return {
    name,
    tableId: 0,
    attribute: 0,
    type,
    format: 0,
    ...(orgTable !== '' && { origin: { schema, table: orgTable, column: orgName, collation } }),
  };
}

/** The key's name is the last quoted word of the message, in every language seen (races.md 5); values are never read. */
function statementError({
  errno: number,
  sqlstate,
  message,
}: {
  errno: number;
  sqlstate: string;
  message: string;
}): StatementError {
  const error: StatementError = { code: sqlstate, errno: number };
  if (number !== errno.duplicateEntry && number !== errno.duplicateEntryWithKeyName) return error;
  const key = /'([^']*)'[^']*$/.exec(message)?.[1];
  if (key === undefined) return error;
  // MySQL writes table.key, MariaDB the key alone.
  const dot = key.lastIndexOf('.');
  return { ...error, constraint: key.slice(dot + 1), ...(dot > 0 && { table: key.slice(0, dot) }) };
}
