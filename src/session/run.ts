/**
 * Runs one plan in place of one statement of the client, in either protocol.
 *
 * A run is a generator that yields what it waits for (the answers to what it sent, or a point in time), so the sequence
 * reads from top to bottom while the session stays free of callbacks. Until it ends, the client's further bytes wait.
 * Invariant: the client gets exactly one reply to its statement, from the edited statement or from the original.
 */
import type { Statement } from '../memory/types.ts';
import type { Evidence } from '../patterns/evidence.ts';
import type { Finding } from '../patterns/types.ts';
import { describe } from './decide.ts';
import type { SessionState } from './state.ts';
import type { FindingEvent } from './types.ts';

export type Ending = Omit<
  FindingEvent,
  'type' | 'pattern' | 'rule' | 'mode' | 'fingerprint' | 'table' | 'rows'
>;

/** What a step waits for. */
export type Wait<Request> =
  | { kind: 'reply'; request: Request }
  /** The reply to the client's own statement, which has been forwarded and goes to the client as it comes. */
  | { kind: 'original' }
  | { kind: 'time'; until: number };

export abstract class Run<State extends SessionState = SessionState, Request = unknown, Reply = unknown> {
  readonly state: State;
  readonly finding: Finding;
  readonly statement: Statement;
  /** Call wake at this time; undefined while a reply is due. */
  wakeAt: number | undefined;
  /** The user wants the statement cancelled while it waits for its turn. */
  cancelled = false;
  protected guard: Pick<Ending, 'guard' | 'guardWaitMs'> = {};
  protected evidence: Evidence | undefined;
  /** The next request is the edited statement: once it is on the wire the client is owed what only this run knows. */
  protected editing = false;
  /** The edited statement, once it is on the wire. */
  protected sent: Buffer | undefined;
  private owing = false;
  private replied = false;
  private readonly steps: Generator<Wait<Request>, void, Reply | undefined>;
  private readonly began: number;
  /** Milliseconds that the server took for the original. */
  private elsewhere = 0;

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
      else if (step.value.kind === 'reply') {
        this.dispatch(step.value.request);
        this.owing ||= this.editing;
      }
    } catch (error) {
      this.contain(error);
    }
  }

  /**
   * A defect of ours. What was sent has been answered, each by itself, so in front of the edited statement nothing is lost:
   * the original goes out. Behind it the client is owed a reply that nobody can give any more.
   */
  private contain(error: unknown): void {
    const { state, finding, statement } = this;
    state.contain(error, statement);
    state.ruleFailed(finding.rule);
    if (this.owing && !this.replied) return state.fatal('internal', 'a rewrite failed inside the proxy');
    if (!this.replied) this.sendOriginal({ decision: 'refused', reason: 'defect' });
    state.run = undefined;
  }

  protected sendOriginal(ending: Ending): void {
    const { decision } = ending;
    this.state.counters[decision === 'observed' || decision === 'guarded' ? 'forwarded' : 'refused'] += 1;
    this.forwardOriginal();
    this.end(ending);
  }

  /** The original between two looks: what comes behind it must not touch the client's reply. */
  protected *relayOriginal(): Generator<Wait<Request>, Reply | undefined, Reply | undefined> {
    const { state } = this;
    state.counters.forwarded += 1;
    this.replied = true;
    this.forwardOriginal();
    this.demandReply();
    const sentAt = state.now;
    const reply = yield { kind: 'original' };
    this.elsewhere = state.now - sentAt;
    return reply;
  }

  /** Behind the original: what makes the server answer it now. */
  protected demandReply(): void {}

  /** The guard is all that there is to the plan. */
  protected sendGuarded(): void {
    if (this.guard.guard === 'had') this.sendOriginal({ decision: 'guarded' });
    else this.sendOriginal({ decision: 'refused', reason: 'guard-not-had' });
  }

  /** The client's own message or messages, as they came. */
  protected abstract forwardOriginal(): void;

  protected end(ending: Ending): void {
    this.replied = true;
    const { state, finding, statement } = this;
    this.judge(ending);
    if (finding.writeLook !== undefined) return this.showEvidence();
    const { evidence = notAsked(finding, ending) } = this;
    const durationMs = state.now - this.began - this.elsewhere;
    const common = { ...describe(statement, finding), ...this.guard };
    const fields = { ...common, ...ending, durationMs, ...(evidence && { evidence }) };
    state.finding(fields, statement, finding, this.sent);
  }

  /** Of an UPDATE, which is no finding. */
  private showEvidence(): void {
    const { state, finding, statement, evidence = { reason: 'look-failed' } } = this;
    const { pattern, rule, fingerprint, table } = describe(statement, finding);
    state.output.event({ type: 'evidence', pattern, rule, fingerprint, table, evidence });
  }

  /** What the end of a rewrite says of its rule, see Breaker. */
  private judge({ decision, reason }: Ending): void {
    const { state, statement } = this;
    const { rule } = this.finding;
    // The guard alone is no rewrite, nor is a look.
    if (rule.mode !== 'rewrite') return;
    if (decision === 'rewritten' || decision === 'guarded') state.ruleSucceeded(rule);
    else if (reason === 'plan-failed') state.originalSent(statement, rule);
    else if (reason !== 'defect') state.options.shared.breaker.undecided(rule.id);
  }
}

/** The plan came to nothing before anything could be asked. */
function notAsked({ rule }: Finding, { reason = 'look-failed' }: Ending): Evidence | undefined {
  return rule.evidence === true && rule.pattern === 'split-delete' ? { reason } : undefined;
}
