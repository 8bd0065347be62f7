/** Runs one plan on PostgreSQL: facts, guard, then the edited statement under a savepoint, and the way back. */
import type { Facts } from '../../facts/types.ts';
import { factsQuery, readFacts } from '../../facts/postgres.ts';
import type { Statement, StatementError } from '../../memory/types.ts';
import type { Reason } from '../../patterns/reasons.ts';
import type { Rule } from '../../patterns/rule.ts';
import type { Finding, Plan } from '../../patterns/types.ts';
import { readBefore, readHashes, splitEvidence, updateEvidence } from '../../patterns/evidence.ts';
import type { ReadLook, WriteLook } from '../../patterns/evidence.ts';
import { writeClose, writeSync } from '../../wire/postgres/writers.ts';
import { Run } from '../run.ts';
import type { Wait } from '../run.ts';
import { Command, encodeBatch, savepoint } from './batch.ts';
import type { BatchResult } from './batch.ts';
import type { Conversation } from './conversation.ts';
import { Execution } from './execution.ts';
import { forwarded } from './expected.ts';
import { noAnswer } from '../looks.ts';
import { lookBehind, lookInFront } from './looks.ts';
import type { Answer } from './looks.ts';
import { readState, sessionState, stateQuery, takeGuard } from './guard.ts';
import type { Change, Portal } from './prepared.ts';

/** The client's messages that the plan stands in for. */
export type Original =
  | { via: 'simple'; statement: Statement; message: Buffer }
  | {
      via: 'extended';
      statement: Statement;
      bind: Buffer;
      describe: Buffer | undefined;
      execute: Buffer;
      /** Name of the portal. */
      name: string;
      maxRows: number;
      portal: Portal;
    };

export type Steps<T> = Generator<Wait<Command[]>, T, BatchResult | undefined>;

const mostRounds = 3;

export class PlanRun extends Run<Conversation, Command[], BatchResult> {
  private readonly original: Original;
  /** Milliseconds that a look may take; 0: none is on its way. */
  lookBudget = 0;
  private error: BatchResult['error'];
  /** Of the original, where the run waits for its reply. */
  private execution: Execution | undefined;
  /** SQLSTATE of the error that it ended in. */
  private failure = '';
  /** The client has the reply to its statement, and a look is on its way behind it. */
  private answered = false;
  /** When the batch went out that is being answered. */
  private sentAt = 0;

  constructor(conversation: Conversation, finding: Finding, original: Original) {
    super(conversation, finding, original.statement);
    this.original = original;
  }

  /** What the client wants cancelled has ended, and a look must not be hit in its place. */
  override cancel(): boolean {
    return this.answered || super.cancel();
  }

  /** One of the messages that are out failed. `command` is undefined for the client's own Parse in front of the plan. */
  failed(error: StatementError, bytes: Buffer, command: Command | undefined): void {
    const { now, statementTimeout } = this.state;
    const times = [statementTimeout, this.lookBudget].filter((time) => time > 0);
    const timedOut = times.length > 0 && now - this.sentAt >= Math.min(...times);
    this.error ??= { error, bytes, clients: command === undefined, timedOut };
  }

  batchEnded(ready: Buffer, status: BatchResult['status']): void {
    const result: BatchResult = { ready, status, ...(this.error === undefined ? {} : { error: this.error }) };
    this.error = undefined;
    this.advance(result);
  }

  /**
   * Runs SQL of ours under a savepoint of its own.
   * @param undone rolled back in any case: settings of the transaction are then what they were
   * @returns the last command's value, or the error (rolled back)
   */
  *quietly(commands: Command[], undone = false): Steps<{ value: string | null } | { failed: BatchResult }> {
    const batch = [
      new Command(`SAVEPOINT ${savepoint}`),
      ...commands,
      ...(undone ? [new Command(`ROLLBACK TO SAVEPOINT ${savepoint}`)] : []),
      new Command(`RELEASE SAVEPOINT ${savepoint}`),
    ];
    const result = yield* this.send(batch);
    if (result.error === undefined) return { value: commands.at(-1)?.value ?? null };
    if (!this.mustPassOn(result)) yield* this.rollBack();
    return { failed: result };
  }

