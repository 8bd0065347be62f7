/** One PostgreSQL session: start-up, then typed messages in both directions. */
import type { Session, SessionOptions, Side } from '../types.ts';
import { client as clientCodes, server as serverCodes } from '../../wire/postgres/codes.ts';
import { Framer, Head, Message } from '../../wire/postgres/framer.ts';
import { writeError } from '../../wire/postgres/writers.ts';
import { FramedSession } from '../framed.ts';
import type { LastWord } from '../last-word.ts';
import { ClientSide } from './client-side.ts';
import { Conversation } from './conversation.ts';
import { ServerSide } from './server-side.ts';
import { Startup } from './startup.ts';

/**
 * Longest message of a client that is not logged in yet and is held in one piece: PG_MAX_AUTH_TOKEN_LENGTH, above which the
 * server refuses it. A longer one passes in pieces.
 */
const preAuthBytes = 65_535;

export function createPostgresSession(options: SessionOptions): Session {
  return new PostgresSession(options);
}

class PostgresSession extends FramedSession<Conversation, Framer> {
  private readonly clientSide: ClientSide;
  private readonly serverSide: ServerSide;
  private readonly startup: Startup;

  constructor(options: SessionOptions) {
    const { messageBytes } = options.limits;
    super(new Conversation(options), new Framer(messageBytes), new Framer(messageBytes));
    this.clientSide = new ClientSide(this.state);
    this.serverSide = new ServerSide(this.state);
    this.startup = new Startup(this.state);
  }

  protected get owes(): boolean {
    return this.state.unsynced || !this.state.replies.empty;
  }

  protected writeLastWord(word: LastWord): Buffer {
    return writeError({ severity: 'FATAL', ...word });
  }

  protected override beforeMessages(chunk: Buffer): Buffer | undefined {
    return this.startup.done ? chunk : this.startup.receive(chunk);
  }

  protected override afterHandshake(side: Side): void {
    this.state.encrypted[side] = true;
  }

  protected override heldBack(): Buffer[] {
    return [this.clientSide.takeHeld()];
  }

  protected clientStep(step: number): void {
    const { fromClient: frames, clientSide } = this;
    const { inspectBytes } = this.state.options.limits;
    const { type, buf, start, end } = frames;
    if (step === Message) {
      if (end - start > inspectBytes) this.longMessage(type, buf, start, end);
      else clientSide.message(type, buf, start, end);
    } else if (step === Head) {
      if (frames.length > (this.state.ready ? inspectBytes : preAuthBytes)) frames.stream();
      else frames.hold();
    } else if (frames.first) this.longMessage(type, buf, start, end);
    else clientSide.morePieces(buf, start, end);
  }

  private longMessage(type: number, buf: Buffer, start: number, end: number): void {
    if (this.state.ready && isStatement(type)) this.state.reached('inspect_bytes');
    this.clientSide.longMessage(type, buf, start, end);
  }

  protected serverStep(step: number): void {
    const { fromServer: frames, serverSide } = this;
    const { type, buf, start, end } = frames;
    if (step === Message) serverSide.message(type, buf, start, end);
    else if (step === Head) {
      if (serverSide.mayStream(type)) frames.stream();
      else frames.hold();
    } else {
      if (frames.first && type === serverCodes.dataRow) serverSide.streamedRow();
      this.state.output.toClient(buf, start, end);
    }
  }
}

function isStatement(type: number): boolean {
  return type === clientCodes.query || type === clientCodes.parse || type === clientCodes.bind;
}
