/** Unsynchronised load on MySQL and MariaDB: many sessions, random small pauses. @see ../../stress/load.ts for PostgreSQL. */
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../../../../src/demo/app-session.ts';
import type { Actor } from '../../../../src/demo/schedule.ts';
import type { Isolation, Protocol } from '../../../../src/verify/mysql/session.ts';
import { splitDeleter, type Keys } from '../../../../src/verify/mysql/split-delete.ts';
import { updater } from '../update-or-create.ts';

export interface Load {
  /** Where session n connects: urls[n % urls.length]. */
  urls: readonly string[];
  sessions: number;
  protocol: Protocol;
  isolation: Isolation;
}

export interface Result {
  committed: number;
  /** Error number -> how often. */
  errors: Record<string, number>;
  /** CONNECTION_ID() -> texts that this session sent, in order. */
  sent: Map<number, readonly string[]>;
}

/** Up to 4 ms: about as long as a statement takes, so that sessions overlap in every way. */
const pause = (): Promise<void> => delay(Math.random() * 4);

async function transaction(actor: Actor, letters: string, result: Result): Promise<void> {
  try {
    for (const letter of letters) {
      await actor.steps[letter]?.();
      await pause();
    }
    result.committed += 1;
  } catch (error) {
    const code = codeOf(error);
    result.errors[code] = (result.errors[code] ?? 0) + 1;
    await actor.rollback();
  }
}

const connectAll = (load: Load, connect: (url: string, name: string) => Promise<Actor>): Promise<Actor[]> =>
  Promise.all(
    Array.from({ length: load.sessions }, (_, n) =>
      connect(load.urls[n % load.urls.length] ?? '', `R${n + 1}`),
    ),
  );

/** Every session deletes and inserts the same pair, `transactions` times. */
export async function splitDeleteLoad(load: Load, transactions: number, keys: Keys): Promise<Result> {
  const actors = await connectAll(load, (url, name) =>
    splitDeleter(url, name, load.protocol, load.isolation, keys),
  );
  const sent = new Map(actors.map((actor) => [actor.pid, actor.sent]));
  const result: Result = { committed: 0, errors: {}, sent };
  const work = async (actor: Actor): Promise<void> => {
    for (let n = 0; n < transactions; n++) await transaction(actor, 'BSDIC', result);
  };
  await Promise.all(actors.map(work));
  await Promise.all(actors.map((actor) => actor.end()));
  return result;
}

/** So many times, all sessions delete and insert the same pair once, starting together from what `reset` leaves. */
export async function emptyRounds(
  load: Load,
  rounds: number,
  reset: () => Promise<unknown>,
): Promise<Result> {
  const actors = await connectAll(load, (url, name) =>
    splitDeleter(url, name, load.protocol, load.isolation),
  );
  const sent = new Map(actors.map((actor) => [actor.pid, actor.sent]));
  const result: Result = { committed: 0, errors: {}, sent };
  for (let round = 0; round < rounds; round++) {
    await reset();
    await Promise.all(actors.map((actor) => transaction(actor, 'BSDIC', result)));
  }
  await Promise.all(actors.map((actor) => actor.end()));
  return result;
}

/** For each of `keys` new names, every session runs update_or_create (first look-up F) or get_or_create and save (P) at the same time. */
export async function updateOrCreateLoad(load: Load, keys: number, first: 'F' | 'P' = 'F'): Promise<Result> {
  const result: Result = { committed: 0, errors: {}, sent: new Map() };
  for (let key = 0; key < keys; key++) {
    const actors = await connectAll(load, (url, name) =>
      updater(url, name, load.protocol, load.isolation, `key ${key}`),
    );
    for (const actor of actors) result.sent.set(actor.pid, actor.sent);
    await Promise.all(actors.map((actor) => transaction(actor, `B${first}IGUC`, result)));
    await Promise.all(actors.map((actor) => actor.end()));
  }
  return result;
}
