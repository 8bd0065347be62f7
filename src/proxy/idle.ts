/** Tells when nothing has passed for a while. A timer a connection, not one a statement. */
import { performance } from 'node:perf_hooks';

export class IdleWatch {
  /** Monotonic ms of the last bytes. */
  lastActive = 0;
  readonly #ms: number | undefined;
  readonly #expired: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param ms undefined: never @param expired called again after as long, until stop() */
  constructor(ms: number | undefined, expired: () => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  start(): void {
    if (this.#ms !== undefined) this.#wait(this.#ms, this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(ms: number, limit: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const left = this.lastActive + limit - performance.now();
      this.#wait(left > 0 ? left : limit, limit);
      if (left <= 0) this.#expired();
    }, Math.ceil(ms));
  }
}
