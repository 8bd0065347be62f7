/** The one timer of a session, and the nudges of other sessions, brought together outside any call into the session. */
import { performance } from 'node:perf_hooks';

export class Wake {
  readonly #call: () => void;
  #timer: NodeJS.Timeout | undefined;
  #timerAt: number | undefined;
  #soon: NodeJS.Immediate | undefined;

  constructor(call: () => void) {
    this.#call = call;
  }

  /** Replaces the time asked for before. @param time monotonic ms; undefined: no timer */
  at(time: number | undefined): void {
    if (time === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer =
      time === undefined
        ? undefined
        : setTimeout(
            () => {
              this.#timerAt = undefined;
              this.#call();
            },
            Math.max(0, Math.ceil(time - performance.now())),
          );
  }

  /** In the next turn of the event loop; several calls make one. */
  soon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#call();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
  }
}
