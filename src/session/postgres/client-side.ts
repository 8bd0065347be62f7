/**
 * The client's messages after start-up: steps 3 to 8 of the flow. Every message is forwarded, held for a plan, or (after
 * an error that a plan passed on) dropped as the server would have dropped it.
 */
import type { Finding } from '../../patterns/types.ts';
import type { Statement } from '../../memory/types.ts';
import {
  readBindNames,
  readClose,
  readDescribe,
  readExecute,
  readParse,
  readQuery,
} from '../../wire/postgres/client-messages.ts';
import { client } from '../../wire/postgres/codes.ts';
import { ProtocolViolation } from '../../wire/violation.ts';
import { unanswered } from './conversation.ts';
import type { Conversation } from './conversation.ts';
import { arrive, decide, mayComplete, refuse, report } from '../decide.ts';
import { Execution } from './execution.ts';
import { forwarded, plain } from './expected.ts';
import { PlanRun } from './plan-run.ts';
import { Portal, Prepared } from './prepared.ts';
import { SentStatement, StatementText, unseenText } from '../statement.ts';

/** A Bind whose execution would be rewritten, kept until its Execute comes: only then is it certain to run next. */
interface HeldBind {
  bind: Buffer;
  describe: Buffer | undefined;
  name: string;
  portal: Portal;
  statement: Statement;
  finding: Finding;
}

export class ClientSide {
  private readonly conversation: Conversation;
  private held: HeldBind | undefined;

  constructor(conversation: Conversation) {
    this.conversation = conversation;
  }

  /** One whole message buf[start, end). */
  message(type: number, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    if (conversation.dropToSync && type !== client.terminate) {
      if (type !== client.sync) {
        // The server would have skipped it; it is counted as if it had been sent there.
        if (type === client.query || type === client.execute) this.count('forwarded');
        return;
      }
      conversation.dropToSync = false;
    }
    try {
      if (this.held !== undefined && this.continueHeld(this.held, type, buf, start, end)) return;
      this.dispatch(type, buf, start, end);
    } catch (error) {
      // Well framed but malformed inside: the server answers with an error of its own, as it would directly. And a defect
      // of ours: every message is forwarded last of all, so this one has not been.
      if (!(error instanceof ProtocolViolation)) conversation.contain(error);
      if (this.held !== undefined) this.release(this.held);
      this.unread(type, buf, start, end);
    }
  }

  private dispatch(type: number, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    switch (type) {
      case client.query:
        return this.query(buf, start, end);
      case client.parse:
        return this.parse(buf, start, end);
      case client.bind:
        return this.bind(buf, start, end);
      case client.describe:
        return this.describe(buf, start, end);
      case client.execute:
        return this.execute(buf, start, end);
      case client.close:
        return this.close(buf, start, end);
      case client.sync:
        return this.sync(buf, start, end);
      case client.functionCall:
        return this.functionCall(buf, start, end);
      default:
        if (type === client.terminate) conversation.parted = true;
        if (type === client.copyDone || type === client.copyFail) return this.copyEnd(buf, start, end);
        conversation.forward(buf, start, end);
        if (!unanswered(type)) conversation.goRaw('unknown-message');
    }
  }

  /** The first bytes of a message that is too long to be looked at; its further pieces follow unseen. */
  longMessage(type: number, buf: Buffer, start: number, end: number): void {
    if (this.conversation.dropToSync) return;
    if (this.held !== undefined) this.release(this.held);
    this.unread(type, buf, start, end);
  }

  morePieces(buf: Buffer, start: number, end: number): void {
    if (!this.conversation.dropToSync) this.conversation.output.toServer(buf, start, end);
  }

  /** For a switch to raw relay: what has not been forwarded. */
  takeHeld(): Buffer {
    const { held } = this;
    this.held = undefined;
    return held === undefined
      ? Buffer.alloc(0)
      : Buffer.concat([held.bind, held.describe ?? Buffer.alloc(0)]);
  }

  /** Forwards a message whose content is not known. */
  private unread(type: number, buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    if (type === client.query || type === client.execute) {
      const execution = new Execution(new SentStatement(unseenText, 'simple'));
      this.count('forwarded');
      conversation.forward(
        buf,
        start,
        end,
        forwarded(type === client.query ? 'query' : 'execute', execution),
      );
    } else if (type === client.parse) {
      // Its name may be anywhere in what has not arrived: what was known under it must not be believed.
      conversation.prepared.clear();
      conversation.forward(buf, start, end, plain.parse);
    } else if (type === client.bind) {
      conversation.portals.clear();
      conversation.forward(buf, start, end, plain.bind);
    } else if (type === client.describe || type === client.close) {
      conversation.forward(buf, start, end, type === client.close ? plain.close : plain.describe);
    } else if (type === client.functionCall) {
      this.functionCall(buf, start, end);
    } else {
      conversation.forward(buf, start, end);
    }
  }

  /** A call by OID (large objects, mostly): no statement, but it may have written anything. */
  private functionCall(buf: Buffer, start: number, end: number): void {
    const execution = new Execution(new SentStatement(unseenText, 'simple'));
    this.conversation.forward(buf, start, end, forwarded('call', execution));
  }

  private copyEnd(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    conversation.forward(buf, start, end, conversation.copyIn ? undefined : plain.copyEnd);
    conversation.copyIn = false;
  }

