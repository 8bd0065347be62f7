/**
 * What one session's transaction did, as far as a pattern may need it: step 5 of the flow. The session reports each
 * statement with its outcome, in the order of the replies; patterns ask.
 *
 * Invariants: bounded (limits.ts); everything ends with the transaction except one note of its last read; status comes
 * from the server (command tags, errors, ReadyForQuery), never from text alone. No clock: `now` is given, monotonic ms.
 *
 * Statements are not even lexed before it matters. Outside a transaction a read is kept as a note and its shape computed
 * only if a DELETE by list follows; inside, most wait (unread.ts) until a question depends on them.
 */
import type { Dialect, InsertShape, Name, SelectShape } from '../sql/shape.ts';
import { hasNoEffect, onlyKnownFunctions } from './functions.ts';
import { isShow, TransactionIsolation, type EffectiveIsolation } from './isolation.ts';
import { inFailedTransaction, isUniqueViolation } from './errors.ts';
import { Budget, type Share } from './budget.ts';
import type { MemoryLimits } from './limits.ts';
import { includesTable } from './names.ts';
import { endsWatch, isOfTable, quietInsert } from './notes.ts';
import type { EarlierRead, FailedInsert, LockingLookup } from './notes.ts';
import { Opening } from './opening.ts';
import { RememberedRead, type When } from './read.ts';
import type { Outcome, Statement, StatementError, TransactionStatus, WatchedRow } from './types.ts';
import { UnreadStatements } from './unread.ts';

/** First words of what is no read, whatever it returns. */
const writing = new Set(['insert', 'update', 'delete']);

export class TransactionMemory {
  private current: TransactionStatus = 'I';
  private remembered: RememberedRead[] = [];
  private earlier: EarlierRead | undefined;
  private insert: FailedInsert | undefined;
  private lookups: LockingLookup[] = [];
  private row: WatchedRow | undefined;
  private constraintsSet = false;
  private unknown = false;
  private wrote = false;
  private readonly began = new Opening();
  /** Told of the reads of a transaction when it has ended, or of one that is forgotten before. */
  ended: ((reads: readonly RememberedRead[]) => void) | undefined;
  private gaps = 0;
  private readonly unread: UnreadStatements;
  private idleSince: number | undefined;
  private readonly limits: MemoryLimits;
  private readonly share: Share;
  private dialect: Dialect = 'postgres';
  private readonly levels = new TransactionIsolation();
  /** MySQL: a statement that may have ended the transaction failed, and errors come without the flags that would tell. */
  private adrift = false;
  /** What ran outside a transaction since the server said so: it may have begun one (COMMIT AND CHAIN). */
  private outside: Statement | undefined;

  /** @param share what the reads' ids are taken from; default: no bound but the limits */
  constructor(limits: MemoryLimits, share: Share = new Budget(Infinity).share()) {
    this.limits = limits;
    this.share = share;
    this.unread = new UnreadStatements(limits, share);
  }

  /**
   * MySQL or MariaDB: known after the handshake. An error does not abort a transaction there (but for those after which
   * the session calls ready('I')), DDL ends one, and BEGIN inside a transaction begins another.
   */
  speak(dialect: Dialect): void {
    this.dialect = dialect;
  }

  /** Derived at every reply, so that it is right inside a pipeline too. 'T': provably in an explicit transaction. */
  get status(): TransactionStatus {
    return this.current;
  }

  /** False: no statement can complete a pattern. Cheap, asked before a statement's shape is computed. */
  get remembers(): boolean {
    if (this.earlier !== undefined || this.insert !== undefined || this.row !== undefined) return true;
    return this.remembered.length > 0 || this.unread.mayBeReads;
  }

  /** Reads of this transaction that read the table, newest first. */
  readsOf(table: Name): RememberedRead[] {
    this.catchUp();
    return this.remembered
      .filter((read) => includesTable(read.shape.tablesRead, table, this.dialect))
      .toReversed();
  }

