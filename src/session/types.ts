/**
 * The session's contract with the outside: bytes in, actions and events out. A session owns no socket, no clock and no
 * logger; the proxy feeds it and carries out what it returns.
 */
import type { FactsCache } from '../facts/cache.ts';
import type { Budget } from '../memory/budget.ts';
import type { Outcome, Statement, TransactionStatus } from '../memory/types.ts';
import type { Evidence } from '../patterns/evidence.ts';
import type { Learner } from '../patterns/anticipate/learner.ts';
import type { Finding, PatternId } from '../patterns/types.ts';
import type { Reason } from '../patterns/reasons.ts';
import type { Mode, Rule } from '../patterns/rule.ts';
import type { Dialect, LexerSettings, Name } from '../sql/shape.ts';
import type { Witness } from '../sql/witness/types.ts';
import type { Breaker, BreakerState } from './breaker.ts';
import type { Cancels } from './cancels.ts';
import type { GuardQueue } from './guard-queue.ts';
import type { LastWord } from './last-word.ts';

export type Side = 'client' | 'server';

/** The handshake that has to follow on one leg, as soon as the bytes before it have left. */
export interface StartTls {
  side: Side;
  /**
   * The beginning of the client's handshake, where it has come already: MySQL's clients do not wait for an answer, and with
   * direct TLS there is no request. A copy.
   */
  hello?: Buffer;
}

/** Everything the proxy has to do after one call, in this order: server bytes, client bytes, TLS, cancel, end. */
export interface Actions {
  toServer: Buffer[];
  toClient: Buffer[];
  /** What comes from that side after this call is the handshake; session.secured() follows it. */
  startTls: StartTls | undefined;
  /** Call session.wake(now) at this time (monotonic ms) at the latest; undefined: no timer is needed. */
  wakeAt: number | undefined;
  /** A CancelRequest: open a fresh connection to the server, send these bytes, close; the client connection ends. */
  cancel: Buffer | undefined;
  /** Flush what is above, then end both connections. */
  end: boolean;
  /** Do not read from the client: a plan is running and the client's bytes wait. */
  pauseClient: boolean;
  events: SessionEvent[];
}

export type SessionEvent =
  | FindingEvent
  | EvidenceEvent
  | RawRelayEvent
  | ProtocolErrorEvent
  | RefusedEvent
  | RedirectRemovedEvent
  | LimitEvent
  | BreakerEvent
  | LoggedInEvent
  | LogInRefusedEvent
  | SuggestionEvent
  | StatementProblemEvent;

/** One finding, one line in the log. No literals. */
export interface FindingEvent {
  type: 'finding';
  pattern: PatternId;
  rule: string;
  mode: Mode;
  /** observed: would have been planned. rewritten. guarded: the guard was taken, the statement was sent as it came. refused: left alone, see reason. fell-back: the plan failed, the original was sent. passed-on: the plan's error went to the client. */
  decision: 'observed' | 'rewritten' | 'guarded' | 'refused' | 'fell-back' | 'passed-on';
  reason?: Reason;
  fingerprint: string;
  table: string;
  rows: number;
  /** Affected rows or rows returned by the rewritten statement. */
  affected?: number;
  /** guard: had | not-had | none */
  guard?: 'had' | 'not-had' | 'none';
  guardWaitMs?: number;
  durationMs?: number;
  /** SQLSTATE of the error that made the plan fall back. */
  code?: string;
  /** Of a rule with `evidence`: what the race did, or why nothing was asked. */
  evidence?: Evidence;
}
/** A row that an observed finding had read was written back: what that cost. No literals. */
export interface EvidenceEvent {
  type: 'evidence';
  pattern: PatternId;
  rule: string;
  /** Of the statement that wrote it. */
  fingerprint: string;
  table: string;
  evidence: Evidence;
}
export interface RawRelayEvent {
  type: 'raw-relay';
  why: string;
}
export interface ProtocolErrorEvent {
  type: 'protocol-error';
  side: Side;
  message: string;
}
/** The session ended the connection, because what the two sides want does not go together. */
export interface RefusedEvent {
  type: 'refused';
  code: string;
  message: string;
}
/** The server named an address for the client to connect to instead (MariaDB's redirect_url); once a session. */
export interface RedirectRemovedEvent {
  type: 'redirect-removed';
}
/** A rule's circuit breaker opened (again), or closed after a rewrite that was tried. */
export interface BreakerEvent {
  type: 'breaker';
  rule: string;
  state: Exclude<BreakerState, 'half-open'>;
}
/** A limit of the configuration was reached, and something is not remembered or looked at. Once a session and limit. */
export interface LimitEvent {
  type: 'limit';
  /** Its key. */
  limit: 'inspect_bytes' | 'remembered_ids' | 'prepared_statements' | 'held_bytes' | 'memory_bytes';
}
/** The server said no, in the middle of the log-in. */
export interface LogInRefusedEvent {
  type: 'log-in-refused';
  user: string;
  database: string;
  application: string;
  /** SQLSTATE; MySQL, MariaDB: the error's number. */
  code: string;
}
/** A SELECT was seen often enough to open a transaction that should be anticipated: see /suggestions. */
export interface SuggestionEvent {
  type: 'suggestion';
  table: string;
  fingerprint: string;
}
export interface LoggedInEvent {
  type: 'logged-in';
  user: string;
  database: string;
  application: string;
}
/** Containment: detection or rewriting threw; the session goes on in raw relay. */
export interface StatementProblemEvent {
  type: 'problem';
  fingerprint: string;
  message: string;
}

