/** Runs one plan on MySQL or MariaDB: server state, facts, guard, then the edited statement; one command after the other. */
import { mysqlFurtherLookUps, mysqlLookUps, readMysqlFacts } from '../../facts/mysql.ts';
import type { Facts } from '../../facts/types.ts';
import type { Statement } from '../../memory/types.ts';
import { readBefore, readHashes, splitEvidence, updateEvidence } from '../../patterns/evidence.ts';
import type { ReadLook, Text, WriteLook } from '../../patterns/evidence.ts';
import type { Reason } from '../../patterns/reasons.ts';
import type { Rule } from '../../patterns/rule.ts';
import type { Finding, GuardPlan, Plan, ServerState } from '../../patterns/types.ts';
import { errno } from '../../wire/mysql/codes.ts';
import { lastPrepared } from '../../wire/mysql/client-commands.ts';
import { withStatementId, writeExecute } from '../../wire/mysql/execute.ts';
import { writePrepare, writeQuery, writeStatementClose } from '../../wire/mysql/writers.ts';
import { Run } from '../run.ts';
import type { Wait } from '../run.ts';
import { isBinding } from './binding.ts';
import type { MysqlConversation } from './conversation.ts';
import { MysqlExecution } from './execution.ts';
import { takeGuard } from './guard.ts';
import type { Refused } from './guard.ts';
import { noAnswer } from '../looks.ts';
import { askFoundRows, look, restoreFoundRows } from './looks.ts';
import type { Prepared } from './prepared.ts';
import { Request } from './request.ts';
import { readServerState } from './server-state.ts';

/** The client's command that the plan stands in for. */
export interface Original {
  statement: Statement;
  packet: Buffer;
  /** Of a COM_STMT_EXECUTE. */
  prepared?: Prepared;
  /** LOAD DATA LOCAL never is one of these, so a file is never asked for. */
}

export type Steps<T> = Generator<Wait<Request>, T, Request | undefined>;

/** The transaction is gone with them (treatments.md). */
const rolledBack = new Set<number>([errno.deadlock, errno.recordChanged]);
/** By the app or the operator; a look-up that runs out of time only costs the rewrite. */
const killed = new Set<number>([errno.queryInterrupted, errno.serverShutdown, errno.connectionKilled]);
/** Killed or out of time: what the app asked for, or the operator. */
const stopped = new Set<number>([...killed, errno.queryTimeout, errno.statementTimeout]);

export class MysqlRun extends Run<MysqlConversation, Request, Request> {
  private readonly original: Original;
  /** Of the original, where the run waits for its reply. */
  private execution: MysqlExecution | undefined;
  /** SQLSTATE of the error that it ended in. */
  private failure = '';
  /** When the request went out that is being answered. */
  private sentAt = 0;

  constructor(state: MysqlConversation, finding: Finding, original: Original) {
    super(state, finding, original.statement);
    this.original = original;
  }

  /** The reply to a request of this run is complete. */
  answered(request: Request): void {
    this.advance(request);
  }

  /** The reply to the original is complete. */
  originalAnswered(execution: MysqlExecution): void {
    if (execution === this.execution) this.advance(undefined);
  }

  /** Milliseconds since the last request went out. */
  get waited(): number {
    return this.state.now - this.sentAt;
  }

  /** A query of ours whose reply the client does not see. */
  *query(text: string): Steps<Request> {
    return yield* this.send(new Request(writeQuery(text, this.state.capabilities.flags), 'result'));
  }

  protected *sequence(): Steps<void> {
    const { writeLook, rule } = this.finding;
    if (writeLook !== undefined) return yield* this.writtenBack(writeLook);
    const { mode, evidence } = rule;
    if (mode !== 'rewrite' && evidence === true) return yield* this.observed();
    const plan = yield* this.planned();
    if (!('edited' in plan)) return this.leave(plan);
    if (plan.edited !== undefined && plan.looks !== undefined && 'reason' in plan.looks)
      this.evidence = plan.looks;
    const ended = yield* this.guarded(plan);
    if (ended !== undefined) return this.leave(ended);
    if (plan.rule.guardOnly === true) return this.sendOriginal({ decision: 'observed' });
    if (plan.edited === undefined) return this.sendGuarded();
    yield* plan.probe === undefined ? this.edited(plan.edited, plan) : this.lockByKey(plan, plan.probe);
  }

