/**
 * The server's messages: step 10 of the flow. Each belongs to the oldest reply that is due; the entry says whether the
 * client gets it. What was learnt (rows, tags, errors, status) goes to the memory.
 */
import { withoutChannelBinding } from '../../wire/postgres/authentication.ts';
import { headerBytes, server } from '../../wire/postgres/codes.ts';
import {
  readCommandComplete,
  readError,
  readFieldCount,
  readFirstValue,
  readParameterStatus,
  readReadyStatus,
  readRowDescription,
} from '../../wire/postgres/server-messages.ts';
import type { ServerError } from '../../wire/postgres/server-messages.ts';
import type { StatementError } from '../../memory/types.ts';
import type { Conversation } from './conversation.ts';
import type { Execution } from './execution.ts';
import type { Expected, ExpectedKind } from './expected.ts';

/** What a message without content of interest answers, and whether it is the whole answer. */
const simpleReplies: Record<number, { kind: ExpectedKind; last: boolean } | undefined> = {
  [server.parseComplete]: { kind: 'parse', last: true },
  [server.bindComplete]: { kind: 'bind', last: true },
  [server.closeComplete]: { kind: 'close', last: true },
  [server.parameterDescription]: { kind: 'describe', last: false },
  [server.noData]: { kind: 'describe', last: true },
  [server.functionCallResponse]: { kind: 'call', last: false },
};

/** Tags of most replies: nothing but rows has changed. */
const dml = /^(?:SELECT|INSERT|UPDATE|DELETE) /;

export class ServerSide {
  private readonly conversation: Conversation;

  constructor(conversation: Conversation) {
    this.conversation = conversation;
  }

  /** A row or other long message may pass in pieces: nobody wants its content. */
  mayStream(type: number): boolean {
    if (type === server.copyData || type === server.functionCallResponse) return true;
    if (type !== server.dataRow) return false;
    const head = this.conversation.replies.peek();
    if (head === undefined || head.verb !== 'forward') return false;
    return head.execution === undefined || !this.wantsValues(head.execution);
  }

  /** A row that passes in pieces. Called once a row, with its first piece. */
  streamedRow(): void {
    const execution = this.conversation.replies.peek()?.execution;
    if (execution !== undefined) execution.rows += 1;
  }

  /** One whole message buf[start, end). */
  message(type: number, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const head = conversation.replies.peek();
    switch (type) {
      case server.dataRow:
        return this.row(head, buf, start, end);
      case server.commandComplete:
      case server.emptyQueryResponse:
      case server.portalSuspended:
        return this.complete(head, type, buf, start, end);
      case server.readyForQuery:
        return this.ready(head, buf, start, end);
      case server.error:
        return this.error(head, buf, start, end);
      case server.rowDescription:
        return this.rowDescription(head, buf, start, end);
      case server.authentication:
        return this.authentication(buf, start, end);
      case server.parameterStatus: {
        const { name, value } = readParameterStatus(buf, start, end);
        conversation.parameterStatus(name, value);
        return conversation.output.toClient(buf, start, end);
      }
      case server.backendKeyData:
        conversation.cancelKey(buf.toString('latin1', start + headerBytes, end));
        return conversation.output.toClient(buf, start, end);
      case server.notice:
        // A notice of a plan's own statement is not the client's; one of the edited statement comes with its reply.
        if (head === undefined || head.verb === 'forward') conversation.output.toClient(buf, start, end);
        else if (head.verb === 'hold') head.command?.keep(buf, start, end);
        return;
      case server.copyInResponse:
        conversation.copyIn = !conversation.replies.copyInBegan();
        return conversation.output.toClient(buf, start, end);
      case server.copyBothResponse:
        conversation.output.toClient(buf, start, end);
        return conversation.goRaw('copy-both');
      default:
        return this.other(head, type, buf, start, end);
    }
  }

  /** Channel binding can only be offered to a client that has TLS (protocol.md, PostgreSQL 7). */
  private authentication(buf: Buffer, start: number, end: number): void {
    const { output, encrypted } = this.conversation;
    const strip = encrypted.server && !encrypted.client;
    const stripped = strip ? withoutChannelBinding(buf, start, end) : undefined;
    if (stripped === undefined) output.toClient(buf, start, end);
    else output.toClient(stripped);
  }

  private other(head: Expected | undefined, type: number, buf: Buffer, start: number, end: number): void {
    const expected = simpleReplies[type];
    if (expected === undefined) return this.conversation.output.toClient(buf, start, end);
    if (head?.kind !== expected.kind) return this.unexpected(type, buf, start, end);
    if (expected.last) this.conversation.replies.shift();
    this.pass(head, buf, start, end);
  }

  private pass(head: Expected, buf: Buffer, start: number, end: number): void {
    if (head.verb === 'forward') this.conversation.output.toClient(buf, start, end);
    else if (head.verb === 'hold') head.command?.keep(buf, start, end);
  }

  private unexpected(type: number, buf: Buffer, start: number, end: number): void {
    if (!this.conversation.owed) this.conversation.output.toClient(buf, start, end);
    this.conversation.outOfSync(`unexpected message '${String.fromCharCode(type)}'`);
  }

  private rowDescription(head: Expected | undefined, buf: Buffer, start: number, end: number): void {
    if (head?.kind === 'describe') {
      this.conversation.replies.shift();
      const { describes } = head;
      if (describes !== undefined && (this.inTransaction || describes.lasts))
        describes.describedAs(readRowDescription(buf, start, end, 1));
    } else if (head?.kind === 'query') {
      const { execution } = head;
      if (execution !== undefined && this.inTransaction)
        execution.described = readRowDescription(buf, start, end, 1);
    } else return this.unexpected(server.rowDescription, buf, start, end);
    this.pass(head, buf, start, end);
  }

