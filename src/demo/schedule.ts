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

/** Who waits among the busy sessions: an Observer, or a test's own. */
export type Waiting = Pick<Observer, 'waiting'>;

/**
 * `order` is `R1.B R1.S R2.B …`. The first step whose session does not wait comes next, so that a schedule need not know
 * who of two waiting sessions is served first. A session whose step failed rolls back and skips its other steps.
 * Throws when nothing moves for `patience` milliseconds.
 */
export function runSchedule(
  order: string,
  actors: readonly Actor[],
  observer: Waiting,
  patience = 20_000,
): Promise<StepRecord[]> {
  return new Play(order.trim().split(/\s+/), actors, observer, patience).run();
}

class Play {
  private readonly remaining: string[];
  private readonly actors: Map<string, Actor>;
  private readonly observer: Waiting;
  private readonly patience: number;
  private readonly records: StepRecord[] = [];
  private readonly running = new Map<Actor, Running>();
  private readonly failed = new Set<Actor>();
  private deadline = 0;

  constructor(order: string[], actors: readonly Actor[], observer: Waiting, patience: number) {
    this.remaining = order;
    this.actors = new Map(actors.map((actor) => [actor.name, actor]));
    this.observer = observer;
    this.patience = patience;
  }

  async run(): Promise<StepRecord[]> {
    while (this.remaining.length > 0) {
      this.deadline = Date.now() + this.patience;
      this.start(await this.next());
    }
    this.deadline = Date.now() + this.patience;
    while (this.busy().length > 0) await this.pause();
    return this.records;
  }

  /** Takes the first step that can be issued, once nobody is at work. */
  private async next(): Promise<string> {
    for (;;) {
      const waiting = await this.settled();
      const index = this.remaining.findIndex((step) => !waiting.has(split(step).name));
      if (index >= 0) return this.remaining.splice(index, 1)[0] ?? '';
      await this.pause();
    }
  }

  private start(step: string): void {
    const { name, letter } = split(step);
    const actor = this.actors.get(name);
    const act = actor?.steps[letter];
    if (actor === undefined || act === undefined) throw new Error(`no such step: ${step}`);
    if (this.failed.has(actor)) return;
    const run: Running = { record: { step, waited: false, sent: [], note: '' }, done: false };
    this.records.push(run.record);
    this.running.set(actor, run);
    void this.perform(actor, act, run.record).finally(() => (run.done = true));
  }

  private async perform(actor: Actor, act: () => Promise<string>, record: StepRecord): Promise<void> {
    const before = actor.sent.length;
    try {
      record.note = await act();
    } catch (error) {
      record.error = codeOf(error);
      this.failed.add(actor);
    }
    record.sent = actor.sent.slice(before);
    if (record.error === undefined) return;
    try {
      await actor.rollback();
    } catch (error) {
      record.error += `, then ${codeOf(error)}`;
    }
  }

  /** Until nobody is at work; gives the names of those who wait. */
  private async settled(): Promise<Set<string>> {
    for (;;) {
      const asked = this.busy().map((actor) => actor.pid);
      const waiting = asked.length === 0 ? new Set() : await this.observer.waiting(asked);
      const busy = this.busy();
      // Who ended while the server was asked may have freed what another waits for: the answer is stale then.
      if (busy.length === asked.length && busy.every((actor) => waiting.has(actor.pid))) {
        for (const actor of busy) this.markWaited(actor);
        return new Set(busy.map((actor) => actor.name));
      }
      await this.pause();
    }
  }

  private busy(): Actor[] {
    return [...this.running].filter(([, run]) => !run.done).map(([actor]) => actor);
  }

  private markWaited(actor: Actor): void {
    const run = this.running.get(actor);
    if (run !== undefined) run.record.waited = true;
  }

  private async pause(): Promise<void> {
    if (Date.now() > this.deadline) throw new Error(this.stuck());
    await delay(2);
  }

  private stuck(): string {
    const issued = this.records.map(({ step, error }) => (error === undefined ? step : `${step} (${error})`));
    const busy = this.busy().map((actor) => actor.name);
    return `the schedule does not move: issued ${issued.join(' ')}; at work or waiting: ${busy.join(' ')}; left: ${this.remaining.join(' ')}`;
  }
}

function split(step: string): { name: string; letter: string } {
  const [name = '', letter = ''] = step.split('.');
  return { name, letter };
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
