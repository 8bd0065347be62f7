/**
 * What the sessions of both protocols share: who is connected, what its transaction did, what goes out, what is counted.
 * The protocol's own state stands in the subclass beside its codec.
 */
import type { Share } from '../memory/budget.ts';
import { defaultMemoryLimits } from '../memory/limits.ts';
import { TransactionMemory } from '../memory/memory.ts';
import type { Outcome, Statement, TransactionStatus } from '../memory/types.ts';
import { readHashes } from '../patterns/evidence.ts';
import type { ReadLook } from '../patterns/evidence.ts';
import type { Rule } from '../patterns/rule.ts';
import type { Dialect, LexerSettings, Name } from '../sql/shape.ts';
import { learnFrom } from './learning.ts';
import { Output } from './output.ts';
import { problemOf } from './problem.ts';
import type { Run } from './run.ts';
import type {
  FindingEvent,
  FindingTexts,
  LimitEvent,
  SessionCounters,
  SessionInfo,
  SessionOptions,
  SessionRules,
  TlsPolicy,
} from './types.ts';

const noRules: SessionRules = { active: false, ruleFor: () => undefined };

export abstract class SessionState {
  readonly options: SessionOptions;
  readonly tls: TlsPolicy;
  /** What this session may keep of what all may. */
  readonly share: Share;
  readonly memory: TransactionMemory;
  readonly output = new Output();
  readonly counters: SessionCounters = { forwarded: 0, rewritten: 0, refused: 0, inspected: 0 };
  /** Identity of the session in the guard queue. */
  readonly owner = {};
  info: SessionInfo;
  rules: SessionRules = noRules;
  /** Monotonic milliseconds of the present call. */
  now = 0;
  status: TransactionStatus = 'I';
  /** Logged in. */
  ready = false;
  /** One of the two has said good-bye. */
  parted = false;
  run: Run | undefined;
  /** Nothing is understood any more, or nothing has to be: bytes are passed on as they come. */
  raw = false;
  /** What names mean to this session, as a plan last saw it: role, schema, search path. Key of the facts cache. */
  environment: string | undefined;
  abstract settings: LexerSettings;
  private guardKeys: string[] = [];
  /** Of the rule set that `rules` are from. */
  private rulesVersion: number | undefined;
  /** Raw relay has been decided on, see settle(). */
  private leaving = false;
  private defect = false;
  /** A rewrite failed and the original was sent: whether that fails as well tells whose fault it was. */
  private fellBack: { statement: Statement; rule: Rule } | undefined;
  private readonly limitsReached: LimitEvent['limit'][] = [];

  constructor(options: SessionOptions) {
    this.options = options;
    this.tls = options.tls ?? { client: 'off', server: 'off' };
    this.share = options.shared.memory.share(() => this.reached('memory_bytes'));
    this.memory = new TransactionMemory(
      { ...defaultMemoryLimits, rememberedIds: options.limits.rememberedIds },
      this.share,
    );
    const { learner } = options.shared;
    if (learner !== undefined) this.memory.ended = (reads) => learnFrom(this, learner, reads);
    this.info = { listener: options.listener, user: '', database: '', application: '' };
  }

  get dialect(): Dialect {
    return this.settings.dialect;
  }

  /** The bytes of a statement can be read as text by lexer and witness. */
  abstract get readable(): boolean;

  /** Statements whose replies are not complete: the memory does not know their effect. */
  abstract get outstanding(): number;

  /** Something is due that the client must not see, or must not be sent: raw relay would get that wrong. */
  protected abstract get unfinished(): boolean;

  /** Ends both connections with a proper error to the client. Fail closed. */
  abstract fatal(reason: 'protocol' | 'internal', message: string): void;

  begin(info: SessionInfo): void {
    const { lot } = this.options;
    this.info = lot === undefined ? info : { ...info, lot };
    if (!this.leaving) this.askForRules();
  }

  private askForRules(): void {
    const { rules } = this.options;
    this.rulesVersion = rules.version;
    this.rules = this.guarded(undefined, () => rules.forSession(this.info)) ?? noRules;
  }

  /** The rules have been exchanged since this session asked for its own. */
  get outdated(): boolean {
    return this.rulesVersion !== this.options.rules.version;
  }

  /** No transaction is open: what a rule began, no other one can end. */
  abstract get betweenTransactions(): boolean;

  /** To be called between two transactions, when nothing is due. */
  followRules(): void {
    const { active } = this.rules;
    this.askForRules();
    if (this.rules.active !== active) this.startAnew();
  }

  /** Statements were not looked at, or will not be: what is known of the past cannot be relied on behind such a gap. */
  protected startAnew(): void {
    this.memory.reset();
    this.memory.unsure();
  }

  loggedIn(): void {
    const { user, database, application } = this.info;
    this.ready = true;
    this.output.event({ type: 'logged-in', user, database, application });
  }

  /** @param code SQLSTATE; MySQL, MariaDB: the error's number */
  refusedLogIn(code: string): void {
    const { user, database, application } = this.info;
    this.output.event({ type: 'log-in-refused', user, database, application, code });
  }

  completed(statement: Statement, outcome: Outcome): void {
    if (!this.rules.active) return;
    // No guarded() here and below: with every statement it would be another object.
    try {
      this.memory.completed(statement, outcome, this.now);
    } catch (error) {
      this.contain(error, statement);
    }
    if (this.fellBack?.statement !== statement) return;
    const { rule } = this.fellBack;
    this.fellBack = undefined;
    if (outcome.error === undefined) this.ruleFailed(rule);
    else this.options.shared.breaker.undecided(rule.id);
  }