  /** The note of a read in front of this transaction, if it read the table. */
  earlierReadOf(table: Name): EarlierRead | undefined {
    const shape = this.earlier?.statement.shape;
    return shape?.kind === 'select' && includesTable(shape.tablesRead, table, this.dialect)
      ? this.earlier
      : undefined;
  }

  get failedInsert(): FailedInsert | undefined {
    return this.insert;
  }

  get watched(): WatchedRow | undefined {
    if (this.row !== undefined) this.catchUp();
    return this.row;
  }

  /** Told by the session, behind the read. */
  watch(row: WatchedRow): void {
    this.catchUp();
    if (row.columns.length <= this.limits.watchedColumns) this.row = row;
  }

  get lockingLookups(): readonly LockingLookup[] {
    this.catchUp();
    return this.lookups;
  }

  /** The app sent SET CONSTRAINTS in this transaction. */
  get setConstraints(): boolean {
    return this.constraintsSet;
  }

  /** A statement of this transaction may have done anything, SET CONSTRAINTS included. */
  get unknownEffects(): boolean {
    this.catchUp();
    return this.unknown;
  }

  /** Whether the transaction has read or written yet. */
  get opening(): Opening {
    this.catchUp();
    return this.began;
  }

  /** MySQL, MariaDB: 'session' where what the server says now is this transaction's level. */
  get isolation(): EffectiveIsolation {
    this.catchUp();
    return this.levels.effective;
  }

  /** Milliseconds in which the server waited for the app since the read ended; lock waits do not count. */
  heldFor(read: RememberedRead): number {
    return this.gaps - read.at.gaps;
  }

  /** A client statement arrived. */
  arriving(now: number): void {
    if (this.idleSince === undefined) return;
    this.gaps += Math.max(0, now - this.idleSince);
    this.idleSince = undefined;
  }

  /**
   * Capture the first column of this read's result? Asked before it is forwarded. `beginPending`: a BEGIN of the same
   * pipeline has not been answered yet (pgjdbc sends BEGIN and the first statement together).
   */
  wantsRows(statement: Statement, beginPending = false): boolean {
    if ((this.current !== 'T' && !beginPending) || writing.has(statement.word)) return false;
    const { shape } = statement;
    if (shape.kind !== 'select' || statement.head.optOut) return false;
    const [item, more] = shape.items;
    if (item?.column === undefined || more !== undefined) return false;
    return !(
      shape.locking ||
      shape.limit !== undefined ||
      shape.fetch ||
      shape.setOperation ||
      shape.window ||
      shape.with ||
      shape.into ||
      !shape.plainFrom ||
      !onlyKnownFunctions(shape.functions, this.dialect)
    );
  }

  /** The reply to a statement is complete. Called in order. */
  completed(statement: Statement, outcome: Outcome, now: number): void {
    this.idleSince = now;
    if (this.current === 'I') this.completedOutside(statement, outcome);
    else if (outcome.error !== undefined) this.failed(statement, outcome.error);
    // An INSERT that failed asks what follows it.
    else if (this.insert !== undefined || !this.unread.add(statement, outcome, this.gaps, this.dialect))
      this.succeeded(statement, outcome);
  }

  /** Reads what waits. Whatever is asked or told next finds the memory as if nothing had waited. */
  private catchUp(): void {
    for (const { statement, outcome, gaps } of this.unread.take()) this.follow(statement, outcome, gaps);
  }

  /** ReadyForQuery. */
  ready(status: TransactionStatus, now: number): void {
    // A message without a statement (Parse, PING) does not end the time that the app holds its ids.
    this.idleSince ??= now;
    this.adrift = false;
    if (status === 'I' && this.current !== 'I') this.endTransaction();
    if (status !== 'I' && this.current === 'I') this.beginTransaction(this.outside);
    this.outside = undefined;
    this.current = status;
  }

  /**
   * MySQL: whether the transaction has ended is not known before the next reply (after a lock wait that timed out), or a
   * SET that was not seen may have given the next one a level of its own.
   */
  unsure(): void {
    this.levels.lost();
  }

