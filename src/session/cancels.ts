/**
 * Cancel requests for sessions that wait in this process: the server sees such a session idle and would do nothing
 * (PostgreSQL manual, "Canceling Requests in Progress"). Keys are those that the server gave out, so only who knows one can
 * use it. A list of names only: no clock, no sockets.
 */
export class Cancels {
  private readonly sessions = new Map<string, () => boolean>();

  /** @param cancel returns false when the session does not wait here: the request is the server's then */
  register(key: string, cancel: () => boolean): void {
    this.sessions.set(key, cancel);
  }

  forget(key: string): void {
    this.sessions.delete(key);
  }

  /** @returns true: done here, the server need not be asked */
  request(key: string): boolean {
    return this.sessions.get(key)?.() ?? false;
  }
}
