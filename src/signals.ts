/**
 * The signals of the process, heard before its first connection is: without a listener SIGHUP ends a process, SIGTERM too
 * without a word, and both may come as soon as it says that it listens.
 */
const heard = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export type Signal = (typeof heard)[number];

export class Signals {
  readonly #early: Signal[] = [];
  #to: ((signal: Signal) => void) | undefined;

  constructor() {
    for (const signal of heard)
      process.on(signal, () => {
        if (this.#to === undefined) this.#early.push(signal);
        else this.#to(signal);
      });
  }

  /** From now on, and first those that came early. */
  hand(to: (signal: Signal) => void): void {
    this.#to = to;
    for (const signal of this.#early.splice(0)) to(signal);
  }
}
