/**
 * Carries bytes between a client, a session and the fake server, as the proxy does: no sockets, a clock of its own. What
 * comes out is two byte streams and the session's events.
 */
import type { Actions, Session, SessionEvent, Side } from '../../src/session/types.ts';

/** The server's end, whichever protocol it speaks. */
interface Server {
  /** Takes client bytes in any portions. @returns what the server has sent by now */
  receive(bytes: Buffer): Buffer;
}

/** Divides what one side sends at once into chunks. `from` is its offset in everything that this side sends. */
export type Cut = (side: Side, bytes: Buffer, from: number) => Buffer[];

export const uncut: Cut = (_side, bytes) => [bytes];
export const everyByte: Cut = (_side, bytes) => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
/** Two chunks: before and after one offset of one direction. */
export const cutAt =
  (where: Side, offset: number): Cut =>
  (side, bytes, from) => {
    const at = offset - from;
    if (side !== where || at <= 0 || at >= bytes.length) return [bytes];
    return [bytes.subarray(0, at), bytes.subarray(at)];
  };

/** What passed. */
export interface Transcript {
  toServer: Buffer;
  toClient: Buffer;
  events: SessionEvent[];
  ended: boolean;
}

/** Without a session in between. */
export function runDirect(flights: readonly Buffer[][], server: Server): Transcript {
  const toServer = flights.map((flight) => Buffer.concat(flight));
  const toClient = toServer.map((bytes) => server.receive(bytes));
  return { toServer: Buffer.concat(toServer), toClient: Buffer.concat(toClient), events: [], ended: false };
}

/** More wake-ups than any conversation needs, or more chunks than anybody sent: the session loops. */
const patience = { wakes: 10_000, chunks: 1_000_000 };

class Chunks {
  #chunks: Buffer[] = [];
  #at = 0;

  get empty(): boolean {
    return this.#at === this.#chunks.length;
  }
  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }
  take(): Buffer {
    const chunk = this.#chunks[this.#at];
    if (chunk === undefined) throw new Error('no chunk');
    this.#at += 1;
    if (this.empty) {
      this.#chunks = [];
      this.#at = 0;
    }
    return chunk;
  }
}

export class Link {
  now = 1000;
  /** Writes to the server: each is a round trip, where the session waits for its answer. */
  writes = 0;
  /** Hand over what the client sends even when the session asks not to: its bytes may be on their way already. */
  deaf = false;
  /** Milliseconds between two flights of the client. */
  pause = 1;
  /** Whose bytes arrive first when both sides have sent some. */
  first: () => Side = () => 'server';
  readonly #session: Session;
  readonly #server: Server;
  readonly #cut: Cut;
  readonly #sent = { client: 0, server: 0 };
  readonly #toServer: Buffer[] = [];
  readonly #toClient: Buffer[] = [];
  readonly #events: SessionEvent[] = [];
  readonly #waiting = { client: new Chunks(), server: new Chunks() };
  #wakeAt: number | undefined;
  #paused = false;
  #ended = false;
  #wakeSoon = false;

  constructor(session: (wakeSoon: () => void) => Session, server: Server, cut: Cut = uncut) {
    this.#session = session(() => {
      this.#wakeSoon = true;
    });
    this.#server = server;
    this.#cut = cut;
  }

  get session(): Session {
    return this.#session;
  }

  get transcript(): Transcript {
    return {
      toServer: Buffer.concat(this.#toServer),
      toClient: Buffer.concat(this.#toClient),
      events: this.#events,
      ended: this.#ended,
    };
  }

  /** Bytes that each side has sent. */
  get sent(): Readonly<Record<Side, number>> {
    return this.#sent;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The client sends; returns when nothing moves any more. */
  send(flight: Buffer): void {
    this.now += this.pause;
    this.#queue('client', flight);
    this.#settle();
  }

  /** The client sends everything without waiting for an answer. */
  sendAll(flights: readonly Buffer[]): void {
    this.now += this.pause;
    for (const flight of flights) this.#queue('client', flight);
    this.#settle();
  }

  /** Bytes that the server sends of its own accord. */
  sendFromServer(bytes: Buffer): void {
    this.#queue('server', bytes);
    this.#settle();
  }

  #queue(side: Side, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const chunks = this.#cut(side, bytes, this.#sent[side]);
    this.#sent[side] += bytes.length;
    // Copies, as a socket would hand over: each is scribbled over after use.
    for (const chunk of chunks) this.#waiting[side].add(Buffer.from(chunk));
  }

  #settle(): void {
    let wakes = 0;
    for (let round = 0; round < patience.chunks && wakes < patience.wakes; round += 1) {
      if (this.#ended) return;
      if (this.#wakeSoon) {
        wakes += 1;
        this.#wakeSoon = false;
        this.#take(this.#session.wake(this.now));
        continue;
      }
      const readable = !this.#waiting.client.empty && (this.deaf || !this.#paused);
      const side = this.#waiting.server.empty ? 'client' : readable ? this.first() : 'server';
      if (side === 'server' || readable) {
        const chunk = this.#waiting[side].take();
        this.#take(this.#session.receive(side, chunk, this.now));
        chunk.fill(0xee);
        continue;
      }
      if (this.#wakeAt === undefined) return;
      wakes += 1;
      this.now = Math.max(this.now, this.#wakeAt);
      this.#take(this.#session.wake(this.now));
    }
    throw new Error('the session does not come to rest');
  }

  /** The actions are the session's own object: everything is copied before its next call. */
  #take(actions: Actions): void {
    const toServer = Buffer.concat(actions.toServer);
    this.#toServer.push(toServer);
    this.#toClient.push(Buffer.concat(actions.toClient));
    this.#events.push(...actions.events.map((event) => ({ ...event })));
    this.#wakeAt = actions.wakeAt;
    this.#paused = actions.pauseClient;
    this.#ended ||= actions.end;
    if (toServer.length === 0) return;
    this.writes += 1;
    this.#queue('server', this.#server.receive(toServer));
  }
}

/** All flights of a conversation through a session. */
export function runThrough(flights: readonly Buffer[][], link: Link): Transcript {
  for (const flight of flights) link.send(Buffer.concat(flight));
  return link.transcript;
}
