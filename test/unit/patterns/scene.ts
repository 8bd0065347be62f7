/**
 * A session told as a list of statements with their outcomes, without a protocol: what memory and patterns see. Used by
 * the tables of cases in this folder.
 */
import { factsOf, mysqlFactsOf, serverOf } from './facts.ts';
import type { Facts } from '../../../src/facts/types.ts';
import { defaultMemoryLimits } from '../../../src/memory/limits.ts';
import type { MemoryLimits } from '../../../src/memory/limits.ts';
import { TransactionMemory } from '../../../src/memory/memory.ts';
import type {
  Cut,
  Outcome,
  Parameters,
  ResultColumn,
  Statement,
  StatementError,
  TransactionStatus,
} from '../../../src/memory/types.ts';
import { detect } from '../../../src/patterns/detect.ts';
import type { Reason } from '../../../src/patterns/reasons.ts';
import type { Mode, Rule } from '../../../src/patterns/rule.ts';
import { fingerprintsOf } from '../../../src/patterns/anticipate/fingerprints.ts';
import { anticipateSettings } from '../../../src/patterns/anticipate/settings.ts';
import { splitDeleteSettings } from '../../../src/patterns/split-delete/settings.ts';
import type { Detection, GuardPlan, PatternId, Plan, ServerState } from '../../../src/patterns/types.ts';
import { unlockedReadSettings } from '../../../src/patterns/unlocked-read-after-unique-violation/settings.ts';
import { StatementText } from '../../../src/session/statement.ts';
import { classify } from '../../../src/sql/classify.ts';
import type { Classified } from '../../../src/sql/classify.ts';
import type { Dialect, LexerSettings } from '../../../src/sql/shape.ts';
import type { Witness } from '../../../src/sql/witness/types.ts';

/** One statement and what the server says to it. */
export interface Step {
  sql: string;
  parameters?: Parameters;
  /** Values of the first column; `columns` describes them. Default: int4, attribute 1 of table 100. */
  rows?: (string | null)[];
  columns?: Partial<ResultColumn>[];
  cut?: Cut;
  error?: StatementError;
  /** Command tag, if not the usual one. */
  tag?: string;
  /** Milliseconds that the app took before it sent the statement. Default 1. */
  after?: number;
  /** MySQL: what the flags of the reply say, if not what the statement makes of it. */
  flags?: 'I' | 'T';
}

export interface Options {
  /** Default: postgres. */
  dialect?: Dialect;
  /** MySQL: what the server says of the session when a plan asks. */
  server?: Partial<ServerState>;
  /** MySQL: autocommit is off, so that the flags tell of a transaction at all times. */
  autocommitOff?: boolean;
  mode?: Mode;
  tablesNamed?: boolean;
  settings?: Record<string, unknown>;
  limits?: Partial<MemoryLimits>;
  facts?: Partial<Facts>;
  witness?: Witness;
  /** What the last ReadyForQuery said, if not what the steps make of it. */
  status?: TransactionStatus;
  /** Patterns that are on. Default: both. */
  patterns?: PatternId[];
}

export type Verdict = 'nothing' | 'found' | Reason;

export function lexerOf(dialect: Dialect): LexerSettings {
  return { dialect, standardConformingStrings: true, ansiQuotes: false, noBackslashEscapes: false };
}

export const column: ResultColumn = { name: 'id', tableId: 100, attribute: 1, type: 23, format: 0 };
/** INT NOT NULL AUTO_INCREMENT of shop.c. */
export const mysqlColumn: ResultColumn = {
  name: 'id',
  tableId: 0,
  attribute: 0,
  type: 3,
  format: 0,
  origin: { schema: 'shop', table: 'c', column: 'id', collation: 63 },
};

/** Shape and head are computed on first use, as in a session; `lexed` counts. */
export class SceneStatement implements Statement {
  lexed = 0;
  readonly text: Buffer;
  readonly parameters: Parameters | undefined;
  readonly via: 'simple' | 'extended';
  readonly word: Statement['word'];
  readonly alone: boolean;
  readonly bytes: number;
  private classified: Classified | undefined;
  private readonly lexer: LexerSettings;