  /** What the app can ask of the server afterwards is put back before its DELETE goes out. */
  private *observed(): Steps<void> {
    const foundRows = yield* askFoundRows(this);
    const plan = yield* this.observedPlan();
    if (!('edited' in plan)) {
      if (!('stopped' in plan)) yield* restoreFoundRows(this, foundRows);
      return this.leave(plan);
    }
    if (plan.edited === undefined) throw new Error('there is nothing to look around');
    if (plan.pattern !== 'split-delete') return yield* this.observedRead(plan);
    const { looks, rule } = plan;
    const asked = looks === undefined || 'reason' in looks ? looks : looks.before;
    const answer = yield* look(this, rule, foundRows, asked);
    if ('stopped' in answer) return this.passOn(answer.stopped);
    yield* restoreFoundRows(this, foundRows);
    const before = 'reason' in answer ? answer : (readBefore(answer.value) ?? noAnswer);
    if ('reason' in before) return this.withoutEvidence(before.reason);
    if (!(yield* this.relayed())) return this.end({ decision: 'observed', code: this.failure });
    const { affected = 0 } = this.execution ?? {};
    this.evidence = splitEvidence(before, affected, undefined);
    this.end({ decision: 'observed', affected });
  }

  /** The read, and behind it a look at the row that it found. SHOW WARNINGS would tell of it, had there been any. */
  private *observedRead({ rule, readLook }: Plan): Steps<void> {
    if (readLook === undefined || 'reason' in readLook)
      return this.withoutEvidence(readLook?.reason ?? 'look-failed');
    if (!(yield* this.relayed())) return this.end({ decision: 'observed', code: this.failure });
    const { rows = 0 } = this.execution ?? {};
    yield* this.watch(rule, readLook, rows);
    this.end({ decision: 'observed', affected: rows });
  }

  /** Until the row that was read is written back. @param rows that were read */
  private *watch(rule: Rule, readLook: ReadLook, rows: number): Steps<void> {
    if (rows !== 1) return;
    const visible = this.state.tracker.warnings > 0;
    // Of one row as the read was: FOUND_ROWS() stays what it is. With SQL_CALC_FOUND_ROWS the grammar refuses the read.
    const answer = yield* look(this, rule, visible ? undefined : 1, readLook.look);
    if ('value' in answer) return this.state.watch(readLook, this.finding.table, answer.value);
    if (!visible) yield* restoreFoundRows(this, 1);
    this.evidence = 'reason' in answer ? answer : { reason: 'look-failed' };
  }

  /** The row that was read is written back. */
  private *writtenBack(asked: WriteLook): Steps<void> {
    const foundRows = yield* askFoundRows(this);
    const answer = yield* look(this, this.finding.rule, foundRows, asked.look);
    if ('stopped' in answer) return this.passOn(answer.stopped);
    yield* restoreFoundRows(this, foundRows);
    const now = 'reason' in answer ? undefined : readHashes(answer.value, asked.row.columns);
    if (now === undefined) return this.withoutEvidence('reason' in answer ? answer.reason : 'look-failed');
    if (yield* this.relayed()) this.evidence = updateEvidence(asked, now, this.execution?.affected ?? 0);
    this.end({ decision: 'observed' });
  }

  private withoutEvidence(reason: Reason): void {
    this.evidence = { reason };
    this.sendOriginal({ decision: 'observed' });
  }

  /** The original. @returns false: it failed, and shows nothing */
  private *relayed(): Steps<boolean> {
    yield* this.relayOriginal();
    const error = this.execution?.error;
    if (error === undefined) return true;
    this.evidence = { rows: {} };
    this.failure = error.code;
    return false;
  }

