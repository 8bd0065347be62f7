/**
 * The fake server's brain for replays: the app's statements are answered in order from a script, a plan's own statements
 * by rule, and a rewritten statement as the original would have been. Whatever is none of these is unexpected, and the
 * tests fail on it.
 */
import type { Column } from './encode.ts';
import type { Answer, Brain, Execution } from './fake-server.ts';
import { bare } from './transaction.ts';

/** One statement of the app and what the server answers. */
export interface Entry {
  sql: string;
  answers: Answer[];
}

export interface Ran {
  sql: string;
  kind: 'app' | 'rewritten' | 'plan' | 'unexpected';
  via: 'simple' | 'extended';
  values: (Buffer | null)[];
  /** Savepoints when the statement began. */
  savepoints: string[];
}

/** Answers a plan's own statement, or undefined when it is none. May also answer a rewritten statement otherwise. */
export type PlanRule = (execution: Execution, next: Entry | undefined) => Answer[] | undefined;

export class ScriptBrain implements Brain {
  readonly ran: Ran[] = [];
  readonly #entries: readonly Entry[];
  readonly #rules: readonly PlanRule[];
  #at = 0;
  /** Where to go back to when a plan undoes its rewritten statement. */
  #rewrittenAt: number | undefined;

  constructor(entries: readonly Entry[], rules: readonly PlanRule[]) {
    this.#entries = entries;
    this.#rules = rules;
  }

  get finished(): boolean {
    return this.#at === this.#entries.length;
  }

  get unexpected(): string[] {
    return this.ran.filter((one) => one.kind === 'unexpected').map((one) => one.sql);
  }

  describe(sql: string): Column[] | undefined {
    const left = this.#entries.slice(this.#rewrittenAt ?? this.#at);
    const entry = left.find((one) => one.sql === sql) ?? left.find((one) => isRewriteOf(sql, one.sql));
    return entry?.answers.find((answer) => answer.kind === 'rows')?.columns;
  }

  run(execution: Execution): Answer[] {
    const { sql, via, values, transaction } = execution;
    const next = this.#entries[this.#at];
    const note = (kind: Ran['kind']): void => {
      this.ran.push({ sql, kind, via, values, savepoints: [...transaction.savepoints] });
    };
    if (sql.startsWith('ROLLBACK TO SAVEPOINT interlock_') && this.#rewrittenAt !== undefined)
      this.#at = this.#rewrittenAt;
    const again = this.#rewrittenAt === undefined ? undefined : this.#entries[this.#rewrittenAt];
    if (again?.sql === sql && next?.sql !== sql) {
      // The reply was too large to be held: the original runs as well.
      this.#rewrittenAt = undefined;
      note('app');
      return again.answers;
    }
    if (next?.sql === sql) {
      this.#rewrittenAt = undefined;
      this.#at += 1;
      note('app');
      return next.answers;
    }
    const rewritten = next !== undefined && isRewriteOf(sql, next.sql);
    for (const rule of this.#rules) {
      const answers = rule(execution, next);
      if (answers === undefined) continue;
      note(rewritten ? 'rewritten' : 'plan');
      return answers;
    }
    if (rewritten) {
      this.#rewrittenAt = this.#at;
      this.#at += 1;
      note('rewritten');
      return next.answers;
    }
    note('unexpected');
    return [{ kind: 'error', error: { code: 'XX000', message: 'not in the script' } }];
  }
}

const marker = /\/\*\s*interlock:[^*]*\*\//g;
const blanks = /\s+/g;

/** The two rewrites: a locking clause behind the SELECT, or a sub-select in place of the DELETE's list. */
export function isRewriteOf(sql: string, original: string): boolean {
  const [edited = '', plain = ''] = [sql, original].map((text) =>
    bare(text.replaceAll(marker, ' ')).replaceAll(blanks, ' '),
  );
  if (edited === plain) return false;
  if (/^select\b/i.test(plain)) {
    return edited.startsWith(plain) && /^ for update( of \S+)?$/i.test(edited.slice(plain.length));
  }
  const target = /^delete from .*? where\b/i.exec(plain)?.[0];
  return target !== undefined && edited.startsWith(target) && / in \(\s*select /i.test(edited);
}

const controlTags: [RegExp, string][] = [
  [/^savepoint /i, 'SAVEPOINT'],
  [/^release /i, 'RELEASE'],
  [/^rollback to /i, 'ROLLBACK'],
  [/^set constraints /i, 'SET CONSTRAINTS'],
];

/** Savepoints and deferred checks of a plan. */
export const controlRule: PlanRule = ({ sql }) => {
  const found = controlTags.find(([pattern]) => pattern.test(bare(sql)));
  return found === undefined ? undefined : [{ kind: 'done', tag: found[1] }];
};

export interface StateAnswers {
  isolation: string;
  readOnly: boolean;
  /** never: another session has it for as long as the plan asks. error: the statement fails. */
  guard: 'had' | 'never' | 'error';
}

export const plainState: StateAnswers = { isolation: 'read committed', readOnly: false, guard: 'had' };

/** Isolation, read-only state, the guard and what names mean: one text, as src/session/postgres/guard.ts asks for it. */
export function stateRule(answers: StateAnswers = plainState): PlanRule {
  return ({ sql }) => {
    if (!sql.includes("current_setting('transaction_isolation')")) return undefined;
    const asksForLock = /advisory_xact_lock/.test(sql);
    if (asksForLock && answers.guard === 'error') {
      return [
        { kind: 'error', error: { code: '55P03', message: 'canceling statement due to lock timeout' } },
      ];
    }
    const had = asksForLock && answers.guard === 'had' ? 't' : 'f';
    const readOnly = answers.readOnly ? 'on' : 'off';
    return [value('concat', 25, `${answers.isolation},${readOnly},${had},app{pg_catalog,public}`)];
  };
}

/** One row with one value. */
export function value(name: string, type: number, text: string | null): Answer {
  const columns = [{ name, table: 0, attribute: 0, type, format: 0 }];
  return { kind: 'rows', columns, rows: [[text]], tag: 'SELECT 1' };
}
