/** The last findings, for /findings: a ring, so that it never grows. */
import type { FindingEvent } from '../session/types.ts';
import type { Sample } from './samples.ts';

/** What the log has of it, when, and its statements. */
export interface FindingEntry extends Omit<FindingEvent, 'type'>, Partial<Sample> {
  time: string;
  listener: string;
  database: string;
  application: string;
}

export class Findings {
  readonly #entries: FindingEntry[] = [];
  readonly #capacity: number;
  readonly #elsewhere: ((entry: FindingEntry) => void) | undefined;
  /** Where the next one goes once the ring is full: the oldest entry. */
  #next = 0;
  #total = 0;

  /** @param elsewhere who keeps them in place of this process */
  constructor(capacity: number, elsewhere?: (entry: FindingEntry) => void) {
    this.#capacity = capacity;
    this.#elsewhere = elsewhere;
  }

  add(entry: FindingEntry): void {
    this.#elsewhere?.(entry);
    if (this.#capacity === 0) return;
    this.#total += 1;
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** So many were ever kept. */
  get total(): number {
    return this.#total;
  }

  /** Newest first. @param since what `total` was: only those that came after */
  list(since = 0): FindingEntry[] {
    const all = [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)].toReversed();
    return all.slice(0, Math.max(0, this.#total - since));
  }
}
