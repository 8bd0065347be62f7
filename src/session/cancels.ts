/**
 * Cancel requests for sessions that wait in this process: the server sees such a session idle and would do nothing
 * (PostgreSQL manual, "Canceling Requests in Progress"). Keys are those that the server gave out, so only who knows one can
 * use it. A list of names only: no clock, no sockets.
 */
export class Cancels {
  private readonly sessions = new Map<string, () => boolean>();
  private readonly elsewhere: (key: string) => void;

  /** @param elsewhere told of a key that is nobody's here: a session of another process may have it */
  constructor(elsewhere: (key: string) => void = () => undefined) {
    this.elsewhere = elsewhere;
  }

  /** @param cancel returns false when the session does not wait here: the request is the server's then */
  register(key: string, cancel: () => boolean): void {
    this.sessions.set(key, cancel);
  }

  forget(key: string): void {
    this.sessions.delete(key);
  }

  /** @returns true: done here, the server need not be asked */
  request(key: string): boolean {
    const cancel = this.sessions.get(key);
    if (cancel === undefined) this.elsewhere(key);
    return cancel?.() ?? false;
  }

  /** A request came to another process, which asks the server as well. */
  requestedElsewhere(key: string): void {
    this.sessions.get(key)?.();
  }
}
