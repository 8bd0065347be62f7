/** The state of one PostgreSQL session that its client side, its server side and a running plan share. */
import { defaultMemoryLimits } from '../../memory/limits.ts';
import { TransactionMemory } from '../../memory/memory.ts';
import type { TransactionStatus } from '../../memory/types.ts';
import type { LexerSettings } from '../../sql/shape.ts';
import { client } from '../../wire/postgres/codes.ts';
import { writeError } from '../../wire/postgres/writers.ts';
import type {
  FindingEvent,
  PostgresSessionOptions,
  SessionCounters,
  SessionInfo,
  SessionRules,
} from '../types.ts';
import type { Execution } from './execution.ts';
import type { Expected } from './expected.ts';
import { ReplyQueue } from './expected.ts';
import { Output } from './output.ts';
import type { PlanRun } from './plan-run.ts';
import { Named } from './prepared.ts';
import type { Portal, Prepared } from './prepared.ts';

/** Encodings in which no byte of a multi-byte character is ASCII, so that a lexer over bytes cannot be fooled. */
const safeEncoding = /^(UTF8|UNICODE|SQL_ASCII|LATIN\d+|ISO_8859_\d+|WIN\d+|KOI8[RU]|EUC_\w+)$/i;

export class Conversation {
  readonly options: PostgresSessionOptions;
  readonly memory: TransactionMemory;
  readonly output = new Output();
  readonly replies = new ReplyQueue();
  readonly counters: SessionCounters = { forwarded: 0, rewritten: 0, refused: 0, inspected: 0 };
  readonly prepared: Named<Prepared>;
  readonly portals: Named<Portal>;
  /** Identity of the session in the guard queue. */
  readonly owner = {};
  info: SessionInfo;
  rules: SessionRules = { active: false, ruleFor: () => undefined };
  now = 0;
  status: TransactionStatus = 'I';
  ready = false;
  /** The server skips everything up to the client's next Sync. */
  serverSkips = false;
  /** A plan's error went to the client in an extended sequence: its messages up to its Sync are dropped here, as the server would have. */
  dropToSync = false;
  copyIn = false;
  run: PlanRun | undefined;
  /** Nothing is understood any more, or nothing has to be: bytes are passed on as they come. */
  raw = false;
  settings: LexerSettings = {
    dialect: 'postgres',
    standardConformingStrings: true,
    ansiQuotes: true,
    noBackslashEscapes: true,
  };
  /** What names mean to this session, as a plan last saw it: role and search path. Key of the facts cache. */
  environment: string | undefined;
  private encoding = '';
  private guardKeys: string[] = [];

  constructor(options: PostgresSessionOptions) {
    this.options = options;
    this.memory = new TransactionMemory({
      ...defaultMemoryLimits,
      rememberedIds: options.limits.rememberedIds,
    });
    this.prepared = new Named(options.limits.preparedStatements);
    this.portals = new Named(options.limits.preparedStatements);
    this.info = { listener: options.listener, user: '', database: '', application: '' };
  }

  /** Bytes can be read as text by the lexer and by libpg-query, which assumes standard_conforming_strings. */
  get readable(): boolean {
    return this.settings.standardConformingStrings && safeEncoding.test(this.encoding);
  }

  parameterStatus(name: string, value: string): void {
    if (name === 'client_encoding') this.encoding = value;
    else if (name === 'standard_conforming_strings')
      this.settings = { ...this.settings, standardConformingStrings: value === 'on' };
  }

  /** Passes one of the client's messages on and notes the reply it will cause. */
  forward(buf: Buffer, start: number, end: number, entry?: Expected): void {
    this.output.toServer(buf, start, end);
    if (entry === undefined || this.serverSkips) {
      entry?.undo?.();
      return;
    }
    this.replies.push(entry);
  }

  /** The transaction is over on the server, and with it every advisory lock that was taken in it. */
  releaseGuards(): void {
    if (this.guardKeys.length === 0) return;
    for (const key of this.guardKeys) this.options.shared.guards.release(key, this.owner);
    this.guardKeys = [];
  }

  /** The connection is gone; a guard that was being waited for is left as well. */
  leaveGuards(): void {
    this.run?.abandon();
    this.releaseGuards();
  }

  rememberGuard(key: string): void {
    if (!this.guardKeys.includes(key)) this.guardKeys.push(key);
  }

  completed(execution: Execution): void {
    if (!this.rules.active) return;
    this.memory.completed(execution.statement, execution.outcome(), this.now);
  }

  readyForQuery(status: TransactionStatus): void {
    this.status = status;
    if (status === 'I') {
      this.releaseGuards();
      this.portals.clear();
    }
    if (this.rules.active) this.memory.ready(status, this.now);
  }

  finding(event: Omit<FindingEvent, 'type'>): void {
    this.output.event({ type: 'finding', ...event });
  }

  /** Ends both connections with a proper error to the client. Fail closed. */
  fatal(code: string, message: string): void {
    if (this.output.ending) return;
    this.output.toClient(writeError({ severity: 'FATAL', code, message: `interlock: ${message}` }));
    this.output.end();
  }

  /**
   * The reply that came is not the one that was due. Raw relay keeps the session alive, unless the client is owed
   * something that only a plan knows.
   */
  outOfSync(why: string): void {
    if (this.run !== undefined || this.dropToSync) {
      this.output.event({ type: 'protocol-error', side: 'server', message: why });
      this.fatal('08P01', `lost track of the server's replies: ${why}`);
      return;
    }
    this.goRaw('out-of-sync');
  }

  goRaw(why: string): void {
    if (this.raw) return;
    this.raw = true;
    this.leaveGuards();
    this.memory.reset();
    this.output.event({ type: 'raw-relay', why });
  }
}

/** Client messages that cause no reply of their own. */
export function unanswered(type: number): boolean {
  return (
    type === client.flush ||
    type === client.copyData ||
    type === client.copyDone ||
    type === client.copyFail ||
    type === client.authentication ||
    type === client.terminate
  );
}
