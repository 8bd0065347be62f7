/**
 * The frame of a session in either protocol: both directions are cut into messages, the client's bytes wait while a plan
 * runs, raw relay takes over when nothing is understood any more, and whatever goes wrong ends this session and no other.
 * What a message means is the subclass's.
 */
import { ProtocolViolation } from '../wire/violation.ts';
import type { LastWord } from './last-word.ts';
import type { SessionState } from './state.ts';
import type { Actions, Session, SessionCounters, Side, StartTls } from './types.ts';

/** What both protocols' framers have in common. */
export interface Frames {
  push(chunk: Buffer): void;
  /** 0: the chunk is used up. Else what was found, see the protocol's framer. */
  next(): number;
  rest(): Buffer;
  readonly pending: number;
  readonly streaming: boolean;
}

export abstract class FramedSession<
  State extends SessionState,
  Framing extends Frames = Frames,
> implements Session {
  protected readonly state: State;
  protected readonly fromClient: Framing;
  protected readonly fromServer: Framing;
  /** Client bytes that wait for a plan to end. */
  private waiting: Buffer[] = [];

  constructor(state: State, fromClient: Framing, fromServer: Framing) {
    this.state = state;
    this.fromClient = fromClient;
    this.fromServer = fromServer;
  }

  get counters(): SessionCounters {
    return this.state.counters;
  }

  get raw(): boolean {
    return this.state.raw;
  }

  get idle(): boolean {
    return this.state.status === 'I' && this.quiet;
  }

  /** Logged in, between two messages, and no reply is due. */
  private get quiet(): boolean {
    const { ready, run, raw } = this.state;
    const whole = this.fromClient.pending === 0 && !this.fromClient.streaming;
    return ready && !raw && run === undefined && whole && !this.owes;
  }

  get parted(): boolean {
    return this.state.parted;
  }

  get planning(): boolean {
    return this.state.run !== undefined;
  }

  /** The hot path: as step(), without a closure. */
  receive(side: Side, chunk: Buffer, now: number): Actions {
    this.begin(now);
    try {
      if (side === 'client') this.client(chunk);
      else this.server(chunk);
    } catch (error) {
      this.contain(side, error);
    }
    return this.take();
  }

  secured(side: Side, now: number): Actions {
    return this.step(side, now, () => this.afterHandshake(side));
  }

  clientLeft(now: number): Actions {
    return this.step('client', now, () => this.partFromServer());
  }

  lastWord(word: LastWord): Buffer | undefined {
    const { raw, parted } = this.state;
    return raw || parted || this.fromServer.streaming ? undefined : this.writeLastWord(word);
  }

  wake(now: number): Actions {
    return this.step('server', now, () => {
      this.state.run?.wake();
      this.resume();
    });
  }

  closed(): void {
    this.state.leaveGuards();
    this.state.share.end();
  }

  /** A reply is due, or may be. */
  protected abstract get owes(): boolean;

  /** The client stands between two messages. */
  protected abstract writeLastWord(word: LastWord): Buffer | undefined;

  /** What `fromClient` has found. */
  protected abstract clientStep(step: number): void;

  /** What `fromServer` has found. */
  protected abstract serverStep(step: number): void;

  /** Bytes in front of typed messages. @returns what is to be framed; undefined: nothing yet */
  protected beforeMessages(chunk: Buffer): Buffer | undefined {
    return chunk;
  }

  /** TLS has begun on this side. */
  protected afterHandshake(side: Side): void {
    throw new Error(`TLS on the ${side}'s leg was not asked for`);
  }

  /** See Session.clientLeft(). */
  protected partFromServer(): void {
    this.state.output.end();
  }

  /** Bytes that the client side holds back itself. */
  protected heldBack(): Buffer[] {
    return [];
  }

  private step(side: Side, now: number, work: () => void): Actions {
    this.begin(now);
    try {
      work();
    } catch (error) {
      this.contain(side, error);
    }
    return this.take();
  }

  private begin(now: number): void {
    this.state.now = now;
    this.state.output.begin();
  }

  private take(): Actions {
    const { output, run } = this.state;
    return output.take(run?.wakeAt, this.waiting.length > 0 && run !== undefined);
  }

  private client(chunk: Buffer): void {
    if (this.state.raw) return this.relay('client', chunk);
    if (this.state.run !== undefined) {
      this.waiting.push(Buffer.from(chunk));
      return;
    }
    if (this.state.outdated && this.quiet && this.state.betweenTransactions) this.state.followRules();
    const typed = this.beforeMessages(chunk);
    if (typed === undefined || typed.length === 0) return;
    if (this.state.raw) return this.relay('client', typed);
    this.frameClient(typed);
  }

  private frameClient(chunk: Buffer): void {
    const { state, fromClient: frames } = this;
    frames.push(chunk);
    for (let step = frames.next(); step !== 0; step = frames.next()) {
      this.clientStep(step);
      state.settle();
      if (state.raw) return this.relay();
      if (state.output.startsTls !== undefined) return this.beforeTls(state.output.startsTls);
      if (state.run !== undefined) {
        // The rest waits; it is copied because the chunk is only lent.
        const rest = frames.rest();
        if (rest.length > 0) this.waiting.push(Buffer.from(rest));
        return;
      }
    }
  }

  /** What came behind the request is no message; what came ahead of TLS must not count as said under it. */
  private beforeTls(start: StartTls): void {
    const rest = this.fromClient.rest();
    if (start.side === 'client') start.hello = Buffer.from(rest);
    else if (rest.length > 0 || this.fromServer.pending > 0)
      throw new ProtocolViolation('bytes ahead of the TLS handshake');
  }

  private server(chunk: Buffer): void {
    const { state, fromServer: frames } = this;
    if (state.raw) return this.relay('server', chunk);
    frames.push(chunk);
    for (let step = frames.next(); step !== 0; step = frames.next()) {
      this.serverStep(step);
      state.settle();
      if (state.raw) return this.relay();
      if (state.output.ending) return;
    }
    this.resume();
  }

  /** A plan has ended: the client's bytes that came meanwhile are looked at, until the next plan begins. */
  private resume(): void {
    while (this.state.run === undefined && this.waiting.length > 0) {
      if (this.state.raw) return this.relay();
      const chunk = Buffer.concat(this.waiting);
      this.waiting = [];
      this.frameClient(chunk);
    }
  }

  /** Raw relay: whatever an inner buffer still holds goes first, then the chunk. */
  private relay(side?: Side, chunk?: Buffer): void {
    const { output } = this.state;
    for (const bytes of [...this.heldBack(), this.fromClient.rest(), ...this.waiting]) output.toServer(bytes);
    this.waiting = [];
    output.toClient(this.fromServer.rest());
    if (chunk === undefined) return;
    if (side === 'client') output.toServer(chunk);
    else output.toClient(chunk);
  }

  /**
   * Framing errors end the connection. So does a defect that was not contained where it happened: where in the chunk that
   * was is not known.
   */
  private contain(side: Side, error: unknown): void {
    const { state } = this;
    if (error instanceof ProtocolViolation) {
      state.output.event({ type: 'protocol-error', side, message: error.message });
      if (error.answered) state.fatal('protocol', error.message);
      else state.output.end();
      return;
    }
    const { owed } = state;
    state.contain(error);
    state.fatal('internal', owed ? 'a rewrite failed inside the proxy' : 'internal error');
  }
}