  private count(outcome: 'forwarded' | 'refused'): void {
    this.conversation.counters[outcome] += 1;
  }

  private query(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    if (!conversation.rules.active || conversation.serverSkips) {
      this.count('forwarded');
      const execution = new Execution(new SentStatement(unseenText, 'simple'));
      return conversation.forward(buf, start, end, forwarded('query', execution));
    }
    const text = new StatementText(buf, conversation.settings, readQuery(buf, start, end), end - 1);
    const statement = new SentStatement(text, 'simple');
    const decision = decide(conversation, statement);
    if (decision?.kind === 'run') {
      const message = Buffer.from(buf.subarray(start, end));
      return new PlanRun(conversation, decision.finding, { via: 'simple', statement, message }).start();
    }
    report(conversation, statement, decision);
    conversation.forward(buf, start, end, forwarded('query', new Execution(statement)));
  }

  private parse(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    if (!conversation.rules.active) return conversation.forward(buf, start, end, plain.parse);
    const { name, text, types } = readParse(buf, start, end);
    const prepared = new Prepared(new StatementText(text, conversation.settings), types, name !== '');
    const undo = conversation.prepared.set(name, prepared);
    conversation.forward(buf, start, end, forwarded('parse', undefined, undo));
  }

  private bind(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    if (!conversation.rules.active || conversation.serverSkips)
      return conversation.forward(buf, start, end, plain.bind);
    const { portal: name, statement: of } = readBindNames(buf, start, end);
    const prepared = conversation.prepared.get(of) ?? new Prepared(unseenText, []);
    const portal = new Portal(prepared, buf.toString('latin1', start, end));
    if (mayComplete(conversation, prepared.source)) {
      void portal.bind; // read now: a malformed one is the server's to answer
      const statement = new SentStatement(prepared.source, 'extended', portal);
      const decision = decide(conversation, statement);
      if (decision?.kind === 'run') {
        this.held = {
          bind: Buffer.from(buf.subarray(start, end)),
          describe: undefined,
          name,
          portal,
          statement,
          finding: decision.finding,
        };
        return;
      }
      portal.decided = { statement, decision };
    }
    const undo = conversation.portals.set(name, portal);
    conversation.forward(buf, start, end, forwarded('bind', undefined, undo));
  }

  private describe(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const { target, name } = readDescribe(buf, start, end);
    const describes = target === 'S' ? conversation.prepared.get(name) : conversation.portals.get(name);
    const entry =
      describes === undefined ? plain.describe : forwarded('describe', undefined, undefined, describes);
    conversation.forward(buf, start, end, entry);
  }

  private execute(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const { portal: name } = readExecute(buf, start, end);
    const portal = conversation.portals.get(name);
    const decided = portal?.decided;
    const source = portal?.prepared.source ?? unseenText;
    const statement = decided?.statement ?? new SentStatement(source, 'extended', portal);
    if (decided === undefined && conversation.rules.active && !conversation.serverSkips) arrive(conversation);
    report(conversation, statement, decided?.decision);
    if (portal !== undefined) portal.decided = undefined;
    const execution = new Execution(statement, portal);
    if (portal !== undefined) {
      if (portal.started) execution.captured.cut = 'suspended';
      portal.started = true;
    }
    conversation.forward(buf, start, end, forwarded('execute', execution));
  }

  private close(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const { target, name } = readClose(buf, start, end);
    const undo = (target === 'S' ? conversation.prepared : conversation.portals).set(name, undefined);
    conversation.forward(buf, start, end, forwarded('close', undefined, undo));
  }

  private sync(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    conversation.serverSkips = false;
    // While the server reads COPY data it ignores Sync.
    conversation.forward(buf, start, end, conversation.copyIn ? undefined : plain.sync);
  }

  /** @returns true when the message was taken */
  private continueHeld(held: HeldBind, type: number, buf: Buffer, start: number, end: number): boolean {
    const { conversation } = this;
    if (type === client.describe && held.describe === undefined) {
      const { target, name } = readDescribe(buf, start, end);
      if (target === 'P' && name === held.name) {
        held.describe = Buffer.from(buf.subarray(start, end));
        return true;
      }
    }
    if (type === client.execute && conversation.rules.active) {
      const { portal, maxRows } = readExecute(buf, start, end);
      if (portal === held.name) {
        this.held = undefined;
        const execute = Buffer.from(buf.subarray(start, end));
        const { statement, bind, describe, name } = held;
        const original = {
          via: 'extended',
          statement,
          bind,
          describe,
          execute,
          name,
          maxRows,
          portal: held.portal,
        } as const;
        new PlanRun(conversation, held.finding, original).start();
        return true;
      }
    }
    this.release(held);
    return false;
  }

  /** Something else than the Execute followed: the Bind goes out as it came, and its execution is refused. */
  private release(held: HeldBind): void {
    const { conversation } = this;
    this.held = undefined;
    conversation.options.shared.breaker.undecided(held.finding.rule.id);
    held.portal.decided = { statement: held.statement, decision: refuse(held.finding, 'pipeline') };
    const undo = conversation.portals.set(held.name, held.portal);
    conversation.forward(held.bind, 0, held.bind.length, forwarded('bind', undefined, undo));
    if (held.describe === undefined) return;
    const entry = forwarded('describe', undefined, undefined, held.portal);
    conversation.forward(held.describe, 0, held.describe.length, entry);
  }
}
