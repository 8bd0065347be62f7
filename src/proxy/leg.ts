/**
 * One socket of a connection, client's or server's: back-pressure, closing. Steps 1 and 9 of the flow.
 *
 * Invariant: the other side is not read while this one is `full`, so what waits to be written stays within bufferBytes
 * and the answer to one chunk, and what waits to be read within about as much.
 */
import type { Socket } from 'node:net';

/** Bytes that may wait in a socket before the other side is no longer read. */
export const bufferBytes = 256 * 1024;

/** Up to this size several buffers are joined: one copy is cheaper than a vector of small writes. */
const joinBytes = 16 * 1024;

/** A closing socket is dropped when nothing has moved on it for this long. */
const lingerMs = 5_000;

/** Why a socket is not read at the moment. */
export type Hold = 'other side is full' | 'plan' | 'cancel';

export class Leg {
  readonly socket: Socket;
  readonly #holds = new Set<Hold>();
  #ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get full(): boolean {
    return this.socket.writableLength >= bufferBytes;
  }

  /** One write for the whole batch. The buffers must stay untouched until they have left. */
  send(buffers: readonly Buffer[]): void {
    const [only] = buffers;
    if (only === undefined || this.#ended || this.socket.destroyed) return;
    if (buffers.length === 1) {
      this.socket.write(only);
      return;
    }
    let total = 0;
    for (const buffer of buffers) total += buffer.length;
    if (total <= joinBytes) {
      this.socket.write(Buffer.concat(buffers, total));
      return;
    }
    this.socket.cork();
    for (const buffer of buffers) this.socket.write(buffer);
    this.socket.uncork();
  }

  /** Starts or ends one reason for not reading; the socket is read when there is none. */
  hold(reason: Hold, held: boolean): void {
    if (held === this.#holds.has(reason)) return;
    if (held) this.#holds.add(reason);
    else this.#holds.delete(reason);
    if (this.#holds.size === 0) this.socket.resume();
    else this.socket.pause();
  }

  held(reason: Hold): boolean {
    return this.#holds.has(reason);
  }

  /** Flushes, then sends FIN. What still arrives is the owner's business. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.socket.destroyed) this.socket.end();
  }

  /** Flushes, sends FIN, lets the rest of the input run into the void, and drops the socket if the peer stays silent. */
  finish(): void {
    this.end();
    this.#holds.clear();
    if (this.socket.destroyed) return;
    this.socket.resume();
    this.socket.setTimeout(lingerMs, () => this.socket.destroy());
  }
}
