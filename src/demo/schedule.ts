/**
 * Runs an interleaving of several sessions deterministically: the next step is issued only when every session is idle or
 * waits, and who waits is asked of the server (and of the proxy, for its guard). Time is never evidence. Shared by the
 * demo and the race tests.
 */
import type pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from './app-session.ts';

/** The application logic of one session: step letter -> what the application does. */
export interface Actor {
  name: string;
  pid: number;
  /** Texts that it sent so far. */
  sent: readonly string[];
  /** Each tells in a word or two what came of it. */
  steps: Record<string, () => Promise<string>>;
  /** What the application does when a step throws. */
  rollback(): Promise<unknown>;
  end(): Promise<void>;
}

export interface StepRecord {
  /** `R1.D` */
  step: string;
  /** It had to wait for a lock or the guard before it ended. */
  waited: boolean;
  /** What the application sent in this step. */
  sent: string[];
  note: string;
  error?: string;
}

/** Thrown by an actor for an outcome that the driver does not call an error: `DNE`, the row was not found. */
export class AppError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** A connection of its own, straight to the server. */
export class Observer {
  private readonly client: pg.Client;
  private readonly guardWaiting: (() => Promise<number>) | undefined;

  private constructor(client: pg.Client, guardWaiting: (() => Promise<number>) | undefined) {
    this.client = client;
    this.guardWaiting = guardWaiting;
  }

  /** guardWaiting: how many sessions wait in the proxy for the guard, which on the server look idle in transaction. */
  static async connect(url: string, guardWaiting?: () => Promise<number>): Promise<Observer> {
    const { default: driver } = await import('pg');
    const client = new driver.Client({ connectionString: url, application_name: 'observer' });
    client.on('error', () => undefined);
    await client.connect();
    return new Observer(client, guardWaiting);
  }

  /**
   * Which of the busy sessions wait? pg_blocking_pids reads the lock table itself, so it is exact the moment a lock is
   * granted. A session that polls the guard waits only while somebody who does not run holds an advisory lock: one that
   * just got the lock, or is about to, is at work.
   */
  async waiting(busy: readonly number[]): Promise<Set<number>> {
    const polling = this.guardWaiting === undefined ? 0 : await this.guardWaiting();
    const { rows } = await this.client.query<{ pid: number; blocked: boolean; holder: boolean }>({
      name: 'waiting',
      text: `WITH holders AS MATERIALIZED (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
        SELECT pid, cardinality(pg_blocking_pids(pid)) > 0 AS blocked, pid IN (SELECT pid FROM holders) AS holder
        FROM (SELECT unnest($1::int[]) AS pid UNION SELECT pid FROM holders) AS sessions`,
      values: [busy],
    });
    const blocked = new Set(rows.filter((row) => row.blocked).map((row) => row.pid));
    const unexplained = busy.filter((pid) => !blocked.has(pid));
    const holders = rows.filter((row) => row.holder).map((row) => row.pid);
    const held = holders.length > 0 && holders.every((pid) => !unexplained.includes(pid));
    if (held && polling >= unexplained.length) for (const pid of unexplained) blocked.add(pid);
    return new Set(busy.filter((pid) => blocked.has(pid)));
  }

  end(): Promise<void> {
    return this.client.end();
  }
}

interface Running {
  record: StepRecord;
  done: boolean;
}

const patience = 20_000;

/**
 * `order` is `R1.B R1.S R2.B …`. The first step whose session does not wait comes next, so that a schedule need not know
 * who of two waiting sessions is served first. A session whose step failed rolls back and skips its other steps.
 * Throws when nothing moves any more.
 */
export async function runSchedule(
  order: string,
  actors: readonly Actor[],
  observer: Observer,
): Promise<StepRecord[]> {
  const remaining = order.trim().split(/\s+/);
  const records: StepRecord[] = [];
  const running = new Map<Actor, Running>();
  const failed = new Set<Actor>();
  const byName = new Map(actors.map((actor) => [actor.name, actor]));

  const start = (step: string): void => {
    const [name = '', letter = ''] = step.split('.');
    const actor = byName.get(name);
    const act = actor?.steps[letter];
    if (actor === undefined || act === undefined) throw new Error(`no such step: ${step}`);
    if (failed.has(actor)) return;
    const run: Running = { record: { step, waited: false, sent: [], note: '' }, done: false };
    const before = actor.sent.length;
    records.push(run.record);
    running.set(actor, run);
    void act()
      .then((note) => (run.record.note = note))
      .finally(() => (run.record.sent = actor.sent.slice(before)))
      .catch(async (error: unknown) => {
        run.record.error = codeOf(error);
        failed.add(actor);
        await actor.rollback();
      })
      .catch((error: unknown) => (run.record.error = `${run.record.error}, then ${codeOf(error)}`))
      .finally(() => (run.done = true));
  };

  const busy = (): Actor[] => [...running].filter(([, run]) => !run.done).map(([actor]) => actor);

  /** Until nobody is at work; gives the names of those who wait. */
  const settled = async (deadline: number): Promise<Set<string>> => {
    for (;;) {
      const before = busy();
      if (before.length === 0) return new Set();
      const waiting = await observer.waiting(before.map((actor) => actor.pid));
      const now = busy();
      if (now.every((actor) => waiting.has(actor.pid))) {
        for (const actor of now) {
          const run = running.get(actor);
          if (run !== undefined) run.record.waited = true;
        }
        return new Set(now.map((actor) => actor.name));
      }
      if (Date.now() > deadline) throw new Error(stuck(order, records, now, remaining));
      await delay(2);
    }
  };

  while (remaining.length > 0) {
    for (const deadline = Date.now() + patience; ; await delay(2)) {
      const waiting = await settled(deadline);
      const next = remaining.findIndex((step) => !waiting.has(step.split('.')[0] ?? ''));
      if (next >= 0) {
        start(remaining.splice(next, 1)[0] ?? '');
        break;
      }
      if (Date.now() > deadline) throw new Error(stuck(order, records, busy(), remaining));
    }
  }
  for (const deadline = Date.now() + patience; busy().length > 0; await delay(2)) {
    if (Date.now() > deadline) throw new Error(stuck(order, records, busy(), remaining));
  }
  return records;
}

function stuck(order: string, records: StepRecord[], busy: Actor[], remaining: string[]): string {
  const at = records
    .map((record) => record.step + (record.error === undefined ? '' : `!${record.error}`))
    .join(' ');
  return `schedule ${order} does not move: issued ${at}; busy ${busy.map((actor) => actor.name).join(' ')}; remaining ${remaining.join(' ')}`;
}

/** `23505@R2.I 40001@R3.D` by session, or `ok`: the way the expected outcomes are written down. */
export function verdict(records: readonly StepRecord[]): string {
  const failed = records.filter((record) => record.error !== undefined);
  const sorted = failed.toSorted((one, other) => one.step.localeCompare(other.step));
  return failed.length === 0 ? 'ok' : sorted.map((record) => `${record.error}@${record.step}`).join(' ');
}

/** The steps that had to wait, in the order of their sessions' names. */
export const waits = (records: readonly StepRecord[]): string[] =>
  records
    .filter((record) => record.waited)
    .map((record) => record.step)
    .toSorted();
