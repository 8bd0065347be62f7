/**
 * One session of an application, played from what it said and was answered: the same memory, detection, plans and grammar
 * as in the proxy, with an assumed catalog in place of a server's. Pure: no protocol, no server, a clock of its own.
 *
 * What the server would be asked inside a plan (isolation level, read-only state) is followed from the statements.
 */
import { catalogChange } from '../facts/mysql.ts';
import { defaultMemoryLimits } from '../memory/limits.ts';
import { TransactionMemory } from '../memory/memory.ts';
import type { IsolationLevel } from '../memory/isolation.ts';
import type { Outcome, Statement, StatementError, TransactionStatus } from '../memory/types.ts';
import { detect } from '../patterns/detect.ts';
import type { Reason } from '../patterns/reasons.ts';
import type { Finding, PatternId, Plan, ServerState } from '../patterns/types.ts';
import type { Rule } from '../patterns/rule.ts';
import { SentStatement, StatementText } from '../session/statement.ts';
import type { SessionRules } from '../session/types.ts';
import type { LexerSettings, Name, Shape } from '../sql/shape.ts';
import type { Witness } from '../sql/witness/types.ts';
import type { AssumedCatalog } from './assumed.ts';
import { PostgresLevel } from './postgres-level.ts';
import type { Said } from './said.ts';

export interface PlaybackOptions {
  lexer: LexerSettings;
  witness: Witness;
  catalog: AssumedCatalog;
  rules: SessionRules;
  /** Of transactions that do not say otherwise. */
  isolation: IsolationLevel;
  database?: string;
}

/** What the patterns say of one statement. */
export interface Verdict {
  pattern: PatternId;
  rule: Rule;
  table: Name;
  rows: number;
  /** What the proxy would do, in the words of its log. */
  decision: 'rewritten' | 'guarded' | 'observed' | 'refused';
  reason?: Reason;
  /** With rewritten and observed: what would be sent, in order, but for the look-ups and the guard. */
  sent?: Buffer[];
  guard?: 'try' | 'wait' | 'none';
  assumed: string[];
}

export interface Played {
  shape: Shape;
  fingerprint: string;
  /** In front of the statement. */
  status: TransactionStatus;
  verdict: Verdict | undefined;
}

const defaultDatabase = 'db';

export class Playback {
  private readonly options: PlaybackOptions;
  private readonly memory = new TransactionMemory(defaultMemoryLimits);
  private readonly level: PostgresLevel;
  private database: string;
  private sessionLevel: IsolationLevel;
  private status: TransactionStatus = 'I';
  private autocommit = true;
  private now = 0;

  constructor(options: PlaybackOptions) {
    this.options = options;
    this.database = options.database ?? defaultDatabase;
    this.sessionLevel = options.isolation;
    this.level = new PostgresLevel(options.isolation);
    if (!this.postgres) this.memory.speak(options.lexer.dialect);
  }

  say(said: Said): Played {
    const { lexer } = this.options;
    const { parameters } = said;
    const source = new StatementText(Buffer.from(said.sql, 'utf8'), lexer);
    const bound = parameters === undefined ? undefined : { parameters, bytes: 0 };
    const statement = new SentStatement(source, bound === undefined ? 'simple' : 'extended', bound);
    this.now += said.after ?? 1;
    this.memory.arriving(this.now);
    const before = this.open;
    const verdict = this.verdict(statement, said);
    this.answered(statement, said);
    return { shape: statement.shape, fingerprint: statement.head.fingerprint, status: before, verdict };
  }

  private get postgres(): boolean {
    return this.options.lexer.dialect === 'postgres';
  }

  /** As the session has it: with autocommit off a transaction is open at all times. */
  private get open(): TransactionStatus {
    return this.autocommit ? this.status : 'T';
  }

  private verdict(statement: Statement, said: Said): Verdict | undefined {
    const { lexer, witness, rules } = this.options;
    const found = detect({
      dialect: lexer.dialect,
      lexer,
      memory: this.memory,
      statement,
      now: this.now,
      status: this.open,
      database: this.database,
      witness,
      anticipates: rules.anticipates === true,
      ruleFor: (pattern, table) => rules.ruleFor(pattern, table, statement.head.fingerprint),
    });
    if (found === undefined) return undefined;
    if (found.kind === 'refusal') {
      const { pattern, rule, table, rows, reason } = found;
      return { pattern, rule, table, rows, decision: 'refused', reason, assumed: [] };
    }
    return this.planned(found.finding, statement, said);
  }

