/**
 * The client's packets after log-in: steps 3 to 8 of the flow. A packet with sequence id 0 begins a command; any other
 * belongs to the one before (an authentication exchange) and passes, and so does everything up to an empty packet while
 * the client sends a file: with more than 255 packets its ids come round to 0.
 */
import {
  lastPrepared,
  readLongData,
  readPrepare,
  readQuery,
  readStatementId,
} from '../../wire/mysql/client-commands.ts';
import { command, replyShape } from '../../wire/mysql/commands.ts';
import { executeFlag, withStatementId } from '../../wire/mysql/execute.ts';
import { readChangeUser } from '../../wire/mysql/handshake-response.ts';
import { emptyPayload } from '../../wire/mysql/framer.ts';
import type { Framer } from '../../wire/mysql/framer.ts';
import { ProtocolViolation } from '../../wire/violation.ts';
import { arrive, decide, mayComplete, report } from '../decide.ts';
import type { Decision } from '../decide.ts';
import { SentStatement, StatementText, unseenText } from '../statement.ts';
import { bind } from './binding.ts';
import type { Bound } from './binding.ts';
import type { MysqlConversation } from './conversation.ts';
import { MysqlExecution } from './execution.ts';
import type { Expected } from './expected.ts';
import { MysqlRun } from './plan-run.ts';
import { Prepared } from './prepared.ts';

/** COM_INIT_DB is this statement; which database does not matter. */
const useDatabase = Buffer.from('USE other');

/** Header, command byte and the statement's id: the first piece of a long message may hold less. */
const idEnd = 9;

/** Commands with a statement's id. */
const namesStatement = new Set<number>([
  command.stmtExecute,
  command.stmtBulkExecute,
  command.stmtSendLongData,
  command.stmtClose,
  command.stmtReset,
  command.stmtFetch,
]);

export class MysqlClientSide {
  private readonly conversation: MysqlConversation;

  constructor(conversation: MysqlConversation) {
    this.conversation = conversation;
  }

  /** One whole message. */
  message(framer: Framer): void {
    const { type, buf, start, end, sequence } = framer;
    const { conversation } = this;
    if (sequence !== 0 && !conversation.authentication.over)
      return conversation.authentication.fromClient(framer);
    if (sequence !== 0 || conversation.fileDue) {
      if (type === emptyPayload) {
        conversation.fileDue = false;
        // The reply goes on from it.
        conversation.sequences.server = sequence;
      }
      return conversation.output.toServer(buf, start, end);
    }
    try {
      const named = this.named(type, buf, start, end);
      if (named === undefined) this.dispatch(type, buf, start, end);
      else this.dispatch(type, named, 0, named.length);
    } catch (error) {
      // Well framed but malformed inside: the server answers with an error of its own, as it would directly. And a defect
      // of ours: every packet is forwarded last of all, so this one has not been.
      if (!(error instanceof ProtocolViolation)) {
        if (type === command.changeUser) throw error;
        conversation.contain(error);
      }
      this.unread(type, buf, start, end);
    }
  }

  /** The first bytes of a message that is too long to be looked at. */
  longMessage({ type, buf, start, end, sequence }: Framer): void {
    if (sequence !== 0 || this.conversation.fileDue) this.conversation.output.toServer(buf, start, end);
    else {
      const { prepared } = this.conversation;
      const id = end - start < idEnd ? undefined : buf.readUInt32LE(start + idEnd - 4);
      if (type === command.stmtSendLongData) prepared.longDataUnseen(id);
      else if (type === command.stmtExecute) prepared.executedUnseen(id);
      const named = this.named(type, buf, start, end);
      if (named === undefined) this.unread(type, buf, start, end);
      else this.unread(type, named, 0, named.length);
    }
  }

  /** "The statement prepared last" (MariaDB) as the client means it, when a plan has prepared one of its own since. */
  private named(type: number, buf: Buffer, start: number, end: number): Buffer | undefined {
    const { lastIsOurs, prepared } = this.conversation;
    if (!lastIsOurs || !namesStatement.has(type) || end - start < idEnd) return undefined;
    if (buf.readUInt32LE(start + idEnd - 4) !== lastPrepared) return undefined;
    const id = prepared.get(lastPrepared)?.id;
    return id === undefined ? undefined : withStatementId(buf, start, end, id);
  }

  private dispatch(type: number, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    switch (type) {
      case command.query:
        return this.query(buf, start, end);
      case command.stmtPrepare:
        return this.prepare(buf, start, end);
      case command.stmtExecute:
        return this.execute(buf, start, end);
      case command.changeUser:
        return this.changeUser(buf, start, end);
      case command.stmtClose:
        conversation.cursorOpen = false;
        conversation.prepared.close(readStatementId(buf, start, end));
        return conversation.output.toServer(buf, start, end);
      case command.stmtSendLongData: {
        const { statementId, parameter } = readLongData(buf, start, end);
        conversation.prepared.get(statementId)?.longData.add(parameter);
        return conversation.output.toServer(buf, start, end);
      }
      case command.stmtReset:
        conversation.cursorOpen = false;
        conversation.prepared.get(readStatementId(buf, start, end))?.longData.clear();
        return this.unread(type, buf, start, end);
      default:
        return this.unread(type, buf, start, end);
    }
  }