  /**
   * Cancelled by a user, shutting down, out of resources or broken: the original would meet the same, and may not be
   * tried. A statement_timeout is not among them, although it has the code of a cancel: what runs out of time is a
   * look-up of ours, or a wait for locks that a plain read does not take, and the original has a time of its own.
   */
  mustPassOn({ error }: BatchResult): boolean {
    if (error === undefined) return false;
    const { code } = error.error;
    return error.clients || (code === '57014' && !error.timedOut) || /^(57P|58|XX)/.test(code);
  }

  protected *sequence(): Steps<void> {
    const { writeLook } = this.finding;
    if (writeLook !== undefined) return yield* this.writtenBack(writeLook);
    // A second round only when the session's role or search path changed since its last plan.
    for (let round = 1; round <= mostRounds; round += 1) {
      const facts = yield* this.facts();
      if ('failed' in facts) return this.leave('catalog', facts.failed);
      if ('reason' in facts) return this.leave(facts.reason);
      const plan = this.finding.plan(facts.facts);
      if ('reason' in plan) return this.leave(plan.reason);
      const { mode, guardOnly } = plan.rule;
      const guard = mode === 'rewrite' || guardOnly === true ? plan.guard : undefined;
      const guarded = guard === undefined ? yield* sessionState(this) : yield* takeGuard(this, guard);
      if ('failed' in guarded) return this.leave('catalog', guarded.failed);
      if ('reason' in guarded) return this.leave(guarded.reason);
      if (mode === 'rewrite' || guard !== undefined)
        this.guard = {
          guard: guarded.guard,
          ...(guard === undefined ? {} : { guardWaitMs: guarded.waitedMs }),
        };
      if (this.state.environment !== facts.environment) continue;
      if (plan.edited === undefined) return this.sendGuarded();
      if (mode === 'rewrite') return yield* this.edited(plan);
      if (plan.rule.evidence !== true) return this.sendOriginal({ decision: 'observed' });
      return yield* plan.pattern === 'split-delete' ? this.observed(plan) : this.observedRead(plan);
    }
    this.leave('catalog');
  }

  private *facts(): Steps<
    { facts: Facts; environment: string } | { reason: Reason } | { failed: BatchResult }
  > {
    const { state: conversation } = this;
    const { options, info } = conversation;
    const cache = options.shared.facts;
    const key = (environment: string): string => [options.server, info.database, environment].join('\0');
    const { question } = this.finding;
    const cached = (): { facts: Facts; environment: string } | undefined => {
      const { environment, now } = conversation;
      const facts = environment === undefined ? undefined : cache.get(key(environment), question, now);
      return facts === undefined || environment === undefined ? undefined : { facts, environment };
    };
    const known = cached();
    if (known !== undefined) return known;
    // By itself, so that the time-out is known which the larger question may run into.
    const state = yield* this.quietly([new Command(stateQuery())]);
    if ('failed' in state) return state;
    const seen = readState(conversation, state.value);
    if ('reason' in seen) return seen;
    // Another session may have asked under the same role and search path.
    const others = cached();
    if (others !== undefined) return others;
    const answer = yield* this.quietly([new Command(factsQuery(question))]);
    if ('failed' in answer) return answer;
    const facts = readFacts(answer.value ?? '');
    const { environment } = conversation;
    if (facts === undefined || environment === undefined) return { reason: 'catalog' };
    cache.set(key(environment), question, facts, conversation.now);
    return { facts, environment };
  }

  /** The original, and a look on each side of it. */
  private *observed({ rule, looks }: Plan): Steps<void> {
    const asked = looks === undefined || 'reason' in looks ? looks : looks.before;
    const answer = yield* lookInFront(this, rule, asked);
    if ('failed' in answer) return this.passOn(answer.failed);
    const before = 'reason' in answer ? answer : (readBefore(answer.value) ?? noAnswer);
    if ('reason' in before) return this.withoutEvidence(before.reason);
    if (!(yield* this.relayed())) return this.end({ decision: 'observed', code: this.failure });
    const deleted = affectedRows(this.execution?.tag);
    const after = yield* this.remaining(looks, rule);
    this.evidence = splitEvidence(before, deleted, 'reason' in after ? undefined : after.value);
    this.end({ decision: 'observed', affected: deleted });
  }

  private *remaining(looks: Plan['looks'], rule: Rule): Steps<Answer | { reason: Reason }> {
    const asked = looks === undefined || 'reason' in looks ? looks : looks.after;
    const after = yield* lookBehind(this, rule, asked);
    return 'reason' in after || /^\d+$/.test(after.value) ? after : { reason: 'look-failed' };
  }

