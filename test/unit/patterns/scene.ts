/**
 * A session told as a list of statements with their outcomes, without a protocol: what memory and patterns see. Used by
 * the tables of cases in this folder.
 */
import { factsOf } from './facts.ts';
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
import { splitDeleteSettings } from '../../../src/patterns/split-delete/settings.ts';
import type { Detection, PatternId, Plan } from '../../../src/patterns/types.ts';
import { unlockedReadSettings } from '../../../src/patterns/unlocked-read-after-unique-violation/settings.ts';
import { classify } from '../../../src/sql/classify.ts';
import type { Classified } from '../../../src/sql/classify.ts';
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
  /** Milliseconds that the app took before it sent the statement. Default 1. */
  after?: number;
}

export interface Options {
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

const lexer = {
  dialect: 'postgres',
  standardConformingStrings: true,
  ansiQuotes: false,
  noBackslashEscapes: false,
} as const;

export const column: ResultColumn = { name: 'id', tableId: 100, attribute: 1, type: 23, format: 0 };

/** Shape and head are computed on first use, as in a session; `lexed` counts. */
export class SceneStatement implements Statement {
  lexed = 0;
  readonly text: Buffer;
  readonly parameters: Parameters | undefined;
  readonly via: 'simple' | 'extended';
  private classified: Classified | undefined;

  constructor(sql: string, parameters?: Parameters) {
    this.text = Buffer.from(sql, 'latin1');
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
    this.classified ??= classify(this.text, lexer);
    return this.classified;
  }
}

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

  constructor(options: Options = {}) {
    this.options = options;
    this.memory = new TransactionMemory({ ...defaultMemoryLimits, ...options.limits });
  }

  /** The statement is sent and answered. */
  run(step: Step): void {
    const statement = new SceneStatement(step.sql, step.parameters);
    this.arrive(step);
    const captured = this.memory.wantsRows(statement);
    this.now += 5;
    this.memory.completed(statement, this.outcome(step, statement, captured), this.now);
    this.memory.ready(this.status, this.now);
  }

  arrive(step: Step): void {
    this.now += step.after ?? 1;
    this.memory.arriving(this.now);
  }

  /** The statement arrives: what do the patterns say? */
  detect(step: Step): Detection {
    this.arrive(step);
    return this.detectStatement(new SceneStatement(step.sql, step.parameters));
  }

  detectStatement(statement: Statement): Detection {
    return detect({
      dialect: 'postgres',
      memory: this.memory,
      statement,
      now: this.now,
      status: this.options.status ?? this.status,
      database: 'shop',
      witness: this.options.witness ?? believer,
      ruleFor: (pattern) => this.rule(pattern),
    });
  }

  verdict(step: Step): Verdict {
    const result = this.plan(step);
    if (result === undefined) return 'nothing';
    return 'reason' in result ? result.reason : 'found';
  }

  plan(step: Step): Plan | { reason: Reason } | undefined {
    const detection = this.detect(step);
    if (detection === undefined) return undefined;
    if (detection.kind === 'refusal') return { reason: detection.reason };
    return detection.finding.plan(factsOf(this.options.facts));
  }

  private rule(pattern: PatternId): Rule | undefined {
    const { patterns, mode = 'rewrite', tablesNamed = true, settings = {} } = this.options;
    if (patterns !== undefined && !patterns.includes(pattern)) return undefined;
    const base = { id: 'test', mode, match: {}, tablesNamed };
    return pattern === 'split-delete'
      ? { ...base, pattern, settings: splitDeleteSettings.parse(settings) }
      : { ...base, pattern, settings: unlockedReadSettings.parse(settings) };
  }

  private outcome(step: Step, statement: SceneStatement, captured: boolean): Outcome {
    const { shape } = statement;
    if (step.error !== undefined) {
      if (this.status === 'T') this.status = 'E';
      return { error: step.error };
    }
    switch (shape.kind) {
      case 'begin':
        if (this.status === 'I') this.status = 'T';
        return { tag: 'BEGIN' };
      case 'commit':
      case 'rollback':
        this.status = shape.chain ? 'T' : 'I';
        return { tag: shape.kind.toUpperCase() };
      case 'rollback-to':
        this.status = 'T';
        return { tag: 'ROLLBACK' };
      case 'select': {
        const rows = step.rows ?? [];
        const columns = (step.columns ?? [{}]).map((one) => ({ ...column, ...one }));
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
