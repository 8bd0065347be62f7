/**
 * Runs one plan in place of one statement of the client, in either protocol.
 *
 * A run is a generator that yields what it waits for (the answers to what it sent, or a point in time), so the sequence
 * reads from top to bottom while the session stays free of callbacks. Until it ends, the client's further bytes wait.
 * Invariant: the client gets exactly one reply to its statement, from the edited statement or from the original.
 */
import type { Statement } from '../memory/types.ts';
import type { Finding } from '../patterns/types.ts';
import { contain, describe } from './decide.ts';
import type { SessionState } from './state.ts';
import type { FindingEvent } from './types.ts';

export type Ending = Omit<
  FindingEvent,
  'type' | 'pattern' | 'rule' | 'mode' | 'fingerprint' | 'table' | 'rows'
>;

/** What a step waits for. */
export type Wait<Request> = { kind: 'reply'; request: Request } | { kind: 'time'; until: number };

export abstract class Run<State extends SessionState = SessionState, Request = unknown, Reply = unknown> {
  readonly state: State;
  readonly finding: Finding;
  readonly statement: Statement;
  /** Call wake at this time; undefined while a reply is due. */
  wakeAt: number | undefined;
  /** The user wants the statement cancelled while it waits for its turn. */
  cancelled = false;
  protected guard: Pick<Ending, 'guard' | 'guardWaitMs'> = {};
  private readonly steps: Generator<Wait<Request>, void, Reply | undefined>;
  private readonly began: number;

  constructor(state: State, finding: Finding, statement: Statement) {
    this.state = state;
    this.finding = finding;
    this.statement = statement;
    this.began = state.now;
    this.steps = this.sequence();
  }

  start(): void {
    this.state.run = this;
    this.advance(undefined);
  }

  wake(): void {
    if (this.wakeAt !== undefined) this.advance(undefined);
  }

  /**
   * @returns false when it does not wait: the server is at work on it and has to be asked as well. Its statement may have
   * ended when the request arrives, so that the next wait has to know of it.
   */
  cancel(): boolean {
    this.cancelled = true;
    if (this.wakeAt === undefined) return false;
    this.state.options.wakeSoon();
    return true;
  }

  /** The connection is gone: whatever the sequence holds is given back (its finally blocks run). */
  abandon(): void {
    try {
      this.steps.return();
    } catch {
      // It is being advanced right now and ends by itself.
    }
  }

  protected abstract sequence(): Generator<Wait<Request>, void, Reply | undefined>;

  /** Puts a request on the wire and notes the replies it will cause. */
  protected abstract dispatch(request: Request): void;

  protected *send(request: Request): Generator<Wait<Request>, Reply, Reply | undefined> {
    const reply = yield { kind: 'reply', request };
    if (reply === undefined) throw new Error('a run was resumed without its reply');
    return reply;
  }

  protected advance(input: Reply | undefined): void {
    const { state } = this;
    this.wakeAt = undefined;
    try {
      const step = this.steps.next(input);
      if (step.done === true) {
        if (state.run === this) state.run = undefined;
      } else if (step.value.kind === 'time') this.wakeAt = step.value.until;
      else this.dispatch(step.value.request);
    } catch (error) {
      // A bug of ours while the client is owed a reply that nobody can give any more.
      contain(state, this.statement, error);
      state.fatal('internal', 'a rewrite failed inside the proxy');
    }
  }

  protected end(ending: Ending): void {
    const { state, finding, statement } = this;
    const common = { ...describe(statement, finding), ...this.guard };
    state.finding({ ...common, ...ending, durationMs: state.now - this.began });
  }
}