  private query(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    if (!conversation.rules.active) return this.unread(command.query, buf, start, end);
    const { text: sql } = readQuery(buf, start, end, conversation.capabilities.flags);
    const text = new StatementText(sql, conversation.settings);
    const statement = new SentStatement(text, 'simple');
    const decision = decide(conversation, statement);
    if (decision?.kind === 'run') {
      const packet = Buffer.from(buf.subarray(start, end));
      return new MysqlRun(conversation, decision.finding, { statement, packet }).start();
    }
    report(conversation, statement, decision);
    const execution = new MysqlExecution(statement);
    conversation.forward(buf, start, end, { shape: 'result', verb: 'forward', execution });
  }

  private prepare(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const sql = readPrepare(buf, start, end);
    const prepares = new Prepared(
      conversation.rules.active ? new StatementText(sql, conversation.settings) : unseenText,
      conversation.databases,
    );
    conversation.prepared.sent(prepares);
    conversation.lastIsOurs = false;
    conversation.forward(buf, start, end, { shape: 'prepare', verb: 'forward', prepares });
  }

  private execute(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const prepared = conversation.prepared.get(readStatementId(buf, start, end));
    if (!conversation.rules.active || prepared === undefined)
      return this.unread(command.stmtExecute, buf, start, end, prepared);
    const bound = this.bind(buf, start, end, prepared);
    if (bound === undefined) {
      prepared.executedUnseen();
      return this.unread(command.stmtExecute, buf, start, end, prepared);
    }
    const statement = new SentStatement(prepared.source, 'extended', bound);
    const cursor = (bound.execute.flags & executeFlag.cursor) !== 0;
    const decision = this.decide(statement, prepared, cursor);
    if (decision?.kind === 'run') {
      const packet = Buffer.from(buf.subarray(start, end));
      return new MysqlRun(conversation, decision.finding, { statement, packet, prepared }).start();
    }
    report(conversation, statement, decision);
    const execution = new MysqlExecution(statement, prepared);
    if (cursor) execution.captured.cut = 'suspended';
    conversation.forward(buf, start, end, { shape: 'binary-result', verb: 'forward', execution });
  }

  private decide(statement: SentStatement, prepared: Prepared, cursor: boolean): Decision {
    const { conversation } = this;
    // With a cursor the rows come one by one later on: nothing can be held or compared.
    if (cursor || !mayComplete(conversation, prepared.source)) {
      arrive(conversation);
      return undefined;
    }
    return decide(conversation, statement);
  }

  /** Undefined: the number of parameters is not known yet (MariaDB's pipelined execution), or it is not readable. */
  private bind(buf: Buffer, start: number, end: number, prepared: Prepared): Bound | undefined {
    const parameters = prepared.parameters ?? placeholders(prepared);
    if (parameters === undefined || prepared.longDataUnseen) return undefined;
    // Its text does not mean now what it meant then: it would be read, and rewritten, as if it did.
    if (prepared.databases !== this.conversation.databases) return undefined;
    return bind(
      Buffer.from(buf.subarray(start, end)),
      prepared,
      parameters,
      this.conversation.capabilities.flags,
    );
  }

  /** Forwards a command whose content is not known or does not matter. */
  private unread(
    type: number,
    buf: Buffer,
    start: number,
    end: number,
    prepared?: Prepared,
    login?: Expected['login'],
  ): void {
    const { conversation } = this;
    const shape = replyShape(type) ?? 'ok';
    if (type === command.quit) conversation.parted = true;
    if (type === command.stmtPrepare) conversation.lastIsOurs = false;
    if (shape === 'none') return conversation.output.toServer(buf, start, end);
    if (shape === 'raw') {
      conversation.output.toServer(buf, start, end);
      return conversation.goRaw('replication');
    }
    const entry: Expected = { shape, verb: 'forward' };
    if (type === command.query || type === command.stmtExecute || type === command.stmtBulkExecute) {
      conversation.counters.forwarded += 1;
      entry.execution = new MysqlExecution(new SentStatement(unseenText, 'simple'), prepared);
    }
    if (type === command.initDb && conversation.rules.active) {
      const text = new StatementText(useDatabase, conversation.settings);
      entry.execution = new MysqlExecution(new SentStatement(text, 'simple'));
    }
    if (type === command.changeUser || type === command.resetConnection) entry.resets = true;
    if (login !== undefined) entry.login = login;
    conversation.forward(buf, start, end, entry);
  }

  /** Rules are chosen by user and database: from here on by the new ones. */
  private changeUser(buf: Buffer, start: number, end: number): void {
    const { flags } = this.conversation.capabilities;
    const login = readChangeUser(buf, start, end, flags);
    const { user, database, collation, plugin } = login;
    const packet = this.conversation.authentication.mayLeave(buf, start, end, login);
    if (packet === undefined) return;
    const entry = { user, database, collation, plugin };
    this.unread(command.changeUser, packet, 0, packet.length, undefined, entry);
  }
}

/** While the answer to the prepare is due, the text itself tells how many parameters it has. */
function placeholders(prepared: Prepared): number | undefined {
  const { parameters } = prepared.source.head;
  return prepared.source === unseenText ? undefined : parameters;
}
