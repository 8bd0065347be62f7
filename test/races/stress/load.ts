/**
 * Unsynchronised load: many sessions, random small pauses, as in life. Not evidence of any one interleaving (the schedules
 * are), but of how often the races strike and that nothing is left of them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, type Protocol } from '../../../src/demo/app-session.ts';
import type { Actor } from '../../../src/demo/schedule.ts';
import { splitDeleter } from '../../../src/demo/split-delete.ts';
import { updater } from '../../../src/demo/update-or-create.ts';

export interface Load {
  /** Where session n connects: urls[n % urls.length]. */
  urls: readonly string[];
  sessions: number;
  protocol: Protocol;
}

export interface Result {
  committed: number;
  /** SQLSTATE -> how often. */
  errors: Record<string, number>;
  /** Server process id -> texts that this session sent, in order. */
  sent: Map<number, readonly string[]>;
}

/** Up to 4 ms: about as long as a statement takes, so that sessions overlap in every way. */
const pause = (): Promise<void> => delay(Math.random() * 4);

async function transaction(worker: Actor, letters: string, result: Result): Promise<void> {
  try {
    for (const letter of letters) {
      await worker.steps[letter]?.();
      await pause();
    }
    result.committed += 1;
  } catch (error) {
    const code = codeOf(error);
    result.errors[code] = (result.errors[code] ?? 0) + 1;
    await worker.rollback();
  }
}

const fresh = (workers: Actor[]): Result => ({
  committed: 0,
  errors: {},
  sent: new Map(workers.map((worker) => [worker.pid, worker.sent])),
});

/** Every session deletes and inserts the same pair, `transactions` times. */
export async function splitDeleteLoad(load: Load, transactions: number): Promise<Result> {
  const connect = (_: unknown, n: number): Promise<Actor> =>
    splitDeleter(load.urls[n % load.urls.length] ?? '', `R${n + 1}`, load.protocol, 'READ COMMITTED');
  const workers = await Promise.all(Array.from({ length: load.sessions }, connect));
  const result = fresh(workers);
  const work = async (worker: Actor): Promise<void> => {
    for (let n = 0; n < transactions; n++) await transaction(worker, 'BSDIC', result);
  };
  await Promise.all(workers.map(work));
  await Promise.all(workers.map((worker) => worker.end()));
  return result;
}

/** So many times, all sessions delete and insert the same pair once, starting together from what `reset` leaves. */
export async function emptyRounds(
  load: Load,
  rounds: number,
  reset: () => Promise<unknown>,
): Promise<Result> {
  const connect = (_: unknown, n: number): Promise<Actor> =>
    splitDeleter(load.urls[n % load.urls.length] ?? '', `R${n + 1}`, load.protocol, 'READ COMMITTED');
  const workers = await Promise.all(Array.from({ length: load.sessions }, connect));
  const result = fresh(workers);
  for (let round = 0; round < rounds; round++) {
    await reset();
    await Promise.all(workers.map((worker) => transaction(worker, 'BSDIC', result)));
  }
  await Promise.all(workers.map((worker) => worker.end()));
  return result;
}

/** For each of `keys` new names, every session runs update_or_create at the same time. */
export async function updateOrCreateLoad(load: Load, keys: number): Promise<Result> {
  const result: Result = { committed: 0, errors: {}, sent: new Map() };
  const urlOf = (n: number): string => load.urls[n % load.urls.length] ?? '';
  for (let key = 0; key < keys; key++) {
    const connect = (_: unknown, n: number): Promise<Actor> =>
      updater(urlOf(n), `L${n + 1}`, load.protocol, 'READ COMMITTED', `key ${key}`);
    const workers = await Promise.all(Array.from({ length: load.sessions }, connect));
    for (const worker of workers) result.sent.set(worker.pid, worker.sent);
    await Promise.all(workers.map((worker) => transaction(worker, 'BFIGUC', result)));
    await Promise.all(workers.map((worker) => worker.end()));
  }
  return result;
}