  /** A session outside of a canary may have to take the guard. */
  private *observedPlan(): Steps<Plan | GuardPlan | Refused> {
    const plan = yield* this.planned();
    if (!('edited' in plan) || plan.rule.guardOnly !== true) return plan;
    return (yield* this.guarded(plan)) ?? plan;
  }

  private *planned(): Steps<Plan | GuardPlan | Refused> {
    const server = yield* readServerState(this);
    if ('reason' in server || 'stopped' in server) return server;
    // The answer to a pipelined prepare has come before ours. It has failed, and so must its execution.
    const { prepared } = this.original;
    if (prepared !== undefined && prepared.id === undefined) return { reason: 'pipeline' };
    if (!this.stillMatches(server.database)) return { reason: 'database-changed' };
    const facts = yield* this.facts(server);
    if (facts === undefined) return { reason: 'catalog' };
    return facts instanceof Request ? { stopped: facts } : this.finding.plan(facts, server);
  }

  /** @returns why there is no plan after all */
  private *guarded({ guard }: Plan | GuardPlan): Steps<Refused | undefined> {
    this.guard = { guard: 'none' };
    if (guard === undefined) return undefined;
    const turn = yield* takeGuard(this, guard);
    if (!('guard' in turn)) return turn;
    this.guard = { guard: turn.guard, guardWaitMs: turn.waitedMs };
    return undefined;
  }

  /** USE is not followed: the default database is known for certain only here, and a rule may not be meant for it. */
  private stillMatches(database: string): boolean {
    const { state, finding, statement } = this;
    if (database !== state.info.database) state.begin({ ...state.info, database });
    return state.rules.ruleFor(finding.pattern, finding.table, statement.head.fingerprint) === finding.rule;
  }

  protected dispatch(request: Request): void {
    const { output, expected } = this.state;
    this.sentAt = this.state.now;
    output.toServer(request.packet);
    expected.push({ shape: request.shape, verb: request.holdBytes === undefined ? 'skip' : 'hold', request });
  }

  /** A request: it was killed. */
  private *facts(server: ServerState): Steps<Facts | Request | undefined> {
    const { options, environment, now, ownTables } = this.state;
    const { question } = this.finding;
    const key = `${options.server}\0${environment ?? ''}`;
    const known = ownTables ? undefined : options.shared.facts.get(key, question, now);
    if (known !== undefined) return known;
    const answers: ((string | null)[] | undefined)[] = [];
    for (const further of [false, true]) {
      const texts = further
        ? mysqlFurtherLookUps(question, answers, server.database)
        : mysqlLookUps(question);
      for (const text of texts) {
        const answer = yield* this.query(text);
        if (this.isKilled(answer)) return answer;
        answers.push(answer.error === undefined ? answer.rows[0] : undefined);
      }
    }
    const facts = readMysqlFacts(question, answers, server.database);
    if (facts !== undefined && !ownTables) options.shared.facts.set(key, question, facts, this.state.now);
    return facts;
  }

  private *lockByKey(plan: Plan, probe: NonNullable<Plan['probe']>): Steps<void> {
    const found = yield* this.execute(probe, false);
    if (found.error !== undefined) return yield* this.failed(found);
    const locking = probe.locking(found.rows.map((row) => row[0] ?? null));
    if ('reason' in locking) return this.refuse(locking.reason);
    const locked = yield* this.execute(locking, true);
    if (locked.error === undefined && locked.rowCount !== found.rowCount)
      return yield* this.edited(plan.edited, plan);
    yield* this.finish(locked, plan);
  }

  private *edited(text: Text, plan: Plan): Steps<void> {
    yield* this.finish(yield* this.execute(text, true), plan);
  }

