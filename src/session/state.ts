/**
 * What the sessions of both protocols share: who is connected, what its transaction did, what goes out, what is counted.
 * The protocol's own state stands in the subclass beside its codec.
 */
import type { Share } from '../memory/budget.ts';
import { defaultMemoryLimits } from '../memory/limits.ts';
import { TransactionMemory } from '../memory/memory.ts';
import type { Outcome, Statement, TransactionStatus } from '../memory/types.ts';
import type { Dialect, LexerSettings } from '../sql/shape.ts';
import { Output } from './output.ts';
import type { Run } from './run.ts';
import type {
  FindingEvent,
  LimitEvent,
  SessionCounters,
  SessionInfo,
  SessionOptions,
  SessionRules,
} from './types.ts';

export abstract class SessionState {
  readonly options: SessionOptions;
  /** What this session may keep of what all may. */
  readonly share: Share;
  readonly memory: TransactionMemory;
  readonly output = new Output();
  readonly counters: SessionCounters = { forwarded: 0, rewritten: 0, refused: 0, inspected: 0 };
  /** Identity of the session in the guard queue. */
  readonly owner = {};
  info: SessionInfo;
  rules: SessionRules = { active: false, ruleFor: () => undefined };
  /** Monotonic milliseconds of the present call. */
  now = 0;
  status: TransactionStatus = 'I';
  /** Logged in. */
  ready = false;
  run: Run | undefined;
  /** Nothing is understood any more, or nothing has to be: bytes are passed on as they come. */
  raw = false;
  /** What names mean to this session, as a plan last saw it: role, schema, search path. Key of the facts cache. */
  environment: string | undefined;
  abstract settings: LexerSettings;
  private guardKeys: string[] = [];
  private readonly limitsReached: LimitEvent['limit'][] = [];

  constructor(options: SessionOptions) {
    this.options = options;
    this.share = options.shared.memory.share(() => this.reached('memory_bytes'));
    this.memory = new TransactionMemory(
      { ...defaultMemoryLimits, rememberedIds: options.limits.rememberedIds },
      this.share,
    );
    this.info = { listener: options.listener, user: '', database: '', application: '' };
  }

  get dialect(): Dialect {
    return this.settings.dialect;
  }

  /** The bytes of a statement can be read as text by lexer and witness. */
  abstract get readable(): boolean;

  /** Statements whose replies are not complete: the memory does not know their effect. */
  abstract get outstanding(): number;

  /** Ends both connections with a proper error to the client. Fail closed. */
  abstract fatal(reason: 'protocol' | 'internal', message: string): void;

  /** Ends the session because the server cannot be had as configured. */
  abstract cannotConnect(message: string): void;

  begin(info: SessionInfo): void {
    const { rules, lot } = this.options;
    this.info = lot === undefined ? info : { ...info, lot };
    this.rules = rules.forSession(this.info);
  }

  loggedIn(): void {
    const { user, database, application } = this.info;
    this.ready = true;
    this.output.event({ type: 'logged-in', user, database, application });
  }

  completed(statement: Statement, outcome: Outcome): void {
    if (this.rules.active) this.memory.completed(statement, outcome, this.now);
  }

  /** Something is forgotten, or was never kept. Told once a session and limit. */
  reached(limit: LimitEvent['limit']): void {
    if (this.limitsReached.includes(limit)) return;
    this.limitsReached.push(limit);
    this.output.event({ type: 'limit', limit });
  }

  /** Behind completed(), when the status is known as well as it will be. */
  protected record(statement: Statement, outcome: Outcome): void {
    this.options.recorder?.completed(this.owner, this.settings, statement, outcome, this.memory.status);
  }

  finding(event: Omit<FindingEvent, 'type'>): void {
    this.output.event({ type: 'finding', ...event });
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
  outOfSync(why: string, owed = this.run !== undefined): void {
    if (!owed) return this.goRaw('out-of-sync');
    this.output.event({ type: 'protocol-error', side: 'server', message: why });
    this.fatal('protocol', `lost track of the server's replies: ${why}`);
  }

  goRaw(why: string): void {
    if (this.raw) return;
    this.raw = true;
    this.leaveGuards();
    this.memory.reset();
    this.output.event({ type: 'raw-relay', why });
  }
}