  /** The read, and behind it a look at the row that it found. */
  private *observedRead({ rule, readLook }: Plan): Steps<void> {
    if (readLook === undefined || 'reason' in readLook)
      return this.withoutEvidence(readLook?.reason ?? 'look-failed');
    if (!(yield* this.relayed())) return this.end({ decision: 'observed', code: this.failure });
    const { rows = 0, captured } = this.execution ?? {};
    if (captured?.cut !== 'suspended') yield* this.watch(rule, readLook, rows);
    this.end({ decision: 'observed', affected: rows });
  }

  /** Until the row that was read is written back. @param rows that were read */
  private *watch(rule: Rule, readLook: ReadLook, rows: number): Steps<void> {
    if (rows !== 1) return;
    const answer = yield* lookBehind(this, rule, readLook.look);
    if ('reason' in answer) this.evidence = answer;
    else this.state.watch(readLook, this.finding.table, answer.value);
  }

  /** The row that was read is written back. */
  private *writtenBack(asked: WriteLook): Steps<void> {
    const answer = yield* lookInFront(this, this.finding.rule, asked.look);
    if ('failed' in answer) return this.passOn(answer.failed);
    const now = 'reason' in answer ? undefined : readHashes(answer.value, asked.row.columns);
    if (now === undefined) return this.withoutEvidence('reason' in answer ? answer.reason : 'look-failed');
    if (yield* this.relayed()) this.evidence = updateEvidence(asked, now, affectedRows(this.execution?.tag));
    this.end({ decision: 'observed' });
  }

  private withoutEvidence(reason: Reason): void {
    this.evidence = { reason };
    this.sendOriginal({ decision: 'observed' });
  }

  /** The original. @returns false: it failed, and shows nothing */
  private *relayed(): Steps<boolean> {
    const result = yield* this.relayOriginal();
    this.answered = true;
    if (result?.error === undefined) return true;
    // As the server would have: what the client has sent up to its Sync is skipped.
    if (this.original.via === 'extended') this.state.dropToSync = true;
    this.evidence = { rows: {} };
    this.failure = result.error.error.code;
    return false;
  }

  private *edited(plan: Plan): Steps<void> {
    const { original } = this;
    const limit = this.state.options.limits.heldBytes;
    const hold =
      original.via === 'simple'
        ? { portal: undefined, describe: plan.reply === 'rows', resultFormats: [], maxRows: 0, limit }
        : {
            portal: original.name,
            describe: original.describe !== undefined,
            resultFormats: original.portal.bind.resultFormats,
            maxRows: original.maxRows,
            limit,
          };
    const command = new Command(plan.edited.text, plan.edited.parameters, hold);
    this.editing = true;
    this.sent = plan.edited.text;
    const result = yield* this.send([
      new Command(`SAVEPOINT ${savepoint}`),
      ...plan.before.map((text) => new Command(text)),
      command,
      ...plan.after.map((text) => new Command(text)),
      new Command(`RELEASE SAVEPOINT ${savepoint}`),
    ]);
    if (result.error !== undefined) return yield* this.failedPlan(result, command);
    if (!command.overflow) return yield* this.succeed(plan, command, result);
    this.state.reached('held_bytes');
    // The rows are locked and the savepoint is gone; only the reply was too long to be kept. The plain read gives it.
    if (hold.portal !== undefined) this.closePortal(hold.portal);
    this.sendOriginal({ decision: 'fell-back', reason: 'over-limit' });
  }

  /** The client's Bind is going to make it again, and a named portal is in its way. */
  private closePortal(name: string): void {
    this.state.output.toServer(writeClose('P', name));
    this.state.replies.push({ kind: 'close', verb: 'skip' });
  }

  private *failedPlan(result: BatchResult, command: Command): Steps<void> {
    if (this.mustPassOn(result)) return this.passOn(result, command);
    const undone = yield* this.rollBack();
    if (undone !== undefined) return this.passOn(undone);
    this.sendOriginal({ decision: 'fell-back', reason: 'plan-failed', code: result.error?.error.code ?? '' });
  }

  /** @returns the result if even this failed */
  *rollBack(): Steps<BatchResult | undefined> {
    const result = yield* this.send([
      new Command(`ROLLBACK TO SAVEPOINT ${savepoint}`),
      new Command(`RELEASE SAVEPOINT ${savepoint}`),
    ]);
    return result.error === undefined ? undefined : result;
  }

