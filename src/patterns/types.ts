/**
 * Steps 6 and 7 of the flow: memory + statement -> finding or refusal; finding + facts -> plan or refusal. Pure data:
 * a plan is written here and run by the session, which alone knows the protocol.
 */
import type { Facts, FactsQuestion } from '../facts/types.ts';
import type { Parameters, Statement, TransactionStatus } from '../memory/types.ts';
import type { TransactionMemory } from '../memory/memory.ts';
import type { Dialect, LexerSettings, Name } from '../sql/shape.ts';
import type { Witness } from '../sql/witness/types.ts';
import type { Looks, ReadLook, WriteLook } from './evidence.ts';
import type { Reason } from './reasons.ts';
import type { Rule } from './rule.ts';

export type PatternId = 'split-delete' | 'unlocked-read-after-unique-violation' | 'anticipate';

/** What a pattern may ask of the session. */
export interface DetectionContext {
  dialect: Dialect;
  /** How the session's server reads text now. */
  lexer: LexerSettings;
  memory: TransactionMemory;
  statement: Statement;
  /** Milliseconds, monotonic. */
  now: number;
  /** As the last ReadyForQuery had it; the memory may know more, inside a pipeline. */
  status: TransactionStatus;
  /** The database that the client named at log-in. */
  database: string;
  /** The real grammar; asked by plan() only, once per shape of text. */
  witness: Witness;
  /** A rule of the pattern `anticipate` may apply to the session. */
  anticipates?: boolean;
  /** The first rule of this pattern that matches the session, this table and this statement; undefined: the pattern is off here. */
  ruleFor(pattern: PatternId, table: Name): Rule | undefined;
}

/** A pattern that must be left alone, and why. */
export interface Refusal {
  kind: 'refusal';
  pattern: PatternId;
  rule: Rule;
  reason: Reason;
  table: Name;
  rows: number;
  /** As a finding's. */
  began?: Statement | undefined;
}

/** Nothing / a pattern that must be left alone, and why / a pattern that may be rewritten once the facts are known. */
export type Detection = undefined | Refusal | { kind: 'finding'; finding: Finding };

export interface Finding {
  pattern: PatternId;
  rule: Rule;
  table: Name;
  question: FactsQuestion;
  /** Rows that the remembered read returned. */
  rows: number;
  /** What the sequence began with: the read, or the INSERT that failed. Undefined: with the statement itself. */
  began?: Statement | undefined;
  /** No pattern, but the UPDATE that shows what one has cost: nothing is planned. */
  writeLook?: WriteLook;
  /**
   * Turns the finding into a plan once the facts are there. Does the witness check and the proof as well.
   * @param server MySQL and MariaDB: given. PostgreSQL: the session itself refuses by isolation level.
   */
  plan(facts: Facts, server?: ServerState): Plan | GuardPlan | { reason: Reason };
}

/** What a MySQL or MariaDB server says of the session, asked inside the transaction in front of a plan. */
export interface ServerState {
  /** For transactions that begin after the last SET; memory knows of later ones. */
  isolation: 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable';
  readOnly: boolean;
  /** MariaDB's innodb_snapshot_isolation. */
  snapshotIsolation: boolean;
  safeUpdates: boolean;
  foreignKeyChecks: boolean;
  /** sql_select_limit is set: it cut the app's SELECT and would not cut a DELETE (reason `limit`). */
  selectLimited: boolean;
  /** The default database, '' if there is none. */
  database: string;
}

export interface GuardKey {
  /** Two-integer form of PG's advisory locks: Interlock's own class and a hash of database, schema and table. */
  classId: number;
  key: number;
  /** Names the process-wide queue. PG: what was hashed. MySQL, MariaDB: the name that GET_LOCK takes. */
  name: string;
}

/** What a session takes before it goes on: a lock per table, held to the end of the transaction. */
export interface Guard {
  key: GuardKey;
  mode: 'try' | 'wait';
  waitMs: number;
}

/** The guard is taken, then the client's own statement is sent as it came. */
export interface GuardPlan {
  pattern: PatternId;
  rule: Rule;
  guard: Guard;
  edited: undefined;
}

/** How the session runs it: guard, then SAVEPOINT, before, edited, after, RELEASE; on error ROLLBACK TO and the original. */
export interface Plan {
  pattern: PatternId;
  rule: Rule;
  guard?: Guard;
  /** Statements inside the savepoint in front of the edited one. */
  before: string[];
  edited: { text: Buffer; parameters: Parameters };
  /** Statements inside the savepoint behind the edited one. */
  after: string[];
  /** InnoDB, pattern 2. `edited` is then what is sent when the locked read returns another number of rows. */
  probe?: Probe;
  /** Of a rule with `evidence`: what shows whether the race happens, or why nothing is asked. */
  looks?: Looks | { reason: Reason };
  /** The same of an unlocked read. */
  readLook?: ReadLook | { reason: Reason };
  /** 'tag': a CommandComplete is held. 'rows': a result set is held, at most holdBytes. */
  reply: 'tag' | 'rows';
}

/**
 * The row's primary key is read first and the row locked by it: a lock through the violated key deadlocks two losers,
 * which both hold a shared lock on its index record (treatments.md).
 */
export interface Probe {
  /** Returns one column, the primary key, of the rows that the read would return. */
  text: Buffer;
  parameters: Parameters;
  /** The locking read for the keys that came, or why the plain read is sent. */
  locking(keys: readonly (string | null)[]): { text: Buffer; parameters: Parameters } | { reason: Reason };
}
