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
  /** Where the next one goes once the ring is full: the oldest entry. */
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(entry: FindingEntry): void {
    if (this.#capacity === 0) return;
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Newest first. */
  list(): FindingEntry[] {
    return [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)].toReversed();
  }
}
