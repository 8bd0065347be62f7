/**
 * One MySQL or MariaDB session: bytes in, actions out. Handshake, then the relay with both sides framed, and raw relay
 * when nothing is understood any more. Owns no socket, no clock, no logger.
 */
import type { Actions, Session, SessionCounters, SessionOptions, Side } from '../types.ts';
import { Framer, Head, Message, None, Piece } from '../../wire/mysql/framer.ts';
import { maxLoginBytes } from '../../wire/mysql/handshake-response.ts';
import { ProtocolViolation } from '../../wire/mysql/violation.ts';
import { contain } from '../decide.ts';
import { SentStatement, unseenText } from '../statement.ts';
import { MysqlClientSide } from './client-side.ts';
import { MysqlConversation } from './conversation.ts';
import { Handshake } from './handshake.ts';
import { MysqlServerSide } from './server-side.ts';

export function createMysqlSession(options: SessionOptions): Session {
  return new MysqlSession(options);
}

class MysqlSession implements Session {
  private readonly conversation: MysqlConversation;
  private readonly clientSide: MysqlClientSide;
  private readonly serverSide: MysqlServerSide;
  private readonly handshake: Handshake;
  private readonly clientFrames: Framer;
  private readonly serverFrames: Framer;
  /** Client bytes that wait for a plan to end. */
  private waiting: Buffer[] = [];

  constructor(options: SessionOptions) {
    this.conversation = new MysqlConversation(options);
    this.clientSide = new MysqlClientSide(this.conversation);
    this.serverSide = new MysqlServerSide(this.conversation);
    this.handshake = new Handshake(this.conversation);
    this.clientFrames = new Framer(options.limits.messageBytes);
    this.serverFrames = new Framer(options.limits.messageBytes);
  }

  get counters(): SessionCounters {
    return this.conversation.counters;
  }

  get raw(): boolean {
    return this.conversation.raw;
  }

  get idle(): boolean {
    const { ready, status, unsure, expected, run, raw } = this.conversation;
    return (
      ready &&
      !raw &&
      status === 'I' &&
      !unsure &&
      expected.empty &&
      run === undefined &&
      this.clientFrames.pending === 0
    );
  }

  receive(side: Side, chunk: Buffer, now: number): Actions {
    this.conversation.now = now;
    this.contained(side, () => (side === 'client' ? this.client(chunk) : this.server(chunk)));
    return this.take();
  }

  wake(now: number): Actions {
    this.conversation.now = now;
    this.contained('server', () => {
      this.conversation.run?.wake();
      this.resume();
    });
    return this.take();
  }

  closed(): void {
    this.conversation.leaveGuards();
  }

  private take(): Actions {
    const { output, run } = this.conversation;
    return output.take(run?.wakeAt, this.waiting.length > 0 && run !== undefined);
  }

  private client(chunk: Buffer): void {
    const { conversation } = this;
    if (conversation.raw) return this.relay('client', chunk);
    if (conversation.run !== undefined) {
      this.waiting.push(Buffer.from(chunk));
      return;
    }
    this.frameClient(chunk);
  }

  private frameClient(chunk: Buffer): void {
    const { conversation, clientFrames: frames } = this;
    frames.push(chunk);
    for (let step = frames.next(); step !== None; step = frames.next()) {
      this.clientStep(step);
      if (conversation.raw) return this.relay();
      if (conversation.run !== undefined) {
        // The rest waits; it is copied because the chunk is only lent.
        const rest = frames.rest();
        if (rest.length > 0) this.waiting.push(Buffer.from(rest));
        return;
      }
    }
  }

  private clientStep(step: typeof Message | typeof Head | typeof Piece): void {
    const { conversation, clientFrames: frames, clientSide, handshake } = this;
    const { inspectBytes } = conversation.options.limits;
    conversation.sequence = frames.lastSequence;
    if (!handshake.done) {
      if (frames.length > maxLoginBytes) throw new ProtocolViolation('log-in packet too long');
      if (step === Message) handshake.fromClient(frames);
      else if (step === Head) frames.hold();
    } else if (step === Message) {
      if (frames.end - frames.start > inspectBytes) clientSide.longMessage(frames);
      else clientSide.message(frames);
    } else if (step === Head) {
      if (frames.length > inspectBytes) frames.stream();
      else frames.hold();
    } else if (frames.first) clientSide.longMessage(frames);
    else conversation.output.toServer(frames.buf, frames.start, frames.end);
  }

  private server(chunk: Buffer): void {
    const { conversation, serverFrames: frames } = this;
    if (conversation.raw) return this.relay('server', chunk);
    frames.push(chunk);
    for (let step = frames.next(); step !== None; step = frames.next()) {
      this.serverStep(step);
      if (conversation.raw) return this.relay();
      if (conversation.output.ending) return;
    }
    this.resume();
  }

  private serverStep(step: typeof Message | typeof Head | typeof Piece): void {
    const { conversation, serverFrames: frames, serverSide, handshake } = this;
    conversation.sequence = frames.lastSequence;
    if (!handshake.done) {
      if (step === Message) handshake.fromServer(frames);
      else if (step === Head) frames.hold();
    } else if (step === Message) serverSide.message(frames);
    else if (step === Head) {
      if (serverSide.mayStream(frames)) frames.stream();
      else frames.hold();
    } else {
      if (frames.first) serverSide.streamedRow();
      conversation.output.toClient(frames.buf, frames.start, frames.end);
    }
  }

  /** A plan has ended: the client's bytes that came meanwhile are looked at, until the next plan begins. */
  private resume(): void {
    while (this.conversation.run === undefined && this.waiting.length > 0 && !this.conversation.raw) {
      const chunk = Buffer.concat(this.waiting);
      this.waiting = [];
      this.frameClient(chunk);
    }
  }

  /** Raw relay: whatever an inner buffer still holds goes first, then the chunk. */
  private relay(side?: Side, chunk?: Buffer): void {
    const { output } = this.conversation;
    for (const bytes of [this.clientFrames.rest(), ...this.waiting]) output.toServer(bytes);
    this.waiting = [];
    output.toClient(this.serverFrames.rest());
    if (chunk === undefined) return;
    if (side === 'client') output.toServer(chunk);
    else output.toClient(chunk);
  }

  /** Framing errors end the connection; a bug of ours does so too: where in the chunk it happened is not known. */
  private contained(side: Side, work: () => void): void {
    const { conversation } = this;
    try {
      work();
    } catch (error) {
      if (error instanceof ProtocolViolation) {
        conversation.output.event({ type: 'protocol-error', side, message: error.message });
        conversation.fatal('protocol', error.message);
        return;
      }
      contain(conversation, new SentStatement(unseenText, 'simple'), error);
      conversation.fatal('internal', 'internal error');
    }
  }
}