  private planned(finding: Finding, statement: Statement, said: Said): Verdict {
    const { catalog } = this.options;
    const { pattern, rule, table, rows, question } = finding;
    const keys = this.keys(statement);
    const insert = this.memory.failedInsert?.statement;
    const facts = catalog.facts(
      question,
      this.database,
      keys,
      insert === undefined ? [] : [insert, statement],
    );
    const refused = this.postgres ? this.level.refuses : undefined;
    const plan = refused === undefined ? finding.plan(facts, this.server) : { reason: refused };
    const common = { pattern, rule, table, rows, assumed: catalog.assumptions(question, keys) };
    if ('reason' in plan) return { ...common, decision: 'refused', reason: plan.reason };
    const rewrites = rule.mode === 'rewrite';
    if (plan.edited === undefined)
      return { ...common, decision: rewrites ? 'guarded' : 'observed', guard: plan.guard.mode };
    const sent = sentBy(plan, said);
    if ('reason' in sent) return { ...common, decision: 'refused', reason: sent.reason };
    return {
      ...common,
      decision: rewrites ? 'rewritten' : 'observed',
      sent: sent.texts,
      guard: plan.guard?.mode ?? 'none',
    };
  }

  /** What the statements themselves treat as keys: of a DELETE its list's column, else the INSERT's columns that are read by. */
  private keys({ shape }: Statement): { key?: string; violated?: string[] } {
    if (shape.kind === 'delete') return shape.list === undefined ? {} : { key: shape.list.column.column };
    const insert = this.memory.failedInsert?.shape;
    if (shape.kind !== 'select' || insert === undefined) return {};
    const pinned = shape.equalities.map(({ column }) => column.column);
    return { violated: [...new Set(pinned)].filter((name) => insert.columns.includes(name)) };
  }

  private get server(): ServerState | undefined {
    if (this.postgres) return undefined;
    return {
      isolation: this.sessionLevel,
      readOnly: false,
      snapshotIsolation: false,
      safeUpdates: false,
      foreignKeyChecks: true,
      selectLimited: false,
      database: this.database,
    };
  }

  private answered(statement: Statement, said: Said): void {
    const wanted = this.memory.wantsRows(statement);
    const outcome = this.outcome(statement, said, wanted);
    this.now += 1;
    this.memory.completed(statement, outcome, this.now);
    const before = this.status;
    const next = said.status ?? this.statusAfter(statement, outcome);
    if (this.postgres) {
      this.level.follow(statement, before, next);
      this.status = next;
      this.memory.ready(next, this.now);
    } else this.mysqlStatus(statement, before, next, outcome.error);
  }