  constructor(sql: string, parameters?: Parameters, dialect: Dialect = 'postgres') {
    this.lexer = lexerOf(dialect);
    const { text, word, alone } = new StatementText(Buffer.from(sql, 'latin1'), this.lexer);
    this.text = text;
    this.word = word;
    this.alone = alone;
    this.bytes = text.length;
    this.parameters = parameters;
    this.via = parameters === undefined ? 'simple' : 'extended';
  }

  get shape() {
    return this.classification.shape;
  }

  get head() {
    return this.classification.head;
  }

  private get classification(): Classified {
    this.lexed++;
    this.classified ??= classify(this.text, this.lexer);
    return this.classified;
  }
}

/** What a rule of the pattern `anticipate` names where a case does not. */
export const declared = 'SELECT c.id FROM c JOIN a ON a.id = c.a_id WHERE a.name = 1';

/** The real grammar agrees with everything; tests of the witness itself are in test/unit/sql. */
export const believer: Witness = {
  agrees: () => true,
  provesDelete: () => true,
  provesLockingRead: () => true,
};

export class Scene {
  readonly memory: TransactionMemory;
  now = 1000;
  private status: 'I' | 'T' | 'E' = 'I';
  private readonly options: Options;
  private readonly dialect: Dialect;

  constructor(options: Options = {}) {
    this.options = options;
    this.dialect = options.dialect ?? 'postgres';
    this.memory = new TransactionMemory({ ...defaultMemoryLimits, ...options.limits });
    if (this.dialect !== 'postgres') this.memory.speak(this.dialect);
    if (options.autocommitOff === true) this.flags('I');
  }

  /** The statement is sent and answered. */
  run(step: Step): void {
    const statement = new SceneStatement(step.sql, step.parameters, this.dialect);
    this.arrive(step);
    const captured = this.memory.wantsRows(statement);
    this.now += 5;
    const before = this.status;
    this.memory.completed(statement, this.outcome(step, statement, captured), this.now);
    if (this.dialect === 'postgres') this.memory.ready(this.status, this.now);
    else if (step.error === undefined) this.flags(step.flags ?? this.status, before);
  }

  /** As the session of MySQL does it: no flags come with an error, and autocommit off is a transaction at all times. */
  private flags(status: 'I' | 'T' | 'E', before = status): void {
    if (before === 'T' && status === 'I') this.memory.ready('I', this.now);
    this.status = status;
    this.memory.ready(this.options.autocommitOff === true ? 'T' : status, this.now);
  }

  arrive(step: Step): void {
    this.now += step.after ?? 1;
    this.memory.arriving(this.now);
  }

  /** The statement arrives: what do the patterns say? */
  detect(step: Step): Detection {
    this.arrive(step);
    return this.detectStatement(new SceneStatement(step.sql, step.parameters, this.dialect));
  }

  detectStatement(statement: Statement): Detection {
    return detect({
      dialect: this.dialect,
      lexer: lexerOf(this.dialect),
      memory: this.memory,
      statement,
      now: this.now,
      status: this.options.status ?? (this.options.autocommitOff === true ? 'T' : this.status),
      database: 'shop',
      witness: this.options.witness ?? believer,
      anticipates: true,
      ruleFor: (pattern) => this.rule(pattern, statement),
    });
  }

  verdict(step: Step): Verdict {
    const result = this.plan(step);
    if (result === undefined) return 'nothing';
    return 'reason' in result ? result.reason : 'found';
  }

  plan(step: Step): Plan | GuardPlan | { reason: Reason } | undefined {
    const detection = this.detect(step);
    if (detection === undefined) return undefined;
    if (detection.kind === 'refusal') return { reason: detection.reason };
    const { facts, server } = this.options;
    return this.dialect === 'postgres'
      ? detection.finding.plan(factsOf(facts))
      : detection.finding.plan(mysqlFactsOf(facts), serverOf(server));
  }

