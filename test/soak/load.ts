/** Workers that do one thing after the other on connections of their own, and what became of it. */
import { setTimeout as delay } from 'node:timers/promises';

/** Counts by `what: how it ended`. A direct run and one through the proxy must know the same kinds. */
export class Tally {
  readonly done: Record<string, number> = {};
  readonly errors: Record<string, number> = {};
  /** Replies that are not what was asked for: none, in either run. */
  readonly wrong: string[] = [];

  did(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1;
  }

  failed(what: string, code: string): void {
    const key = `${what}: ${code}`;
    this.errors[key] = (this.errors[key] ?? 0) + 1;
  }

  expect(what: string, found: unknown, wanted: unknown): void {
    if (JSON.stringify(found) !== JSON.stringify(wanted) && this.wrong.length < 20)
      this.wrong.push(`${what}: ${JSON.stringify(found)?.slice(0, 200)}`);
  }
}

/** One thing that an application, or an accident, does. `n` differs each time. */
export type Act = (n: number, tally: Tally) => Promise<void>;

export interface Mix {
  acts: Record<string, Act>;
  /** The errors by which a driver says that its connection is gone: which one, is chance. */
  gone: ReadonlySet<string>;
}

export interface Pace {
  workers: number;
  /** Longest pause between two acts of a worker, in milliseconds. */
  pause: number;
}

/** Codes of drivers and servers, and the driver's own words where there is no code. */
export function errorCode(error: unknown): string {
  const { code, errno, message } = error as { code?: string; errno?: number; message?: string };
  return typeof errno === 'number' && errno > 0 ? String(errno) : (code ?? message ?? String(error));
}

/** Acts in a random order, until `until` comes. Every act ends: none is left behind. */
export async function load(
  { acts, gone }: Mix,
  { workers, pause }: Pace,
  until: Promise<unknown>,
): Promise<Tally> {
  const tally = new Tally();
  let over = false;
  void until.then(() => (over = true));
  let n = 0;
  const names = Object.keys(acts);
  const work = async (): Promise<void> => {
    while (!over) {
      n += 1;
      // Each in its turn first, so that a short run has seen all of them.
      const name = names[n <= names.length ? n - 1 : Math.floor(Math.random() * names.length)] ?? '';
      try {
        await acts[name]?.(n, tally);
        tally.did(name);
      } catch (error) {
        const code = errorCode(error);
        tally.failed(name, gone.has(code) ? 'connection gone' : code);
      }
      await delay(Math.random() * pause);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return tally;
}
