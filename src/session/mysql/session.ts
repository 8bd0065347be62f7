/** One MySQL or MariaDB session: handshake, then commands and their replies. */
import type { Session, SessionOptions, Side } from '../types.ts';
import { command } from '../../wire/mysql/commands.ts';
import { Framer, Head, Message } from '../../wire/mysql/framer.ts';
import { maxLoginBytes } from '../../wire/mysql/handshake-response.ts';
import { ProtocolViolation } from '../../wire/violation.ts';
import { FramedSession } from '../framed.ts';
import { fatalCodes, type LastWord } from '../last-word.ts';
import { MysqlClientSide } from './client-side.ts';
import { MysqlConversation } from './conversation.ts';
import { Handshake } from './handshake.ts';
import { writeLastWord } from './last-word.ts';
import { MysqlServerSide } from './server-side.ts';

export function createMysqlSession(options: SessionOptions): Session {
  return new MysqlSession(options);
}

class MysqlSession extends FramedSession<MysqlConversation, Framer> {
  private readonly clientSide: MysqlClientSide;
  private readonly serverSide: MysqlServerSide;
  private readonly handshake: Handshake;

  constructor(options: SessionOptions) {
    const { messageBytes } = options.limits;
    super(new MysqlConversation(options), new Framer(messageBytes), new Framer(messageBytes));
    this.clientSide = new MysqlClientSide(this.state);
    this.serverSide = new MysqlServerSide(this.state);
    this.handshake = new Handshake(this.state);
  }

  protected get owes(): boolean {
    return this.state.unsure || this.state.cursorOpen || !this.state.expected.empty;
  }

  protected writeLastWord(word: LastWord): Buffer | undefined {
    const { state, handshake } = this;
    // MariaDB closes without a word, and the number means something else there.
    if (word.code === fatalCodes.idleTimeout && state.version.mariadb) return undefined;
    const sequence = handshake.done ? this.nextForClient : handshake.nextForClient;
    const greeted = handshake.done || sequence !== 0;
    return sequence === undefined ? undefined : writeLastWord(sequence, greeted, word);
  }

  /** Sequence id of the packet that the client waits for. undefined: that depends on what it has still to send. */
  private get nextForClient(): number | undefined {
    const { state, fromClient } = this;
    const { expected, tracker, authentication, sequences } = state;
    if (state.fileDue) return undefined;
    const head = expected.peek();
    if (!tracker.done && head?.verb === 'forward')
      return head.shape === 'authentication' ? authentication.nextForClient : sequences.server + 1;
    if (fromClient.streaming) return fromClient.chained ? undefined : 1;
    if (state.run !== undefined || fromClient.pending > 0) return 1;
    return expected.theirs === 0 ? 0 : state.commandSequence + 1;
  }

  protected override partFromServer(): void {
    this.handshake.clientLeft();
  }

  protected override afterHandshake(side: Side): void {
    // Of the client the next thing heard is its log-in.
    if (side === 'server') this.handshake.serverSecured();
  }

  protected clientStep(step: number): void {
    const { state, fromClient: frames, clientSide, handshake } = this;
    const { inspectBytes } = state.options.limits;
    state.sequence = frames.lastSequence;
    state.sequences.client = frames.lastSequence;
    if (!handshake.done) {
      if (frames.length > maxLoginBytes) throw new ProtocolViolation('log-in packet too long');
      if (step === Message) handshake.fromClient(frames);
      else if (step === Head) frames.hold();
    } else if (step === Message) {
      if (frames.end - frames.start > inspectBytes) this.longMessage(frames);
      else clientSide.message(frames);
    } else if (step === Head) {
      if (frames.length > inspectBytes) frames.stream();
      else frames.hold();
    } else {
      if (frames.first) this.longMessage(frames);
      else state.output.toServer(frames.buf, frames.start, frames.end);
      state.sending(frames.last);
    }
  }

  private longMessage(frames: Framer): void {
    const { type, sequence } = frames;
    const statement = type === command.query || type === command.stmtPrepare || type === command.stmtExecute;
    if (sequence === 0 && statement) this.state.reached('inspect_bytes');
    this.clientSide.longMessage(frames);
  }

  protected serverStep(step: number): void {
    const { state, fromServer: frames, serverSide, handshake } = this;
    state.sequence = frames.lastSequence;
    if (!handshake.done) {
      if (step === Message) handshake.fromServer(frames);
      else if (step === Head) frames.hold();
    } else if (step === Message) serverSide.message(frames);
    else if (step === Head) {
      if (serverSide.mayStream(frames)) frames.stream();
      else frames.hold();
    } else {
      if (frames.first) serverSide.streamedRow();
      state.output.toClient(frames.buf, frames.start, frames.end);
    }
    // What is held has not reached the client.
    if (step !== Head) state.sequences.server = frames.lastSequence;
  }
}