  private rule(pattern: PatternId, statement: Statement): Rule | undefined {
    const { patterns, mode = 'rewrite', tablesNamed = true, settings = {} } = this.options;
    if (patterns !== undefined && !patterns.includes(pattern)) return undefined;
    const base = { id: 'test', mode, match: {}, tablesNamed };
    if (pattern === 'anticipate') {
      const parsed = anticipateSettings.parse({ select: [declared], ...settings });
      const mine = fingerprintsOf(parsed.select).has(statement.head.fingerprint);
      return mine ? { ...base, pattern, settings: parsed } : undefined;
    }
    return pattern === 'split-delete'
      ? { ...base, pattern, settings: splitDeleteSettings.parse(settings) }
      : { ...base, pattern, settings: unlockedReadSettings.parse(settings) };
  }

  private outcome(step: Step, statement: SceneStatement, captured: boolean): Outcome {
    if (step.tag !== undefined) return { tag: step.tag };
    const { shape } = statement;
    if (step.error !== undefined) {
      if (this.status === 'T' && this.dialect === 'postgres') this.status = 'E';
      return { error: step.error };
    }
    switch (shape.kind) {
      case 'begin':
        if (this.status === 'I') this.status = 'T';
        return { tag: 'BEGIN' };
      case 'commit':
      case 'rollback':
        this.status = shape.chain ? 'T' : 'I';
        if (step.flags !== undefined) this.status = step.flags;
        return { tag: shape.kind.toUpperCase() };
      case 'rollback-to':
        this.status = 'T';
        return { tag: 'ROLLBACK' };
      case 'select': {
        // An InnoDB table has been read.
        if (this.options.autocommitOff === true) this.status = 'T';
        const rows = step.rows ?? [];
        const usual = this.dialect === 'postgres' ? column : mysqlColumn;
        const columns = (step.columns ?? [{}]).map((one) => ({ ...usual, ...one }));
        const values = captured && columns.length === 1 && step.cut === undefined ? rows : undefined;
        const read = { columns, rows: rows.length, values, ...(step.cut && { cut: step.cut }) };
        return { tag: `SELECT ${rows.length}`, read };
      }
      default:
        return {
          tag:
            { insert: 'INSERT 0 1', update: 'UPDATE 1', delete: 'DELETE 1' }[shape.kind as string] ?? 'SET',
        };
    }
  }
}

/** All steps but the last are run; the last one arrives. */
export function verdictOf(steps: (Step | string)[], options: Options = {}): Verdict {
  const { scene, last } = playedUntilLast(steps, options);
  return scene.verdict(last);
}

export function planOf(steps: (Step | string)[], options: Options = {}): Plan {
  const { scene, last } = playedUntilLast(steps, options);
  const plan = scene.plan(last);
  if (plan === undefined || 'reason' in plan) throw new Error(`no plan: ${plan?.reason ?? 'nothing'}`);
  if (plan.edited === undefined) throw new Error('nothing is edited');
  return plan;
}

function playedUntilLast(steps: (Step | string)[], options: Options): { scene: Scene; last: Step } {
  const all = steps.map((step) => (typeof step === 'string' ? { sql: step } : step));
  const last = all.pop();
  if (last === undefined) throw new Error('no steps');
  const scene = new Scene(options);
  for (const step of all) scene.run(step);
  return { scene, last };
}

/** Text parameters of undeclared types, as node-postgres sends them. */
export function text(...values: (string | null)[]): Parameters {
  return {
    formats: [],
    values: values.map((value) => (value === null ? null : Buffer.from(value, 'latin1'))),
    types: [],
  };
}

/** Binary parameters with declared types. */
export function binary(...values: [type: number, bytes: Buffer][]): Parameters {
  return { formats: [1], values: values.map(([, bytes]) => bytes), types: values.map(([type]) => type) };
}