  /** Else a read is only counted: its columns need not be known. Everything in front of the reply has been answered. */
  private get inTransaction(): boolean {
    const { rules, memory } = this.conversation;
    return rules.active && memory.status !== 'I';
  }

  private row(head: Expected | undefined, buf: Buffer, start: number, end: number): void {
    if (head?.kind !== 'query' && head?.kind !== 'execute')
      return this.unexpected(server.dataRow, buf, start, end);
    const { command, execution } = head;
    if (command !== undefined) {
      command.rows += 1;
      if (head.verb === 'skip') command.value = readFirstValue(buf, start, end);
    } else if (execution !== undefined) {
      execution.rows += 1;
      const { captured } = execution;
      // Most reads are told apart without their shape.
      if (captured.undecided && !(this.inTransaction && readFieldCount(buf, start, end) === 1))
        captured.decide(false);
      if (this.wantsValues(execution)) this.capture(execution, buf, start, end);
    }
    this.pass(head, buf, start, end);
  }

  private wantsValues(execution: Execution): boolean {
    const { captured, statement } = execution;
    if (captured.undecided) captured.decide(this.conversation.wantsRows(statement));
    return captured.wanted;
  }

  private capture({ captured }: Execution, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const { rememberedIds } = conversation.options.limits;
    if (readFieldCount(buf, start, end) !== 1) captured.giveUp();
    else if (!captured.keep(rememberedIds, () => readFirstValue(buf, start, end)))
      conversation.reached('remembered_ids');
  }

  private complete(head: Expected | undefined, type: number, buf: Buffer, start: number, end: number): void {
    if (head?.kind !== 'query' && head?.kind !== 'execute') return this.unexpected(type, buf, start, end);
    const tag = type === server.commandComplete ? readCommandComplete(buf, start, end) : '';
    this.conversation.copyIn = false;
    const { command, execution } = head;
    if (command !== undefined) command.tag = tag;
    if (execution !== undefined) {
      if (tag !== '') execution.tag = tag;
      if (type === server.portalSuspended) execution.captured.cut = 'suspended';
      if (!dml.test(tag)) this.followTag(tag, execution);
    }
    if (head.kind === 'execute') {
      this.conversation.replies.shift();
      if (execution !== undefined) this.conversation.executed(execution);
    }
    this.pass(head, buf, start, end);
  }

  private followTag(tag: string, execution: Execution): void {
    if (tag === 'COMMIT') this.conversation.releaseGuards();
    else if (tag === 'ROLLBACK') this.rolledBack(execution);
    // SQL PREPARE shares its names with Parse, and the tag does not say which one now means something else.
    else if (tag === 'PREPARE') this.conversation.prepared.clear();
    else if (/^(CREATE|ALTER|DROP|DISCARD) /.test(tag)) this.conversation.options.shared.facts.forget();
  }

  /** ROLLBACK TO has the same tag. */
  private rolledBack({ statement }: Execution): void {
    const { conversation } = this;
    if (conversation.guards.length === 0) return;
    const kind = conversation.guarded(statement, () => statement.shape.kind);
    if (kind === 'rollback-to') conversation.leaveLines();
    else conversation.releaseGuards();
  }

  private error(head: Expected | undefined, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const error = readError(buf, start, end);
    conversation.copyIn = false;
    const fatal = error.severity === 'FATAL' || error.severity === 'PANIC';
    conversation.parted ||= fatal;
    if (head?.kind === 'startup') conversation.refusedLogIn(error.code);
    if (head === undefined || head.kind === 'startup') return conversation.output.toClient(buf, start, end);
    const { command, execution } = head;
    if (head.verb === 'forward' || fatal) conversation.output.toClient(buf, start, end);
    if (conversation.run !== undefined)
      conversation.run.failed(statementError(error), Buffer.from(buf.subarray(start, end)), command);
    if (execution !== undefined) execution.error = statementError(error);
    if (head.kind === 'query' || head.kind === 'call') return;
    if (!conversation.replies.dropToSync()) conversation.serverSkips = true;
    if (execution !== undefined) conversation.executed(execution);
  }

  private ready(head: Expected | undefined, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const status = readReadyStatus(buf, start, end);
    const kind = head?.kind;
    if (head === undefined || (kind !== 'sync' && kind !== 'query' && kind !== 'call' && kind !== 'startup'))
      return this.unexpected(server.readyForQuery, buf, start, end);
    conversation.replies.shift();
    if (head.verb === 'skip') {
      conversation.status = status;
      return conversation.run?.batchEnded(Buffer.from(buf.subarray(start, end)), status);
    }
    conversation.output.toClient(buf, start, end);
    if (kind === 'startup') conversation.loggedIn();
    if (kind !== 'sync' && head.execution !== undefined) conversation.executed(head.execution);
    conversation.readyForQuery(status);
    // No other query can be due while a run waits: it began when none was.
    if (kind === 'query') conversation.run?.batchEnded(Buffer.from(buf.subarray(start, end)), status);
  }
}

function statementError(error: ServerError): StatementError {
  const { code, schema, table, constraint } = error;
  return {
    code,
    ...(schema === undefined ? {} : { schema }),
    ...(table === undefined ? {} : { table }),
    ...(constraint === undefined ? {} : { constraint }),
  };
}