  private mysqlStatus(
    { shape, text }: Statement,
    before: TransactionStatus,
    next: TransactionStatus,
    error: StatementError | undefined,
  ): void {
    if (shape.kind === 'set-isolation' && shape.scope === 'session' && shape.level !== undefined)
      this.sessionLevel = shape.level;
    const start = text.toString('latin1', 0, 200);
    const set = /^\s*set\s+(?:session\s+|@@(?:session\.)?)?autocommit\s*=\s*(\w+)/i.exec(start)?.[1];
    if (set !== undefined) this.autocommit = !/^(?:0|off|false)$/i.test(set);
    const used = /^\s*use\s+`?([^`;\s]+)/i.exec(start)?.[1];
    if (used !== undefined) this.database = used;
    // An error comes without flags, but for those that roll the transaction back.
    const rolledBack = error?.errno === 1213 || error?.errno === 1020;
    if (error !== undefined && !rolledBack) return;
    if (before === 'T' && next === 'I') this.memory.ready('I', this.now);
    this.status = next;
    this.memory.ready(this.open, this.now);
  }

  private statusAfter(statement: Statement, { error }: Outcome): TransactionStatus {
    const { status } = this;
    const { shape } = statement;
    if (error !== undefined) {
      if (error.errno === 1213 || error.errno === 1020) return 'I';
      return status === 'T' && this.postgres ? 'E' : status;
    }
    switch (shape.kind) {
      case 'begin':
        return status === 'E' ? 'E' : 'T';
      case 'commit':
      case 'rollback':
        return shape.chain ? 'T' : 'I';
      case 'rollback-to':
        return 'T';
      case 'noise':
      case 'set-isolation':
        return status;
      default:
        if (status === 'E' || this.postgres) return status;
        if (statement.word === 'set') return status;
        if (catalogChange(statement) === 'tables') return 'I';
        // With autocommit off the first statement that uses a table opens a transaction.
        return this.autocommit ? status : 'T';
    }
  }

  private outcome(statement: Statement, { answer }: Said, wanted: boolean): Outcome {
    const { shape } = statement;
    if (this.postgres && this.status === 'E' && !endsFailure(shape)) return { error: { code: '25P02' } };
    switch (answer.kind) {
      case 'error':
        return { error: this.error(answer, shape) };
      case 'done':
        return { tag: tagOf(statement, answer.affected) };
      case 'rows':
      case 'unknown': {
        if (shape.kind !== 'select' && answer.kind === 'unknown') return { tag: tagOf(statement, undefined) };
        return this.rows(statement, answer, wanted);
      }
    }
  }

  private rows(
    { shape }: Statement,
    answer: Extract<Said['answer'], { kind: 'rows' | 'unknown' }>,
    wanted: boolean,
  ): Outcome {
    const { count, values } = answer.kind === 'rows' ? answer : { count: 0, values: undefined };
    const known = values?.map((value) => (value === null ? null : toBytes(value)));
    const { catalog } = this.options;
    const column = shape.kind === 'select' ? catalog.column(shape, known ?? [], this.database) : undefined;
    const type = answer.kind === 'rows' ? answer.type : undefined;
    const first = column === undefined || type === undefined ? column : { ...column, type };
    const captured = wanted || count === 0 ? known : undefined;
    return {
      tag: `SELECT ${count}`,
      read: {
        columns: first === undefined ? undefined : [first],
        rows: count,
        values: captured,
        ...(captured === undefined && { cut: 'unread' as const }),
      },
    };
  }

  private error(answer: Extract<Said['answer'], { kind: 'error' }>, shape: Shape): StatementError {
    const { code, key, schema, table } = answer;
    if (/^\d{4}$/.test(code))
      return { code: '', errno: Number(code), ...(key !== undefined && { constraint: toBytes(key) }) };
    const target = shape.kind === 'insert' ? shape.table : undefined;
    const error: StatementError = { code };
    const named = table === undefined ? target?.name : toBytes(table);
    if (key !== undefined) error.constraint = toBytes(key);
    if (named !== undefined) error.table = named;
    error.schema = schema === undefined ? (target?.schema ?? 'public') : toBytes(schema);
    return error;
  }
}

/** The core's texts are bytes as latin1. */
function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function endsFailure({ kind }: Shape): boolean {
  return kind === 'rollback' || kind === 'rollback-to' || kind === 'commit';
}

function tagOf({ shape, text }: Statement, affected: number | undefined): string {
  const count = affected ?? 1;
  switch (shape.kind) {
    case 'insert':
      return `INSERT 0 ${count}`;
    case 'update':
    case 'delete':
      return `${shape.kind.toUpperCase()} ${count}`;
    case 'begin':
      return 'BEGIN';
    default:
      return (/^\s*(\w+)/.exec(text.toString('latin1', 0, 64))?.[1] ?? '').toUpperCase();
  }
}

/** What a plan puts in the statement's place; InnoDB's locking read takes the row's key from the result where it is known. */
function sentBy(plan: Plan, { answer }: Said): { texts: Buffer[] } | { reason: Reason } {
  const around = (text: Buffer): Buffer[] => [
    ...plan.before.map((one) => Buffer.from(one)),
    text,
    ...plan.after.map((one) => Buffer.from(one)),
  ];
  if (plan.probe === undefined) return { texts: around(plan.edited.text) };
  const key = answer.kind === 'rows' && answer.count === 1 ? answer.values?.[0] : undefined;
  if (key === undefined) return { texts: [plan.probe.text, plan.edited.text] };
  const locking = plan.probe.locking([key]);
  return 'reason' in locking ? locking : { texts: [plan.probe.text, locking.text] };
}
