/** The state of one MySQL or MariaDB session that its client side, its server side and a running plan share. */
import { catalogChange, movesDatabase } from '../../facts/mysql.ts';
import type { Outcome, Statement, StatementError } from '../../memory/types.ts';
import type { LexerSettings } from '../../sql/shape.ts';
import { noCapabilities } from '../../wire/mysql/capabilities.ts';
import type { Capabilities } from '../../wire/mysql/capabilities.ts';
import { asciiSafeCharset, asciiSafeCollation } from '../../wire/mysql/charsets.ts';
import { errno } from '../../wire/mysql/codes.ts';
import { ReplyTracker } from '../../wire/mysql/replies.ts';
import { stripRedirect } from '../../wire/mysql/session-track.ts';
import { status as flag } from '../../wire/mysql/status.ts';
import type { ServerVersion } from '../../wire/mysql/version.ts';
import { writeErr } from '../../wire/mysql/writers.ts';
import { SessionState } from '../state.ts';
import type { SessionOptions, Side } from '../types.ts';
import { Authentication } from './authentication.ts';
import type { Expected } from './expected.ts';
import { ExpectedQueue } from './expected.ts';
import type { MysqlRun } from './plan-run.ts';
import { PreparedStatements } from './prepared.ts';
import { writeRelease } from './guard.ts';

/** Errors that take the whole transaction with them; 1205 does so only with innodb_rollback_on_timeout, and is treated alike. */
const endsTransaction = new Set<number>([errno.deadlock, errno.recordChanged, errno.lockWaitTimeout]);

export class MysqlConversation extends SessionState {
  readonly expected = new ExpectedQueue();
  readonly tracker = new ReplyTracker();
  readonly prepared: PreparedStatements;
  capabilities: Capabilities = noCapabilities;
  version: ServerVersion = { mariadb: false, major: 0, minor: 0, patch: 0 };
  /** The server has asked for a file: the client's packets are its content, up to an empty one. */
  fileDue = false;
  /** After a lock wait that timed out: the transaction is probably still open, no flags say so before the next reply. */
  unsure = false;
  /** Sequence id of the last packet that passed, either way: an error of ours goes on from it. */
  sequence = 0;
  /** The same of each side's own, once logged in; of the server's: its reply goes on from it. */
  readonly sequences: Record<Side, number> = { client: 0, server: 0 };
  /** Nobody else can read what goes over this leg: TLS, or a unix socket. */
  readonly secure: Record<Side, boolean>;
  readonly authentication: Authentication;
  declare run: MysqlRun | undefined;
  settings: LexerSettings = {
    dialect: 'mysql',
    standardConformingStrings: true,
    ansiQuotes: false,
    noBackslashEscapes: false,
  };
  /** MySQL does not tell ANSI_QUOTES in its status flags: known from a plan's look at sql_mode. */
  private collationSafe = true;
  /** The session may have temporary tables: a name may mean another table to it than to the others. */
  ownTables = false;
  /** What the server calls the statement prepared last (-1) is one of a plan's. */
  lastIsOurs = false;
  /** Goes up with every statement that may have chosen another default database. */
  databases = 0;
  private midMessage = false;
  /** Guards whose transaction ended in the middle of a message. */
  private unreleased: string[] = [];
  /** Rows of a cursor are still to be fetched. */
  cursorOpen = false;
  private inTransaction = false;
  private redirected = false;

  constructor(options: SessionOptions) {
    super(options);
    this.secure = this.tls.secure === undefined ? { client: false, server: false } : { ...this.tls.secure };
    this.authentication = new Authentication(this);
    this.prepared = new PreparedStatements(options.limits.preparedStatements, this.share, () =>
      this.reached('prepared_statements'),
    );
  }

  /** Of the command that is answered next. Of several the first has gone long ago: it is hardly one of several packets. */
  get commandSequence(): number {
    return this.expected.theirs === 1 ? this.sequences.client : 0;
  }

  get readable(): boolean {
    return this.collationSafe;
  }

  get outstanding(): number {
    return this.expected.executions;
  }

  /** With autocommit off the status says that one is open also where nothing has begun. */
  get betweenTransactions(): boolean {
    return !this.inTransaction && !this.unsure;
  }

  protected override startAnew(): void {
    super.startAnew();
    // Nobody followed the catalog: temporary tables, USE.
    this.ownTables = true;
    this.databases += 1;
  }

  protected get unfinished(): boolean {
    return this.expected.ours > 0 || this.unreleased.length > 0;
  }

  speak(version: ServerVersion): void {
    this.version = version;
    const dialect = version.mariadb ? 'mariadb' : 'mysql';
    this.settings = { ...this.settings, dialect };
    this.memory.speak(dialect);
  }

  useCollation(id: number): void {
    this.collationSafe = asciiSafeCollation(id);
  }

  useCharset(name: string): void {
    this.collationSafe = asciiSafeCharset(name);
  }

  useAnsiQuotes(on: boolean): void {
    if (this.settings.ansiQuotes !== on) this.settings = { ...this.settings, ansiQuotes: on };
  }

  forward(buf: Buffer, start: number, end: number, entry?: Expected): void {
    this.output.toServer(buf, start, end);
    if (entry !== undefined) this.expected.push(entry);
  }

  /** The reply to a statement is complete. The flags come with every reply but an error. */
  executed(statement: Statement, outcome: Outcome, flags: number | undefined): void {
    this.completed(statement, outcome);
    if (this.rules.active) this.followCatalog(statement);
    if (flags !== undefined) this.statusFlags(flags);
    else if (outcome.error !== undefined) this.afterError(outcome.error);
    this.record(statement, outcome);
    if (this.rules.active && this.guards.length > 0) this.releaseIfEnded(statement);
  }