/** Plain counters, read by the metrics; every statement is in exactly one of the first three. */
export interface SessionCounters {
  forwarded: number;
  rewritten: number;
  refused: number;
  /** Statements whose text was looked at. */
  inspected: number;
}

export interface Session {
  /** Consumes the chunk; the returned object is reused by the next call. */
  receive(side: Side, chunk: Buffer, now: number): Actions;
  /**
   * The handshake on this side is done: everything from now on is encrypted. Also called when the proxy itself has opened
   * the server's connection with TLS, before anything is sent there.
   */
  secured(side: Side, now: number): Actions;
  /** A timer asked for by wakeAt fired, or another session freed a guard key. */
  wake(now: number): Actions;
  /**
   * The client is gone before it was heard: what the server is told so that it does not take that for an error, until the
   * session says `end`. Only the server's bytes are given to it from here on, and what it has for the client is dropped.
   */
  clientLeft(now: number): Actions;
  /**
   * An error of the proxy's own, in the form in which the client can take it now. undefined: it cannot, because it is in
   * the middle of a message, or both sides have taken leave, or nothing is understood any more.
   */
  lastWord(word: LastWord): Buffer | undefined;
  /** One side closed; frees what is shared between sessions. */
  closed(): void;
  readonly counters: SessionCounters;
  readonly raw: boolean;
  /** Logged in, no transaction open and nothing owed: the connection can end without any loss. */
  readonly idle: boolean;
  /** One of the two has said good-bye: the end of the connection is no surprise. */
  readonly parted: boolean;
  /** A plan runs: there is more to say to the server, though the client may have said its last. */
  readonly planning: boolean;
}

/** Who the session is, known once the start-up message has been read. What rules match on. */
export interface SessionInfo {
  listener: string;
  user: string;
  database: string;
  /** PostgreSQL: application_name. MySQL, MariaDB: the connection attribute program_name. */
  application: string;
  /** MySQL, MariaDB: the connection attribute `interlock` is `off`. */
  optOut?: boolean;
  /** In [0, 1), drawn once a connection: a rule's canary takes the sessions below its share. Default 0: all take part. */
  lot?: number;
}

/** The loaded rules (config implements it). */
export interface RuleSet {
  forSession(info: SessionInfo): SessionRules;
  /** Goes up when the rules are exchanged: sessions then ask again. Undefined: they never are. */
  readonly version?: number;
}

export interface SessionRules {
  /** False when no rule can ever apply to this session: its statements are then not looked at. */
  active: boolean;
  /** A rule of the pattern `anticipate` may apply: every SELECT is then looked at. */
  anticipates?: boolean;
  /**
   * First rule of the pattern whose match fits the session and the table and whose mode is not off.
   * @param fingerprint of the statement; rules of the pattern `anticipate` name theirs
   */
  ruleFor(pattern: PatternId, table: Name, fingerprint?: string): Rule | undefined;
}