  wantsRows(statement: Statement): boolean {
    try {
      return this.rules.active && this.memory.wantsRows(statement);
    } catch (error) {
      this.contain(error, statement);
      return false;
    }
  }

  /** @param answer what the look behind the read said */
  watch({ columns, key }: ReadLook, table: Name, answer: string): void {
    const hashes = readHashes(answer, columns);
    if (hashes !== undefined) this.memory.watch({ table, columns, key, hashes });
  }

  /** The server has said what state the transaction is in. */
  protected told(status: TransactionStatus): void {
    try {
      if (this.rules.active) this.memory.ready(status, this.now);
    } catch (error) {
      this.contain(error);
    }
  }

  /** The original was sent after the rewritten statement of this rule had failed. */
  originalSent(statement: Statement, rule: Rule): void {
    this.fellBack = { statement, rule };
  }

  /** A rewrite of this rule failed where the original did not, or a defect was contained. */
  ruleFailed({ id: rule }: Rule): void {
    const { breaker } = this.options.shared;
    if (breaker.failed(rule, this.now)) this.output.event({ type: 'breaker', rule, state: 'open' });
  }

  ruleSucceeded({ id: rule }: Rule): void {
    const { breaker } = this.options.shared;
    if (breaker.succeeded(rule)) this.output.event({ type: 'breaker', rule, state: 'closed' });
  }

  /** Something is forgotten, or was never kept. Told once a session and limit. */
  reached(limit: LimitEvent['limit']): void {
    if (this.limitsReached.includes(limit)) return;
    this.limitsReached.push(limit);
    this.output.event({ type: 'limit', limit });
  }

  /** Behind completed(), when the status is known as well as it will be. */
  protected record(statement: Statement, outcome: Outcome): void {
    const { recorder } = this.options;
    if (recorder === undefined) return;
    const { owner, memory, dialect } = this;
    const settings = this.readable ? this.settings : undefined;
    // No guarded() here, as in completed().
    try {
      recorder.completed(owner, dialect, settings, statement, outcome, memory.status);
    } catch (error) {
      this.contain(error, statement);
    }
  }

  finding(
    fields: Omit<FindingEvent, 'type'>,
    statement: Statement,
    finding: FindingTexts['finding'],
    sent?: Buffer,
  ): void {
    const event: FindingEvent = { type: 'finding', ...fields };
    // Where bytes are ambiguous to the lexer nobody knows what is a constant.
    if (this.readable)
      this.options.shared.findings?.seen(event, { statement, settings: this.settings, finding, sent });
    this.output.event(event);
  }

  rememberGuard(key: string): void {
    if (!this.guardKeys.includes(key)) this.guardKeys.push(key);
  }

  /** Names of the guards that this session's transaction holds, or did before it rolled a savepoint back. */
  get guards(): readonly string[] {
    return this.guardKeys;
  }

  /** The transaction is over on the server, and with it every guard that was taken in it. */
  releaseGuards(): void {
    if (this.guardKeys.length === 0) return;
    for (const key of this.guardKeys) this.options.shared.guards.release(key, this.owner);
    this.guardKeys = [];
  }

  /**
   * A savepoint was rolled back, and with it the guards that are younger. Nobody here knows which: others may ask the
   * server for them, and this session still may as well.
   */
  leaveLines(): void {
    for (const key of this.guardKeys) this.options.shared.guards.release(key, this.owner);
  }

  /** The connection is gone; a guard that was being waited for is left as well. */
  leaveGuards(): void {
    this.run?.abandon();
    this.releaseGuards();
  }

  /**
   * The reply that came is not the one that was due. Raw relay keeps the session alive, unless the client is owed
   * something that only a plan knows.
   */
  outOfSync(why: string): void {
    if (!this.owed) return this.goRaw('out-of-sync');
    this.output.event({ type: 'protocol-error', side: 'server', message: why });
    this.fatal('protocol', `lost track of the server's replies: ${why}`);
  }

  /** The client is owed something that only a plan knows. */
  get owed(): boolean {
    return this.run !== undefined || this.unfinished;
  }

  /** From here on nothing is looked at. */
  goRaw(why: string): void {
    if (this.leaving) return;
    this.leaving = true;
    this.rules = noRules;
    this.leaveGuards();
    this.memory.reset();
    this.output.event({ type: 'raw-relay', why });
    this.settle();
  }

  /** Raw relay begins when nothing is due that is not the client's. To be called when that may have come. */
  settle(): void {
    // A log-in is finished by who has begun it: passwords and legs may need it.
    const loggingIn = this.defect && !this.ready;
    if (this.leaving && !this.unfinished && !loggingIn) this.raw = true;
  }

  /**
   * Runs what understands: classification, memory, detection. A defect there costs the session that understanding, no
   * reply, and no other session anything. @returns undefined after a defect
   */
  guarded<T>(statement: Statement | undefined, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.contain(error, statement);
      return undefined;
    }
  }

  /** A defect of ours: told once, and this session goes on in raw relay. */
  contain(error: unknown, statement?: Statement): void {
    if (this.leaving) return;
    let fingerprint = '';
    try {
      fingerprint = statement?.head.fingerprint ?? '';
    } catch {
      // The classifier itself failed: there is no fingerprint.
    }
    this.output.event({ type: 'problem', fingerprint, message: problemOf(error) });
    this.defect = true;
    this.goRaw('problem');
  }
}
