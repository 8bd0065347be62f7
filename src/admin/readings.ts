/** Metrics as they are collected, by name: the page shows what /metrics has, so it is read off the same. */

interface Sample {
  labels: Partial<Record<string, string | number>>;
  value: number;
  /** Of a histogram: with _bucket, _sum or _count. */
  metricName?: string;
}

/** As prom-client's registries give it. */
export interface Family {
  name: string;
  values: readonly Sample[];
}

export interface MetricsView {
  readonly contentType: string;
  /** In Prometheus' format. */
  metrics(): Promise<string>;
  getMetricsAsJSON(): Promise<readonly Family[]>;
}

export class Readings {
  readonly #samples = new Map<string, Sample[]>();

  constructor(families: readonly Family[]) {
    for (const { name, values } of families)
      for (const sample of values) {
        const key = sample.metricName ?? name;
        const known = this.#samples.get(key);
        if (known === undefined) this.#samples.set(key, [sample]);
        else known.push(sample);
      }
  }

  /** Over all label sets, or those with this label. Undefined: there is no such metric, or no sample of it yet. */
  sum(name: string, label?: string, value?: string): number | undefined {
    const samples = this.all(name).filter(({ labels }) => label === undefined || labels[label] === value);
    return samples.length === 0 ? undefined : samples.reduce((total, sample) => total + sample.value, 0);
  }

  all(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }
}
