/** What a proxy process uses, sampled while it works. */
import { existsSync, readdirSync } from 'node:fs';
import type { Proxy } from '../support/proxy.ts';

export interface Sample {
  /** Heap and buffers after a collection, in bytes. */
  inUse: number;
  rss: number;
  /** Sockets, timers and what else keeps a process going. */
  handles: number;
  /** Open files, sockets included. Undefined where there is no /proc. */
  files: number | undefined;
}

export class Watch {
  readonly samples: Sample[] = [];
  readonly #proxy: Proxy;
  #asked = 0;

  constructor(proxy: Proxy) {
    this.#proxy = proxy;
  }

  async sample(): Promise<Sample> {
    this.#asked += 1;
    this.#proxy.signal('SIGUSR2');
    const line = await this.#proxy.waitForLog(
      ({ msg, samples }) => msg === 'probe' && samples === this.#asked,
      60_000,
    );
    const folder = `/proc/${this.#proxy.pid}/fd`;
    const files = existsSync(folder) ? readdirSync(folder).length : undefined;
    const { inUse, rss, handles } = line as unknown as Sample;
    return { inUse, rss, handles, files };
  }

  async note(): Promise<void> {
    this.samples.push(await this.sample());
  }

  /** The lowest value of the first and of the last third, the first fifth being warm-up. */
  trend(what: 'inUse' | 'rss'): { early: number; late: number } {
    const values = this.samples.slice(Math.floor(this.samples.length / 5)).map((sample) => sample[what]);
    const third = Math.max(1, Math.floor(values.length / 3));
    return { early: Math.min(...values.slice(0, third)), late: Math.min(...values.slice(-third)) };
  }
}
