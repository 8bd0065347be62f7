/**
 * The fake server's brain for replays: the app's commands are answered in order from a script, a plan's own statements by
 * rule, and a rewritten statement as the original would have been. Whatever is none of these is unexpected, and the tests
 * fail on it.
 */
import type { ColumnDefinition } from '../../../src/wire/mysql/columns.ts';
import type { Answer, Brain, Execution, Preparation } from './fake-server.ts';
import { isKeyProbe, isRewriteOf } from './rewritten.ts';

/** One command of the app and what the server answers. */
export type Entry =
  | { command: 'query' | 'execute' | 'ping'; sql: string; answer: Answer }
  | { command: 'prepare'; sql: string; preparation: Preparation };

export interface Ran extends Execution {
  kind: 'app' | 'rewritten' | 'probe' | 'plan' | 'unexpected';
}

/** Answers a plan's own statement, or undefined when it is none. May also answer a rewritten statement otherwise. */
export type PlanRule = (execution: Execution, original: Statement | undefined) => Answer | undefined;

export type Statement = Extract<Entry, { answer: Answer }>;

/** Ids of statements that a plan prepares: the app's are the recorded ones. */
const firstOwnId = 1_000_000;

export class ScriptBrain implements Brain {
  readonly ran: Ran[] = [];
  /** Texts that a plan has prepared. */
  readonly prepared: string[] = [];
  readonly #entries: readonly Entry[];
  readonly #rules: readonly PlanRule[];
  #at = 0;
  /** The app's statement in whose place a plan ran last. */
  #replaced: Statement | undefined;

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

  ping(): Answer {
    const next = this.#entries[this.#at];
    if (next?.command !== 'ping') throw new Error('COM_PING is not in the script');
    this.#at += 1;
    return next.answer;
  }

  prepare(sql: string): Preparation {
    const next = this.#entries[this.#at];
    if (next?.command === 'prepare' && next.sql === sql) {
      this.#at += 1;
      return next.preparation;
    }
    this.prepared.push(sql);
    return { id: firstOwnId + this.prepared.length, columns: this.#columns(sql) };
  }

  run(execution: Execution): Answer {
    const { sql, via } = execution;
    const next = this.#next;
    const command = via === 'text' ? 'query' : 'execute';
    const note = (kind: Ran['kind']): void => {
      this.ran.push({ ...execution, kind });
    };
    if (next?.sql === sql && next.command === command) {
      this.#replaced = undefined;
      this.#at += 1;
      note('app');
      return next.answer;
    }
    const replaced = this.#replaced;
    if (replaced?.sql === sql && replaced.command === command) {
      // The plan has failed: the original runs as well.
      this.#replaced = undefined;
      note('app');
      return replaced.answer;
    }
    const original = this.#originalOf(sql);
    for (const rule of this.#rules) {
      const answer = rule(execution, original);
      if (answer === undefined) continue;
      if (original === undefined) note('plan');
      else this.#replace(original, note);
      return answer;
    }
    if (original !== undefined) {
      this.#replace(original, note);
      return original.answer;
    }
    const probed = [next, replaced].find((one) => one !== undefined && isKeyProbe(sql, one.sql));
    if (probed !== undefined) {
      note('probe');
      // The app's own read would fail alike: nothing else of the plan follows.
      if (probed.answer.kind === 'error') this.#pass(probed);
      return keys(sql, probed.answer);
    }
    note('unexpected');
    return { kind: 'error', errno: 1105, sqlstate: 'HY000', message: 'not in the script' };
  }

  get #next(): Statement | undefined {
    const next = this.#entries[this.#at];
    return next !== undefined && 'answer' in next ? next : undefined;
  }

  /** Of a locking read whose row was gone there is a second form. */
  #originalOf(sql: string): Statement | undefined {
    return [this.#next, this.#replaced].find((one) => one !== undefined && isRewriteOf(sql, one.sql));
  }

  #replace(original: Statement, note: (kind: Ran['kind']) => void): void {
    note('rewritten');
    this.#pass(original);
  }

  #pass(original: Statement): void {
    if (original === this.#next) this.#at += 1;
    this.#replaced = original;
  }

  #columns(sql: string): ColumnDefinition[] {
    const original = this.#originalOf(sql);
    if (original?.answer.kind === 'rows') return original.answer.columns;
    const next = this.#next;
    if (next === undefined || !isKeyProbe(sql, next.sql)) return [];
    const answer = keys(sql, next.answer);
    return answer.kind === 'rows' ? answer.columns : [];
  }
}

/** The same rows with nothing but their key. */
function keys(sql: string, answer: Answer): Answer {
  if (answer.kind !== 'rows') return answer;
  const name = /select\s+\S+?\.`(\w+)`\s+from\s/i.exec(sql)?.[1];
  const at = answer.columns.findIndex((column) => column.orgName === name);
  const column = answer.columns[at];
  if (column === undefined) throw new Error(`the key ${name ?? ''} is not among the columns`);
  return { kind: 'rows', columns: [column], rows: answer.rows.map((row) => [row[at] ?? null]) };
}
