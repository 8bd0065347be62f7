/**
 * What findings look like: the statements of a sequence and what was, or would be, sent in place of the last one, with
 * every constant masked. One sample for each rule, sequence of statements and decision, the last ones; masked at once, so
 * no constant is kept.
 */
import { wouldSend } from '../explain/would-send.ts';
import type { FindingEvent, FindingTexts, FindingWatcher } from '../session/types.ts';
import { masked } from '../sql/masked.ts';
import type { Dialect } from '../sql/shape.ts';
import type { Witness } from '../sql/witness/types.ts';

export interface Sample {
  /** The statements of the sequence, as far as they are known; the last one is the finding's. */
  before: string[];
  /** What takes the place of the last one. */
  after?: string[];
  /** `after` was not sent: the finding is observed, and the catalog's part is assumed. */
  assumed?: true;
}

/** Longer texts are not looked at again. */
const longest = 64 * 1024;

/**
 * Of the process's time, so much may go into samples (an application that never sends the same shape twice), and so many
 * milliseconds at once. Beyond that a finding is told without its statements.
 */
const share = 0.05;
const most = 100;

export class Samples implements FindingWatcher {
  readonly #capacity: number;
  readonly #witness: (dialect: Dialect) => Witness;
  readonly #now: () => number;
  readonly #samples = new Map<string, Sample>();
  /** Events that are under way to those who show them. */
  readonly #seen = new WeakMap<FindingEvent, Sample>();
  /** Milliseconds that may be spent now. */
  #left = most;
  #filledAt: number;

  /** @param capacity samples that are kept @param now monotonic milliseconds */
  constructor(capacity: number, witness: (dialect: Dialect) => Witness, now = () => performance.now()) {
    this.#capacity = capacity;
    this.#witness = witness;
    this.#now = now;
    this.#filledAt = now();
  }

  seen(event: FindingEvent, texts: FindingTexts): void {
    const key = keyOf(event, texts);
    const sample = this.#samples.get(key) ?? this.#within(() => this.#sample(event, texts));
    if (sample === undefined) return;
    this.#seen.set(event, sample);
    this.#samples.delete(key);
    this.#samples.set(key, sample);
    if (this.#samples.size <= this.#capacity) return;
    for (const oldest of this.#samples.keys()) {
      this.#samples.delete(oldest);
      return;
    }
  }

  /** @param event the very object that was seen @returns undefined: its texts cannot be shown */
  of(event: FindingEvent): Sample | undefined {
    const sample = this.#seen.get(event);
    return sample === undefined || sample.before.length === 0 ? undefined : sample;
  }

  #within<T>(work: () => T): T | undefined {
    const began = this.#now();
    this.#left = Math.min(most, this.#left + (began - this.#filledAt) * share);
    this.#filledAt = began;
    if (this.#left <= 0) return undefined;
    const done = work();
    this.#left -= this.#now() - began;
    return done;
  }

  #sample({ decision }: FindingEvent, { statement, settings, finding, sent }: FindingTexts): Sample {
    try {
      if (statement.text.length > longest) return hidden;
      const mask = (texts: Buffer[]): string[] | undefined => {
        const shown = texts.map((text) => masked(text, settings));
        return shown.includes(undefined) ? undefined : shown.map(String);
      };
      const before = mask([...(finding.began === undefined ? [] : [finding.began.text]), statement.text]);
      if (before === undefined) return hidden;
      const would =
        decision === 'observed'
          ? wouldSend(finding, statement, settings, this.#witness(settings.dialect))
          : undefined;
      const after = sent === undefined ? would && mask(would) : mask([sent]);
      return { before, ...(after && { after }), ...(after && would && { assumed: true }) };
    } catch {
      // It is for show only: a session must not suffer from it.
      return hidden;
    }
  }
}

const hidden: Sample = { before: [] };

/** The DELETE by list of two SELECTs is one and the same; whoever has to know the code needs the right SELECT. */
function keyOf({ rule, fingerprint, decision, reason }: FindingEvent, { finding }: FindingTexts): string {
  const began = finding.began?.head.fingerprint ?? '';
  return [rule, began, fingerprint, decision, reason ?? ''].join('\0');
}