  /**
   * START TRANSACTION inside a transaction, and AND CHAIN, leave the flag set although the transaction is another one. DDL
   * leaves it as it is where, with autocommit off, nothing had begun.
   */
  private releaseIfEnded(statement: Statement): void {
    const kind = this.guarded(statement, () => statement.shape.kind);
    const ended = kind === 'begin' || kind === 'commit' || kind === 'rollback';
    if (ended || (kind === 'other' && !this.inTransaction)) this.releaseGuards();
  }

  /** DDL that failed may have been the second of several statements, so an error makes no difference. */
  private followCatalog(statement: Statement): void {
    try {
      if (movesDatabase(statement)) this.databases += 1;
      const change = catalogChange(statement);
      if (change === 'own') this.ownTables = true;
      else if (change === 'tables') this.options.shared.facts.forget();
    } catch (error) {
      this.contain(error, statement);
    }
  }

  /** protocol.md, MySQL 11 and 18: with autocommit off a transaction is open at all times, begun or not. */
  statusFlags(flags: number): void {
    const inTransaction = (flags & flag.inTransaction) !== 0;
    const autocommit = (flags & flag.autocommit) !== 0;
    const noBackslashEscapes = (flags & flag.noBackslashEscapes) !== 0;
    if ((flags & flag.lastRowSent) !== 0) this.cursorOpen = false;
    else if ((flags & flag.cursorExists) !== 0) this.cursorOpen = true;
    if (this.settings.noBackslashEscapes !== noBackslashEscapes)
      this.settings = { ...this.settings, noBackslashEscapes };
    if (this.version.mariadb) this.useAnsiQuotes((flags & flag.ansiQuotes) !== 0);
    if (this.inTransaction && !inTransaction) this.transactionEnded();
    this.inTransaction = inTransaction;
    this.unsure = false;
    this.status = inTransaction || !autocommit ? 'T' : 'I';
    // Taken with autocommit off, and the statement behind it began nothing.
    if (this.status === 'I') this.releaseGuards();
    this.told(this.status);
  }

  /** A new user, or a reset connection: the server has forgotten everything, its locks included. */
  forget(): void {
    super.releaseGuards();
    this.memory.reset();
    this.prepared.clear();
    this.cursorOpen = false;
    this.inTransaction = false;
    this.ownTables = false;
    this.environment = undefined;
  }

  /** Also on the server, where a lock outlives the transaction: behind the reply that ended it, its own reply skipped. */
  override releaseGuards(): void {
    for (const name of this.guards) this.release(name);
    super.releaseGuards();
  }

  /** A piece of the client's message was forwarded, the rest is to come: nothing else may be sent before that. */
  sending(done: boolean): void {
    this.midMessage = !done;
    if (!done) return;
    const names = this.unreleased;
    this.unreleased = [];
    for (const name of names) this.release(name);
  }

  private release(name: string): void {
    if (this.midMessage) {
      this.unreleased.push(name);
      return;
    }
    this.output.toServer(writeRelease(name, this.capabilities.flags));
    this.expected.push({ shape: 'result', verb: 'skip' });
  }

  /**
   * Nobody sees the end of the transaction any more, so the server's locks are given back now: until then the rewritten
   * statements have their rows locked. Where replies cannot be told apart, or the server does not read commands now, the
   * locks stay until the connection ends.
   */
  override goRaw(why: string): void {
    if (why !== 'out-of-sync' && !this.raw && !this.fileDue && this.authentication.over) this.releaseGuards();
    super.goRaw(why);
  }

  override leaveGuards(): void {
    // A password that waits is forgotten with everything else.
    this.authentication.end();
    this.run?.abandon();
    super.releaseGuards();
  }

  /** An OK packet as the client may have it: without an address that leads past the proxy. */
  withoutRedirect(buf: Buffer, start: number, end: number): Buffer | undefined {
    const stripped = stripRedirect(buf, start, end, this.capabilities.flags);
    if (stripped !== undefined && !this.redirected) {
      this.redirected = true;
      this.output.event({ type: 'redirect-removed' });
    }
    return stripped;
  }

  /** Ends both connections, because the configuration does not let them be what one of the two wants. */
  refuse(code: number, sqlstate: string, message: string): void {
    if (this.output.ending) return;
    this.output.event({ type: 'refused', code: sqlstate, message });
    this.say(code, sqlstate, message);
  }

  fatal(reason: 'protocol' | 'internal', message: string): void {
    const code = reason === 'protocol' ? errno.malformedPacket : errno.unknown;
    this.say(code, reason === 'protocol' ? '08S01' : 'HY000', message);
  }

  /** Before the client has chosen its capabilities, errors have no SQLSTATE. */
  private say(code: number, state: string, message: string): void {
    if (this.output.ending) return;
    const error = {
      errno: code,
      sqlstate: this.capabilities === noCapabilities ? '' : state,
      message: `interlock: ${message}`,
    };
    this.output.toClient(writeErr((this.sequence + 1) & 0xff, error));
    this.output.end();
  }

  private afterError(error: StatementError): void {
    if (!endsTransaction.has(error.errno ?? 0)) return;
    // No flags in an error: until the next reply nothing is certain, so nothing is rewritten.
    this.unsure = error.errno === errno.lockWaitTimeout && this.status === 'T';
    this.transactionEnded();
    this.inTransaction = false;
    this.status = 'I';
    this.told('I');
    if (this.unsure) this.memory.unsure();
  }

  private transactionEnded(): void {
    this.releaseGuards();
    this.told('I');
  }
}