  /** DISCARD ALL, a new user, lost sync: the session starts from nothing. */
  reset(): void {
    this.endTransaction();
    this.current = 'I';
    this.earlier = undefined;
    this.insert = undefined;
    this.idleSince = undefined;
    this.levels.reset();
    this.adrift = false;
    this.outside = undefined;
  }

  private completedOutside(statement: Statement, outcome: Outcome): void {
    this.outside = statement;
    const tag = outcome.tag ?? '';
    if (tag.startsWith('BEGIN') || tag.startsWith('START TRANSACTION')) {
      this.beginTransaction(statement);
      this.current = 'T';
      return;
    }
    if (this.dialect !== 'postgres') this.levels.usedOutside(statement, outcome.error !== undefined);
    if (outcome.error !== undefined) {
      if (isUniqueViolation(outcome.error)) this.rememberInsert(statement, outcome.error, false);
      return;
    }
    if (this.insert !== undefined && statement.shape.kind !== 'noise') this.insert = undefined;
    if (tag.startsWith('SELECT')) {
      if (!isOfTable(outcome.read, this.dialect)) return;
      this.earlier = { statement, rows: outcome.read?.rows ?? 0, across: 'begin' };
    } else if (outcome.tag !== undefined && !/^(SET|RESET|SHOW|DEALLOCATE)/.test(tag)) {
      this.earlier = undefined;
    }
  }

  private succeeded(statement: Statement, outcome: Outcome): void {
    const { shape } = statement;
    // What waits is of no interest to a transaction that is over; a chained one keeps the level of the one before.
    const over = (shape.kind === 'commit' || shape.kind === 'rollback') && !shape.chain;
    if (!over || this.ended !== undefined) this.catchUp();
    this.follow(statement, outcome, this.gaps);
  }

  private follow(statement: Statement, outcome: Outcome, gaps: number): void {
    const { shape } = statement;
    if (this.dialect !== 'postgres') this.followIsolation(statement);
    const opening = this.began.follow(statement);
    if (shape.kind === 'noise' || shape.kind === 'set-isolation') return;
    if (shape.kind === 'begin' && this.dialect !== 'postgres') {
      this.endTransaction(false, true);
      this.levels.beginAnew();
      this.insert = undefined;
      this.began.begin(statement);
      return;
    }
    if (shape.kind === 'commit' || shape.kind === 'rollback') {
      // A chained transaction keeps the level of the one before.
      this.endTransaction(shape.kind === 'rollback' && shape.chain, shape.chain);
      this.current = shape.chain ? 'T' : 'I';
      return;
    }
    if (this.row !== undefined && endsWatch(this.row, shape, this.dialect)) this.row = undefined;
    for (const read of this.remembered) read.follow(shape, statement.parameters, this.wrote);
    this.followInsert(shape.kind);
    switch (shape.kind) {
      case 'rollback-to':
        this.current = 'T';
        this.began.rolledBack();
        return;
      case 'select':
        this.rememberRead(statement, shape, outcome, { gaps, opening });
        return;
      case 'insert':
        this.wrote = true;
        if (shape.quiet && outcome.tag?.endsWith(' 0') === true) this.rememberQuiet(statement, shape);
        return;
      case 'update':
      case 'delete':
        this.wrote = true;
        return;
      case 'set-constraints':
        this.constraintsSet = true;
        return;
      case 'other':
        this.unknown = true;
        this.wrote = true;
        return;
      default: // savepoint, release, begin: nothing that outlives them
    }
  }

  private followIsolation(statement: Statement): void {
    const { shape } = statement;
    if (shape.kind === 'set-isolation') this.levels.set(shape, true);
    else if (shape.kind !== 'noise' || isShow(statement)) this.levels.used(statement);
  }

