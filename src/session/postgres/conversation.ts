/** The state of one PostgreSQL session that its client side, its server side and a running plan share. */
import type { TransactionStatus } from '../../memory/types.ts';
import type { LexerSettings } from '../../sql/shape.ts';
import { client } from '../../wire/postgres/codes.ts';
import { writeError } from '../../wire/postgres/writers.ts';
import { SessionState } from '../state.ts';
import type { SessionOptions, Side } from '../types.ts';
import type { Execution } from './execution.ts';
import type { Expected, ExpectedKind } from './expected.ts';
import { ReplyQueue } from './expected.ts';
import type { PlanRun } from './plan-run.ts';
import { Named } from './prepared.ts';
import type { Portal, Prepared } from './prepared.ts';

/** Encodings in which no byte of a multi-byte character is ASCII, so that a lexer over bytes cannot be fooled. */
const safeEncoding = /^(UTF8|UNICODE|SQL_ASCII|LATIN\d+|ISO_8859_\d+|WIN\d+|KOI8[RU]|EUC_\w+)$/i;

/** So many statements, and as many Bind messages, of the greatest length that is looked at may be kept. */
const longestRemembered = 16;

/** What the server answers with ReadyForQuery. */
const endsPipeline: ReadonlySet<ExpectedKind> = new Set(['startup', 'query', 'call', 'sync']);

export class Conversation extends SessionState {
  readonly replies = new ReplyQueue();
  readonly prepared: Named<Prepared>;
  readonly portals: Named<Portal>;
  /** The server skips everything up to the client's next Sync. */
  serverSkips = false;
  /** A plan's error went to the client in an extended sequence: its messages up to its Sync are dropped here, as the server would have. */
  dropToSync = false;
  copyIn = false;
  /** Messages of the extended protocol have no Sync behind them yet: a transaction may be open that no status tells of. */
  unsynced = false;
  /** The server's statement_timeout in milliseconds, as a plan last saw it; 0: none, or not known. */
  statementTimeout = 0;
  declare run: PlanRun | undefined;
  settings: LexerSettings = {
    dialect: 'postgres',
    standardConformingStrings: true,
    ansiQuotes: true,
    noBackslashEscapes: true,
  };
  /** Legs that are encrypted. */
  readonly encrypted: Record<Side, boolean> = { client: false, server: false };
  private encoding = '';
  private key: string | undefined;

  constructor(options: SessionOptions) {
    super(options);
    const { preparedStatements, inspectBytes } = options.limits;
    const full = () => this.reached('prepared_statements');
    this.prepared = new Named(preparedStatements, longestRemembered * inspectBytes, this.share, full);
    this.portals = new Named(preparedStatements, longestRemembered * inspectBytes, this.share, full);
  }

  /** libpg-query assumes standard_conforming_strings. */
  get readable(): boolean {
    return this.settings.standardConformingStrings && safeEncoding.test(this.encoding);
  }

  get outstanding(): number {
    return this.replies.executions;
  }

  get betweenTransactions(): boolean {
    return this.status === 'I';
  }

  protected override startAnew(): void {
    super.startAnew();
    // A name may mean another text by now.
    this.prepared.clear();
    this.portals.clear();
  }

  protected get unfinished(): boolean {
    return this.replies.ours > 0 || this.dropToSync;
  }

  /** Process id and secret of the session, as the server gave them out: who sends them may cancel what waits here. */
  cancelKey(key: string): void {
    this.key = key;
    this.options.shared.cancels.register(key, () => this.run?.cancel() ?? false);
  }

  override leaveGuards(): void {
    if (this.key !== undefined) this.options.shared.cancels.forget(this.key);
    super.leaveGuards();
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
      entry?.undo?.undo();
      return;
    }
    if (entry.kind !== 'copy-end') this.unsynced = !endsPipeline.has(entry.kind);
    this.replies.push(entry);
  }

  executed(execution: Execution): void {
    const outcome = execution.outcome();
    this.completed(execution.statement, outcome);
    this.record(execution.statement, outcome);
  }

  readyForQuery(status: TransactionStatus): void {
    this.status = status;
    this.options.recorder?.ready(this.owner, status);
    if (status === 'I') {
      this.releaseGuards();
      this.portals.clear();
    }
    this.told(status);
  }

  fatal(reason: 'protocol' | 'internal', message: string): void {
    this.refuse(reason === 'protocol' ? '08P01' : 'XX000', `interlock: ${message}`);
  }

  /** @param code SQLSTATE */
  refuse(code: string, message: string, hint?: string): void {
    if (this.output.ending) return;
    this.output.toClient(
      writeError({ severity: 'FATAL', code, message, ...(hint !== undefined && { hint }) }),
    );
    this.output.end();
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
