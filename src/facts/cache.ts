/**
 * Answers of the catalog, shared by the sessions of one process. A fact is a claim about the past: it lives for a
 * minute, because DDL may pass outside the proxy, and is dropped at once when DDL passes through it.
 *
 * Invariant: at most `entries` answers; the oldest goes first. No clock: `now` is given, monotonic ms.
 */
import type { Facts, FactsQuestion } from './types.ts';

export interface FactsCacheLimits {
  /** Milliseconds an answer counts. */
  lifetime: number;
  entries: number;
}

export const defaultFactsCacheLimits: FactsCacheLimits = { lifetime: 60_000, entries: 1_000 };

interface Entry {
  facts: Facts;
  until: number;
}

export class FactsCache {
  private readonly byEnvironment = new Map<string, Map<string, Entry>>();
  private readonly limits: FactsCacheLimits;
  private count = 0;

  constructor(limits: FactsCacheLimits = defaultFactsCacheLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.count;
  }

  /**
   * @param environment what an answer depends on besides the question: server, database, user, search_path. Given by
   * the session; sessions that may see different tables under one name must not share it.
   */
  get(environment: string, question: FactsQuestion, now: number): Facts | undefined {
    const entry = this.byEnvironment.get(environment)?.get(keyOf(question));
    return entry !== undefined && now < entry.until ? entry.facts : undefined;
  }

  set(environment: string, question: FactsQuestion, facts: Facts, now: number): void {
    const key = keyOf(question);
    this.remove(environment, key);
    while (this.count >= this.limits.entries) this.removeOldest();
    let answers = this.byEnvironment.get(environment);
    if (answers === undefined) this.byEnvironment.set(environment, (answers = new Map()));
    answers.set(key, { facts, until: now + this.limits.lifetime });
    this.count++;
  }

  /** DDL passed: nothing is known any more, in one environment or in all (a name may mean the same table in several). */
  forget(environment?: string): void {
    if (environment === undefined) {
      this.byEnvironment.clear();
      this.count = 0;
      return;
    }
    this.count -= this.byEnvironment.get(environment)?.size ?? 0;
    this.byEnvironment.delete(environment);
  }

  private remove(environment: string, key: string): void {
    const answers = this.byEnvironment.get(environment);
    if (answers?.delete(key) !== true) return;
    this.count--;
    if (answers.size === 0) this.byEnvironment.delete(environment);
  }

  /** Oldest environment's oldest answer: exact enough for a bound. */
  private removeOldest(): void {
    for (const [environment, answers] of this.byEnvironment) {
      for (const key of answers.keys()) {
        this.remove(environment, key);
        return;
      }
    }
  }
}

/** A text that is equal for equal questions. NUL cannot occur in a name. */
function keyOf({ targetId, target, tables, functions, constraint, chunks }: FactsQuestion): string {
  const names = [target, ...tables].map((name) => `${name.schema ?? ''}\0${name.name}`);
  const violated = constraint === undefined ? [] : [constraint.schema, constraint.table, constraint.name];
  return [
    String(targetId ?? ''),
    chunks === true ? 'chunks' : '',
    ...names,
    '',
    ...functions,
    '',
    ...violated,
  ].join('\0');
}