  private rememberRead(statement: Statement, shape: SelectShape, { read }: Outcome, at: When): void {
    if (!hasNoEffect(shape.functions, this.dialect) || shape.into) {
      this.row = undefined;
      this.unknown = true;
      this.wrote = true;
    }
    if (read === undefined) return;
    this.remembered.push(new RememberedRead(statement, shape, read, at, this.limits, this.share));
    if (this.remembered.length > this.limits.reads) this.forgetOldest();
    if (!shape.locking || read.rows > 0 || read.cut === 'suspended' || shape.equalities.length === 0) return;
    this.lookups.push({ statement, shape });
    if (this.lookups.length > this.limits.lockingLookups) this.lookups.shift();
  }

  private failed(statement: Statement, error: StatementError): void {
    if (error.code === inFailedTransaction) return;
    this.catchUp();
    this.row = undefined;
    const { kind } = statement.shape;
    this.began.follow(statement);
    // What MySQL refuses may be the second of several statements, half a procedure, or DDL that has committed first.
    const partly = this.dialect !== 'postgres' && kind === 'other';
    if (this.dialect === 'postgres') this.current = 'E';
    else if (kind !== 'set-isolation') this.levels.used(statement);
    if (partly) this.unknown = this.wrote = this.adrift = true;
    if (kind !== 'noise') for (const read of this.remembered) read.followFailure(partly);
    this.insert = undefined;
    if (isUniqueViolation(error)) this.rememberInsert(statement, error, true);
  }

  private rememberInsert(statement: Statement, error: StatementError, sameTransaction: boolean): void {
    const { shape } = statement;
    if (shape.kind !== 'insert') return;
    this.insert = { statement, shape, error, sameTransaction, unknownEffect: this.adrift, quiet: false };
  }

  /** ON DUPLICATE KEY UPDATE locks the row that was in its way, also when nothing changes: there is no race to see. */
  private rememberQuiet(statement: Statement, shape: InsertShape): void {
    if (this.dialect !== 'postgres' && !/\bignore\b/i.test(statement.text.toString('latin1', 0, 64))) return;
    this.insert = quietInsert(statement, shape);
  }

  private followInsert(kind: string): void {
    if (this.insert === undefined) return;
    if (kind === 'savepoint' || kind === 'release' || kind === 'rollback-to') return;
    if (kind === 'other') this.insert.unknownEffect = true;
    else this.insert = undefined;
  }

  /** @param by the statement that may have begun it; undefined or a SET: autocommit is off, and nothing has run in it */
  private beginTransaction(by: Statement | undefined): void {
    this.levels.begin(by === undefined || by.word === 'set');
    this.forget();
    this.insert = undefined;
    this.began.begin(by);
  }

  /**
   * What the transaction remembered ends here, but for a note of its last read and the INSERT that broke it. After
   * ROLLBACK AND CHAIN (Rails, in place of a ROLLBACK TO when the savepoint was never sent) the app goes on in an open
   * transaction, and a lock on the row that was in the INSERT's way lasts as long as it.
   */
  private endTransaction(chainedRollback = false, chained = false): void {
    if (this.ended !== undefined) this.catchUp();
    this.ended?.(this.remembered);
    if (!chained) this.levels.end();
    this.earlier = this.lastRead();
    if (this.insert !== undefined && !chainedRollback) this.insert.sameTransaction = false;
    this.forget();
  }

  private lastRead(): EarlierRead | undefined {
    const unread = this.unread.lastRead;
    if (unread !== undefined)
      return { statement: unread.statement, rows: unread.outcome.read?.rows ?? 0, across: 'transactions' };
    const last = this.remembered.findLast(({ result }) => isOfTable(result, this.dialect));
    return last && { statement: last.statement, rows: last.result.rows, across: 'transactions' };
  }

  private forgetOldest([oldest] = this.remembered.splice(0, 1)): void {
    this.share.give(oldest?.bytes ?? 0);
    if (oldest !== undefined) this.ended?.([oldest]);
  }

  private forget(): void {
    this.unread.clear();
    for (const { bytes } of this.remembered) this.share.give(bytes);
    this.remembered = [];
    this.row = undefined;
    this.lookups = [];
    this.constraintsSet = false;
    this.unknown = false;
    this.wrote = false;
    this.began.begin();
  }
}
