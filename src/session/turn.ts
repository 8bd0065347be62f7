/**
 * A session's turn at a guard: the line inside the process first, the server's lock after it. Shared by both protocols;
 * how the server is asked is theirs.
 */
import type { Plan } from '../patterns/types.ts';
import type { Wait } from './run.ts';
import type { SessionState } from './state.ts';

type Guard = NonNullable<Plan['guard']>;

export type Turn<Refused> = { guard: 'had' | 'not-had'; waitedMs: number } | Refused;

const firstPauseMs = 1;
/**
 * Short, because another process may hand the key on in a line of its own, and is free for a moment only: with 100 ms, 16
 * sessions in 4 processes missed the guard 27 times in 1,920 transactions, with 24 ms 10 times, with 8 ms never. Only the
 * first of each process's line polls.
 */
const longestPauseMs = 8;
/** In line, a session says something so often: idle_in_transaction_session_timeout would end one that says nothing. */
const longestSilenceMs = 200;

/**
 * Asks the server until it grants the lock or the guard's time is up. `ask` answers whether the lock is had, or a value
 * that ends the whole plan; `ask(false)` must not take the lock: another session of this process is in front. `cancel`
 * ends the wait as the server would end a statement that its user cancels.
 */
export function* takeTurn<Request, Reply, Refused extends object>(
  state: SessionState,
  guard: Guard,
  ask: (mayLock: boolean) => Generator<Wait<Request>, boolean | Refused, Reply | undefined>,
  cancel?: () => Generator<Wait<Request>, Refused, Reply | undefined>,
): Generator<Wait<Request>, Turn<Refused>, Reply | undefined> {
  const { guards } = state.options.shared;
  const { name } = guard.key;
  const began = state.now;
  const deadline = began + guard.waitMs;
  // Who has it already does not wait behind a session that waits for it.
  const held = state.guards.includes(name);
  const alone = guards.acquire(name, state.owner, state.options.wakeSoon) || held;
  let had: boolean | Refused = false;
  try {
    had = yield* ask(alone);
    if (had === false) had = yield* wait(state, name, deadline, ask, cancel);
  } finally {
    if (had === true) state.rememberGuard(name);
    else guards.release(name, state.owner);
  }
  if (typeof had === 'object') return had;
  return { guard: had ? 'had' : 'not-had', waitedMs: state.now - began };
}

function* wait<Request, Reply, Refused>(
  state: SessionState,
  name: string,
  deadline: number,
  ask: (mayLock: boolean) => Generator<Wait<Request>, boolean | Refused, Reply | undefined>,
  cancel?: () => Generator<Wait<Request>, Refused, Reply | undefined>,
): Generator<Wait<Request>, boolean | Refused, Reply | undefined> {
  const { guards } = state.options.shared;
  guards.waiting += 1;
  try {
    const cancelled = (): boolean => state.run?.cancelled === true;
    const inLine = (): boolean => !guards.holds(name, state.owner) && state.now < deadline;
    while (inLine()) {
      yield { kind: 'time', until: Math.min(state.now + longestSilenceMs, deadline) };
      if (cancelled() && cancel !== undefined) return yield* cancel();
      const answer = inLine() && (yield* ask(false));
      if (answer !== false) return answer;
    }
    for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
      const had = yield* ask(true);
      if (had !== false || state.now >= deadline) return had;
      yield { kind: 'time', until: Math.min(state.now + pause, deadline) };
      if (cancelled() && cancel !== undefined) return yield* cancel();
    }
  } finally {
    guards.waiting -= 1;
  }
}
