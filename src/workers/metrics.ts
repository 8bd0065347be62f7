/**
 * Metrics over several processes: each worker counts for itself, the primary adds up when somebody collects, and has a few
 * of its own. The table stands in ../metrics.ts.
 */
import { AggregatorRegistry, Counter, Gauge, Registry, type MetricObjectWithValues } from 'prom-client';
import { ReloadMetrics } from '../metrics.ts';

/** One worker's metrics, as its registry gives them. */
export type Collected = MetricObjectWithValues<never>[];

export class WorkerMetrics {
  readonly #collect: () => Promise<Collected[]>;
  readonly #own = new Registry();
  readonly reloads = new ReloadMetrics(this.#own);
  readonly #running = new Gauge({
    name: 'interlock_workers',
    help: 'Worker processes that run now.',
    registers: [this.#own],
  });
  readonly #restarts = new Counter({
    name: 'interlock_worker_restarts_total',
    help: 'Workers that ended unasked and were replaced.',
    registers: [this.#own],
  });

  /** @param collect asks all workers */
  constructor(collect: () => Promise<Collected[]>) {
    this.#collect = collect;
  }

  get contentType(): string {
    return this.#own.contentType;
  }

  async metrics(): Promise<string> {
    const [own, workers] = await this.#registries();
    return (await own.metrics()) + (await workers.metrics());
  }

  async getMetricsAsJSON(): Promise<Collected> {
    const [own, workers] = await this.#registries();
    return [...(await own.getMetricsAsJSON()), ...(await workers.getMetricsAsJSON())] as Collected;
  }

  async #registries(): Promise<[Registry, Registry]> {
    return [this.#own, AggregatorRegistry.aggregate(await this.#collect())];
  }

  workers(count: number): void {
    this.#running.set(count);
  }

  restarted(): void {
    this.#restarts.inc();
  }
}