  protected dispatch(commands: Command[]): void {
    const { output, replies, now } = this.state;
    this.sentAt = now;
    const { bytes, expected } = encodeBatch(commands);
    for (const message of bytes) output.toServer(message);
    for (const entry of expected) replies.push(entry);
  }

  private *succeed(plan: Plan, command: Command, result: BatchResult): Steps<void> {
    const { state: conversation, original } = this;
    conversation.counters.rewritten += 1;
    for (const bytes of command.held) conversation.output.toClient(bytes);
    const execution = new Execution(original.statement);
    if (command.tag !== undefined) execution.tag = command.tag;
    execution.rows = command.rows;
    execution.captured.cut = 'limit';
    conversation.executed(execution);
    if (original.via === 'simple') {
      conversation.output.toClient(result.ready);
      conversation.readyForQuery(result.status);
    } else this.portalStarted(original.name, original.portal);
    const { readLook } = plan;
    this.answered = true;
    if (readLook !== undefined && !('reason' in readLook))
      yield* this.watch(plan.rule, readLook, command.rows);
    if (plan.looks !== undefined) {
      const after = yield* this.remaining(plan.looks, plan.rule);
      this.evidence = 'reason' in after ? after : { rows: { missed: Number(after.value) } };
    }
    this.end({ decision: 'rewritten', affected: affectedRows(command.tag) });
  }

  /** The client gets the error as if its own statement had failed. */
  private passOn(result: BatchResult, command?: Command): void {
    const { state: conversation, original } = this;
    const { error } = result;
    if (error === undefined) throw new Error('nothing to pass on');
    conversation.counters.rewritten += 1;
    // An error of the client's own message has been forwarded already. One of ours comes behind what the server has
    // answered to the client's Bind and Describe; a simple query has no such replies of its own.
    const answered = original.via === 'extended' ? (command?.held ?? []) : [];
    if (!error.clients) for (const bytes of [...answered, error.bytes]) conversation.output.toClient(bytes);
    const execution = new Execution(original.statement);
    execution.error = error.error;
    conversation.executed(execution);
    if (original.via === 'simple') {
      conversation.output.toClient(result.ready);
      conversation.readyForQuery(result.status);
    } else conversation.dropToSync = true;
    this.end({ decision: 'passed-on', code: error.error.code });
  }

  /** No plan after all: refused, unless a look-up of ours ended in an error that must be passed on. */
  private leave(reason: Reason, failed?: BatchResult): void {
    // 'E': a cancel hit the way back, so the transaction is lost with the look-up.
    if (failed !== undefined && (this.mustPassOn(failed) || this.state.status === 'E'))
      return this.passOn(failed);
    this.sendOriginal({ decision: 'refused', reason });
  }

  /** @returns takes it back */
  private portalStarted(name: string, portal: Portal): Change {
    portal.started = true;
    return this.state.portals.set(name, portal);
  }

  protected forwardOriginal(): void {
    const { state: conversation, original } = this;
    const execution = new Execution(
      original.statement,
      original.via === 'extended' ? original.portal : undefined,
    );
    this.execution = execution;
    if (original.via === 'simple') {
      const { message } = original;
      conversation.forward(message, 0, message.length, forwarded('query', execution));
    } else {
      const { bind, execute, portal, name } = original;
      const undo = this.portalStarted(name, portal);
      conversation.forward(bind, 0, bind.length, forwarded('bind', undefined, undo));
      if (original.describe !== undefined) {
        const entry = forwarded('describe', undefined, undefined, portal);
        conversation.forward(original.describe, 0, original.describe.length, entry);
      }
      conversation.forward(execute, 0, execute.length, forwarded('execute', execution));
    }
  }

  /** Its reply has to come before the client's own Sync, which waits. Inside a transaction block one more ends nothing. */
  protected override demandReply(): void {
    if (this.original.via === 'simple') return;
    this.state.output.toServer(writeSync());
    this.state.replies.push({ kind: 'sync', verb: 'skip' });
  }
}

/** `DELETE 3`, `SELECT 1` -> the number at the end. */
function affectedRows(tag: string | undefined): number {
  return Number(/\d+$/.exec(tag ?? '')?.[0] ?? 0);
}
