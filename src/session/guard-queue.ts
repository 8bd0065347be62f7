/**
 * Sessions of one process queue for a guard key here, before they ask the server: without it every waiter would poll,
 * and the one that polls at the right moment would win. A queue of names only: no clock, no sockets. The server's
 * advisory lock stays the truth between processes; a stale holder here costs a waiter its guard_wait at most.
 */
interface Waiter {
  owner: object;
  wake: () => void;
}

interface Line {
  holder: object;
  waiters: Waiter[];
}

export class GuardQueue {
  private readonly lines = new Map<string, Line>();
  /** Sessions that want a guard and do not have it yet: here or polling the server. Shown as interlock_guard_waiting. */
  waiting = 0;

  /** True: the key is the owner's until release. False: queued; `wake` is called when its turn has come. */
  acquire(key: string, owner: object, wake: () => void): boolean {
    const line = this.lines.get(key);
    if (line === undefined) {
      this.lines.set(key, { holder: owner, waiters: [] });
      return true;
    }
    if (line.holder === owner) return true;
    if (!line.waiters.some((waiter) => waiter.owner === owner)) line.waiters.push({ owner, wake });
    return false;
  }

  holds(key: string, owner: object): boolean {
    return this.lines.get(key)?.holder === owner;
  }

  /** Gives the key back, or leaves the line. Harmless when the owner has neither. */
  release(key: string, owner: object): void {
    const line = this.lines.get(key);
    if (line === undefined) return;
    if (line.holder !== owner) {
      line.waiters = line.waiters.filter((waiter) => waiter.owner !== owner);
      return;
    }
    const next = line.waiters.shift();
    if (next === undefined) {
      this.lines.delete(key);
      return;
    }
    line.holder = next.owner;
    next.wake();
  }
}