/** Named limits of one session; over one of them things are forgotten and counted, never guessed. Config: limits. */
export interface SessionLimits {
  /** Longest message that is framed as a whole; longer: the connection ends. PG's own limit is 1 GB. */
  messageBytes: number;
  /** Statements (and Bind messages) longer than this are relayed without being looked at. */
  inspectBytes: number;
  /** Ids remembered of one read. */
  rememberedIds: number;
  /** Prepared statements remembered, and portals. */
  preparedStatements: number;
  /** Reply of a locking read that is held until it is complete. */
  heldBytes: number;
  /** Milliseconds that one look of a rule with `evidence` may take. */
  evidenceTimeout: number;
}

/** What the event of a finding does not say, because it holds literals. */
export interface FindingTexts {
  statement: Statement;
  settings: LexerSettings;
  finding: Pick<Finding, 'rule' | 'began'>;
  /** What went out in the statement's place, but for what stands around it. */
  sent: Buffer | undefined;
}

/** For those who show findings. Told synchronously, behind the event; must not throw and must not keep any of it as it is. */
export interface FindingWatcher {
  seen(event: FindingEvent, texts: FindingTexts): void;
}

/** What all sessions of one process share; created once by the proxy. */
export interface SharedState {
  /** The grammar of a session's dialect; loaded when the process starts. */
  witness: (dialect: Dialect) => Witness;
  facts: FactsCache;
  guards: GuardQueue;
  breaker: Breaker;
  /** Rests the looks of a rule that fail: a look costs time. */
  looks: Breaker;
  cancels: Cancels;
  /** What all sessions may remember together. */
  memory: Budget;
  findings?: FindingWatcher | undefined;
  /** Learns which transactions should be anticipated; undefined: nobody does. */
  learner?: Learner | undefined;
}

/** Which legs can be encrypted, and which must be. */
export interface TlsPolicy {
  /** off also where the client cannot want it: on a unix socket. */
  client: 'off' | 'allow' | 'require';
  /** prefer: where the server has it; require: else the session ends. What is verified is the proxy's business. */
  server: 'off' | 'prefer' | 'require';
  /** Legs that nobody else can read without TLS either: unix sockets. */
  secure?: Readonly<Record<Side, boolean>>;
}

export interface StatementRecorder {
  /**
   * @param session tells the sessions of a process apart
   * @param settings undefined: bytes are ambiguous to the lexer, nobody knows what is a literal
   * @param status of the transaction behind the reply, as far as it is known
   */
  completed(
    session: object,
    dialect: Dialect,
    settings: LexerSettings | undefined,
    statement: Statement,
    outcome: Outcome,
    status: TransactionStatus,
  ): void;
  /** PostgreSQL: ReadyForQuery, which alone is sure of the status. */
  ready(session: object, status: TransactionStatus): void;
}

/** What the proxy gives to every session. */
export interface SessionOptions {
  listener: string;
  rules: RuleSet;
  limits: SessionLimits;
  shared: SharedState;
  /** Names the server (host:port) in cache keys. */
  server: string;
  /** What the listener says about TLS. Default: neither leg has it. */
  tls?: TlsPolicy;
  /** Of MySQL; needed where one leg may be secure and the other not. */
  passwords?: PasswordKeys | undefined;
  /** See SessionInfo. */
  lot?: number;
  /** Told of every statement when its reply is complete: `interlock record`. */
  recorder?: StatementRecorder;
  /** Asks the proxy to call session.wake(now) soon, outside the current call. */
  wakeSoon: () => void;
}

/** RSA for passwords that change legs; outside the core, because encryption is random. */
export interface PasswordKeys {
  /** PEM of the process's own key. */
  publicKey: Buffer;
  /** @returns undefined: not encrypted with that key */
  decrypt(block: Buffer): Buffer | undefined;
  /** @param key PEM of the server @returns undefined: not a key, or too short for the secret */
  encrypt(key: Buffer, secret: Buffer): Buffer | undefined;
}
