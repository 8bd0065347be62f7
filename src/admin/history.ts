/**
 * Looks at the metrics every few seconds and remembers the last half hour, so that the plots are there whenever somebody
 * opens the page. A ring: it never grows.
 */
import type { Rule } from '../patterns/rule.ts';
import { Readings, type MetricsView } from './readings.ts';
import { pointOf, summarize, type Point, type Summary } from './summary.ts';

export interface HistorySource {
  metrics: MetricsView;
  /** In use now. */
  rules: () => readonly Rule[];
  ready: () => boolean;
}

const everyMs = 2_000;
const capacity = 900;

export class History {
  readonly #source: HistorySource;
  readonly #points: Point[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<Summary> | undefined;

  constructor(source: HistorySource) {
    this.#source = source;
  }

  get points(): readonly Point[] {
    return this.#points;
  }

  /** @param told of each look, with its point */
  start(told: (summary: Summary, point: Point) => void): void {
    this.#timer = setInterval(() => {
      // Workers that are busy answer late: looks do not pile up.
      if (this.#looking !== undefined) return;
      void this.now().then(
        (summary) => {
          const point = pointOf(summary);
          this.#points.push(point);
          if (this.#points.length > capacity) this.#points.shift();
          told(summary, point);
        },
        () => undefined,
      );
    }, everyMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A look outside of the row. */
  now(): Promise<Summary> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<Summary> {
    const { metrics, rules, ready } = this.#source;
    const readings = new Readings(await metrics.getMetricsAsJSON());
    return summarize(readings, rules(), ready(), Date.now());
  }
}
