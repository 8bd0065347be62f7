/**
 * How much all sessions of one process may remember together. Over it a session forgets what it wanted to keep, as over a
 * limit of its own. Sizes are estimates in bytes of text and parameters, not of the heap. Pure: a number.
 */
export class Budget {
  /** Bytes. */
  readonly limit: number;
  private taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.taken;
  }

  /** @param onFull the session was refused something */
  share(onFull: () => void = () => undefined): Share {
    return new Share(this, onFull);
  }

  take(bytes: number): boolean {
    if (this.taken + bytes > this.limit) return false;
    this.taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.taken -= bytes;
  }
}

/** What one session has of it. */
export class Share {
  private readonly budget: Budget;
  private readonly onFull: () => void;
  private own = 0;

  constructor(budget: Budget, onFull: () => void) {
    this.budget = budget;
    this.onFull = onFull;
  }

  /** @returns false: it must not be kept */
  take(bytes: number): boolean {
    if (!this.budget.take(bytes)) {
      this.onFull();
      return false;
    }
    this.own += bytes;
    return true;
  }

  give(bytes: number): void {
    this.own -= bytes;
    this.budget.give(bytes);
  }

  /** The session is over: everything goes back, whoever in it had it. */
  end(): void {
    this.budget.give(this.own);
    this.own = 0;
  }
}
