/**
 * Carries bytes between a client, a session and the fake server, as the proxy does: no sockets, a clock of its own. What
 * comes out is two byte streams and the session's events.
 */
import type { Actions, Session, SessionEvent, Side } from '../../src/session/types.ts';
import type { FakeServer } from './fake-server.ts';

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
export function runDirect(flights: readonly Buffer[][], server: FakeServer): Transcript {
  const toServer = flights.map((flight) => Buffer.concat(flight));
  const toClient = toServer.map((bytes) => server.receive(bytes));
  return { toServer: Buffer.concat(toServer), toClient: Buffer.concat(toClient), events: [], ended: false };
}

/** More wake-ups or rounds than any conversation needs: the session loops. */
const patience = 100_000;

export class Link {
  now = 1000;
  /** Milliseconds between two flights of the client. */
  pause = 1;
  readonly #session: Session;
  readonly #server: FakeServer;
  readonly #cut: Cut;
  readonly #sent = { client: 0, server: 0 };
  readonly #toServer: Buffer[] = [];
  readonly #toClient: Buffer[] = [];
  readonly #events: SessionEvent[] = [];
  #waiting: { side: Side; chunk: Buffer }[] = [];
  #wakeAt: number | undefined;
  #paused = false;
  #ended = false;
  #wakeSoon = false;

  constructor(session: (wakeSoon: () => void) => Session, server: FakeServer, cut: Cut = uncut) {
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

  get ended(): boolean {
    return this.#ended;
  }

  /** The client sends; returns when nothing moves any more. */
  send(flight: Buffer): void {
    this.now += this.pause;
    this.#queue('client', flight);
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
    this.#waiting.push(...chunks.map((chunk) => ({ side, chunk: Buffer.from(chunk) })));
  }

  #settle(): void {
    for (let round = 0; round < patience; round += 1) {
      if (this.#ended) return;
      if (this.#wakeSoon) {
        this.#wakeSoon = false;
        this.#take(this.#session.wake(this.now));
        continue;
      }
      const index = this.#waiting.findIndex((one) => one.side === 'server' || !this.#paused);
      const next = this.#waiting[index];
      if (next !== undefined) {
        this.#waiting.splice(index, 1);
        this.#take(this.#session.receive(next.side, next.chunk, this.now));
        next.chunk.fill(0xee);
        continue;
      }
      if (this.#wakeAt === undefined || (!this.#paused && this.#waiting.length === 0)) return;
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
    if (toServer.length > 0) this.#queue('server', this.#server.receive(toServer));
  }
}

/** All flights of a conversation through a session. */
export function runThrough(flights: readonly Buffer[][], link: Link): Transcript {
  for (const flight of flights) link.send(Buffer.concat(flight));
  return link.transcript;
}
