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

/** So many time-outs in a row, and a key is not asked for until it has rested. */
const mostTimeouts = 3;
const restMs = 10_000;
/** Keys whose time-outs are remembered; the oldest is forgotten. */
const mostRemembered = 1_000;

export class GuardQueue {
  private readonly lines = new Map<string, Line>();
  private readonly timeouts = new Map<string, { count: number; last: number }>();
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

  /** MySQL, where a guard may be part of a cycle that no server detects: how an attempt ended. */
  tried(key: string, had: boolean, now: number): void {
    const count = had ? 0 : (this.timeouts.get(key)?.count ?? 0) + 1;
    this.timeouts.delete(key);
    if (count === 0) return;
    this.timeouts.set(key, { count, last: now });
    const [oldest] = this.timeouts.keys();
    if (this.timeouts.size > mostRemembered && oldest !== undefined) this.timeouts.delete(oldest);
  }

  /** The key goes unguarded for a while. */
  resting(key: string, now: number): boolean {
    const seen = this.timeouts.get(key);
    return seen !== undefined && seen.count >= mostTimeouts && now - seen.last < restMs;
  }
}