  private *finish(request: Request, plan: Plan): Steps<void> {
    if (request.error !== undefined) return yield* this.failed(request);
    if (request.overflow) {
      this.state.reached('held_bytes');
      return this.sendOriginal({ decision: 'fell-back', reason: 'over-limit' });
    }
    const { state, statement } = this;
    state.counters.rewritten += 1;
    for (const bytes of request.held) state.output.toClient(bytes);
    const execution = new MysqlExecution(statement);
    execution.resultSet = plan.reply === 'rows';
    execution.affected = request.affected;
    execution.rows = request.rowCount;
    execution.captured.cut = 'limit';
    state.executed(statement, execution.outcome(), request.flags);
    const { readLook, rule } = plan;
    if (readLook !== undefined && !('reason' in readLook))
      yield* this.watch(rule, readLook, request.rowCount);
    this.end({ decision: 'rewritten', affected: execution.resultSet ? request.rowCount : request.affected });
  }

  /** Text protocol where that is what the client used, or where no row comes back; else prepared, for binary rows. */
  *execute({ text, parameters }: Text, hold: boolean): Steps<Request> {
    const { capabilities, output, options } = this.state;
    this.editing ||= hold;
    if (hold) this.sent = text;
    const holdBytes = hold ? options.limits.heldBytes : undefined;
    const binary = hold && this.original.prepared !== undefined;
    if (parameters.values.length === 0 && !binary)
      return yield* this.send(new Request(writeQuery(text, capabilities.flags), 'result', holdBytes));
    this.state.lastIsOurs = true;
    const prepared = yield* this.send(new Request(writePrepare(text), 'prepare'));
    if (prepared.error !== undefined) return prepared;
    const { statementId } = prepared;
    const { types, values } = isBinding(parameters.binding) ? parameters.binding : { types: [], values: [] };
    const packet = writeExecute(capabilities.flags, { statementId, flags: 0, types, values });
    const done = yield* this.send(new Request(packet, 'binary-result', holdBytes));
    output.toServer(writeStatementClose(statementId));
    return done;
  }

  /** Whoever killed a step of the plan meant the app's statement. */
  isKilled({ error }: Request): boolean {
    return error !== undefined && killed.has(error.errno);
  }

  /** The transaction is gone, or the app or an operator stopped the statement: the original must not be tried. */
  mustPassOn(request: Request): boolean {
    const error = request.error?.errno ?? 0;
    return rolledBack.has(error) || stopped.has(error);
  }

  private *failed(request: Request): Steps<void> {
    if (this.mustPassOn(request)) return this.passOn(request);
    if (request.error?.errno === errno.lockWaitTimeout) {
      // The wait may have been for a row that only the plan locks. With this variable ON the transaction is gone as well.
      const answer = yield* this.query('SELECT @@global.innodb_rollback_on_timeout');
      if (answer.error !== undefined || answer.rows[0]?.[0] !== '0') return this.passOn(request);
    }
    this.sendOriginal({ decision: 'fell-back', reason: 'plan-failed', code: request.error?.sqlstate ?? '' });
  }

  private passOn(request: Request): void {
    const { state, statement } = this;
    state.counters.rewritten += 1;
    for (const bytes of request.errorBytes) state.output.toClient(bytes);
    const { errno: number = 0, sqlstate: code = '' } = request.error ?? {};
    state.executed(statement, { error: { code, errno: number } }, undefined);
    this.end({ decision: 'passed-on', code });
  }

  private leave(ended: Refused): void {
    if ('stopped' in ended) this.passOn(ended.stopped);
    else this.refuse(ended.reason);
  }

  private refuse(reason: Reason): void {
    this.sendOriginal({ decision: 'refused', reason });
  }

  protected forwardOriginal(): void {
    const { state, statement } = this;
    const { packet, prepared } = this.original;
    const execution = new MysqlExecution(statement, prepared);
    this.execution = execution;
    const entry = {
      shape: prepared === undefined ? 'result' : 'binary-result',
      verb: 'forward',
      execution,
    } as const;
    // "The statement prepared last" may be one of ours by now.
    const named = prepared?.id !== undefined && packet.readUInt32LE(5) === lastPrepared;
    const bytes = named ? withStatementId(packet, 0, packet.length, prepared.id ?? 0) : packet;
    state.forward(bytes, 0, bytes.length, entry);
  }
}
