/**
 * One PostgreSQL session: bytes in, actions out. Start-up, then the relay with both sides framed, and raw relay when
 * nothing is understood any more. Owns no socket, no clock, no logger.
 */
import type { Actions, SessionOptions, Session, SessionCounters, Side } from '../types.ts';
import { server as serverCodes } from '../../wire/postgres/codes.ts';
import { Framer, Head, Message, None, Piece } from '../../wire/postgres/framer.ts';
import { ProtocolViolation } from '../../wire/postgres/violation.ts';
import { ClientSide } from './client-side.ts';
import { Conversation } from './conversation.ts';
import { contain } from '../decide.ts';
import { ServerSide } from './server-side.ts';
import { SentStatement, unseenText } from '../statement.ts';
import { Startup } from './startup.ts';

export function createPostgresSession(options: SessionOptions): Session {
  return new PostgresSession(options);
}

class PostgresSession implements Session {
  private readonly conversation: Conversation;
  private readonly clientSide: ClientSide;
  private readonly serverSide: ServerSide;
  private readonly startup: Startup;
  private readonly fromClient: Framer;
  private readonly fromServer: Framer;
  /** Client bytes that wait for a plan to end. */
  private waiting: Buffer[] = [];

  constructor(options: SessionOptions) {
    this.conversation = new Conversation(options);
    this.clientSide = new ClientSide(this.conversation);
    this.serverSide = new ServerSide(this.conversation);
    this.startup = new Startup(this.conversation);
    this.fromClient = new Framer(options.limits.messageBytes);
    this.fromServer = new Framer(options.limits.messageBytes);
  }

  get counters(): SessionCounters {
    return this.conversation.counters;
  }

  get raw(): boolean {
    return this.conversation.raw;
  }

  get idle(): boolean {
    const { ready, status, replies, run, raw } = this.conversation;
    return (
      ready && !raw && status === 'I' && replies.empty && run === undefined && this.fromClient.pending === 0
    );
  }

  receive(side: Side, chunk: Buffer, now: number): Actions {
    this.conversation.now = now;
    this.guarded(side, () => (side === 'client' ? this.client(chunk) : this.server(chunk)));
    return this.take();
  }

  wake(now: number): Actions {
    this.conversation.now = now;
    this.guarded('server', () => {
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
    if (!this.startup.done) {
      const rest = this.startup.receive(chunk);
      if (rest === undefined || rest.length === 0) return;
      if (conversation.raw) return this.relay('client', rest);
      return this.frameClient(rest);
    }
    this.frameClient(chunk);
  }

  private frameClient(chunk: Buffer): void {
    const { conversation, fromClient, clientSide } = this;
    const { inspectBytes } = conversation.options.limits;
    fromClient.push(chunk);
    for (let step = fromClient.next(); step !== None; step = fromClient.next()) {
      const { type, buf, start, end } = fromClient;
      if (step === Message) {
        if (end - start > inspectBytes) clientSide.longMessage(type, buf, start, end);
        else clientSide.message(type, buf, start, end);
      } else if (step === Head) {
        if (fromClient.length > inspectBytes) fromClient.stream();
        else fromClient.hold();
      } else if (step === Piece) {
        if (fromClient.first) clientSide.longMessage(type, buf, start, end);
        else clientSide.morePieces(buf, start, end);
      }
      if (conversation.raw) return this.relay();
      if (conversation.run !== undefined) {
        // The rest waits; it is copied because the chunk is only lent.
        const rest = fromClient.rest();
        if (rest.length > 0) this.waiting.push(Buffer.from(rest));
        return;
      }
    }
  }

  private server(chunk: Buffer): void {
    const { conversation, fromServer, serverSide } = this;
    if (conversation.raw) return this.relay('server', chunk);
    fromServer.push(chunk);
    for (let step = fromServer.next(); step !== None; step = fromServer.next()) {
      const { type, buf, start, end } = fromServer;
      if (step === Message) serverSide.message(type, buf, start, end);
      else if (step === Head) {
        if (serverSide.mayStream(type)) fromServer.stream();
        else fromServer.hold();
      } else if (step === Piece) {
        if (fromServer.first && type === serverCodes.dataRow) serverSide.streamedRow();
        conversation.output.toClient(buf, start, end);
      }
      if (conversation.raw) return this.relay();
    }
    this.resume();
  }

  /** A plan has ended: the client's bytes that came meanwhile are looked at, until the next plan begins. */
  private resume(): void {
    const { conversation } = this;
    while (conversation.run === undefined && this.waiting.length > 0) {
      const chunk = Buffer.concat(this.waiting);
      this.waiting = [];
      this.frameClient(chunk);
    }
  }

  /** Raw relay: whatever an inner buffer still holds goes first, then the chunk. */
  private relay(side?: Side, chunk?: Buffer): void {
    const { output } = this.conversation;
    for (const bytes of [this.clientSide.takeHeld(), this.fromClient.rest(), ...this.waiting])
      output.toServer(bytes);
    this.waiting = [];
    output.toClient(this.fromServer.rest());
    if (chunk === undefined) return;
    if (side === 'client') output.toServer(chunk);
    else output.toClient(chunk);
  }

  /** Framing errors end the connection; a bug of ours does so only when the client is owed something. */
  private guarded(side: Side, work: () => void): void {
    const { conversation } = this;
    try {
      work();
    } catch (error) {
      if (error instanceof ProtocolViolation) {
        conversation.output.event({ type: 'protocol-error', side, message: error.message });
        conversation.fatal('protocol', error.message);
        return;
      }
      const owed = conversation.run !== undefined;
      contain(conversation, new SentStatement(unseenText, 'simple'), error);
      // Where in the chunk it happened is not known, so what follows cannot be relayed faithfully.
      conversation.fatal('internal', owed ? 'a rewrite failed inside the proxy' : 'internal error');
    }
  }
}
