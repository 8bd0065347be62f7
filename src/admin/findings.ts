/** The last findings, for /findings: a ring, so that it never grows. */
import type { FindingEvent } from '../session/types.ts';

/** What the log has of it, and when. */
export interface FindingEntry extends Omit<FindingEvent, 'type'> {
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

  /** @param elsewhere who keeps them in place of this process */
  constructor(capacity: number, elsewhere?: (entry: FindingEntry) => void) {
    this.#capacity = capacity;
    this.#elsewhere = elsewhere;
  }

  add(entry: FindingEntry): void {
    this.#elsewhere?.(entry);
    if (this.#capacity === 0) return;
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Newest first. */
  list(): FindingEntry[] {
    return [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)].toReversed();
  }
}
