/**
 * Certificates are renewed while the process runs. The files are looked at every few seconds, through symbolic links, as
 * Kubernetes and certbot exchange them; a signal makes it happen at once. What cannot be used leaves the old in place.
 */
import { unwatchFile, watchFile, type StatsListener } from 'node:fs';
import type { PemFiles } from '../config/pem.ts';
import type { Side } from '../session/types.ts';

/** One leg of a listener. */
export interface Certified {
  listener: string;
  side: Side;
  files: PemFiles;
  /** @throws PemError; then the old certificates stay in use */
  reload(): void;
}

/** @param problem undefined: the new files are in use */
export type Reloaded = (listener: string, side: Side, problem: string | undefined) => void;

const everyMs = 5_000;

export class Certificates {
  readonly #legs: Certified[];
  readonly #told: Reloaded;
  readonly #watched = new Map<string, StatsListener>();

  constructor(legs: Certified[], told: Reloaded) {
    this.#legs = legs.filter(({ files }) => paths(files).length > 0);
    this.#told = told;
  }

  watch(interval = everyMs): void {
    for (const path of new Set(this.#legs.flatMap(({ files }) => paths(files)))) {
      const changed: StatsListener = () => this.reload(path);
      watchFile(path, { interval, persistent: false }, changed);
      this.#watched.set(path, changed);
    }
  }

  /** @param path only the legs that use this file */
  reload(path?: string): void {
    for (const leg of this.#legs) {
      const { listener, side, files } = leg;
      if (path !== undefined && !paths(files).includes(path)) continue;
      try {
        leg.reload();
        this.#told(listener, side, undefined);
      } catch (error) {
        this.#told(listener, side, (error as Error).message);
      }
    }
  }

  stop(): void {
    for (const [path, changed] of this.#watched) unwatchFile(path, changed);
    this.#watched.clear();
  }
}

function paths({ cert, key, ca }: PemFiles): string[] {
  return [cert, key, ca].filter((path) => path !== undefined);
}
