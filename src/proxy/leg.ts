/**
 * One socket of a connection, client's or server's: back-pressure, closing. Steps 1 and 9 of the flow.
 *
 * Invariant: the other side is not read while this one is `full`, so what waits to be written stays within bufferBytes
 * and the answer to one chunk, and what waits to be read within about as much.
 */
import type { Socket } from 'node:net';
import { canBeDirect, DirectSocket, joinBytes, kept } from './direct.ts';

/** Bytes that may wait in a socket before the other side is no longer read. */
export const bufferBytes = 256 * 1024;

/** A closing socket whose peer has all that was said, and does not close, is dropped after this time at the latest. */
export const lingerMs = 5_000;

/** One whose peer has still something to take is dropped when it took nothing for this long. */
const stalledMs = 60_000;

/** Why a socket is not read at the moment. */
export type Hold = 'other side is full' | 'plan' | 'cancel' | 'connecting';

/** What the owner wants to know of a leg, whichever socket it has at the moment. */
export interface LegEvents {
  data: (chunk: Buffer) => void;
  drain: () => void;
  end: () => void;
  error: (error: NodeJS.ErrnoException) => void;
  close: () => void;
}

export class Leg {
  #socket: Socket;
  readonly #events: LegEvents;
  readonly #holds = new Set<Hold>();
  #direct: DirectSocket | undefined;
  #ended = false;
  /** The bytes on the wire are those of a handshake: nothing may be sent. */
  #handshaking = false;
  /** Ends in the end what its peer does not. */
  #dropping: NodeJS.Timeout | undefined;

  constructor(socket: Socket, events: LegEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#listen();
  }

  get socket(): Socket {
    return this.#socket;
  }

  get handshaking(): boolean {
    return this.#handshaking;
  }

  /**
   * Gives the socket away for a handshake. @param hello what was read of it already
   * @returns the socket, not read by anybody
   */
  beginHandshake(hello: Buffer | undefined): Socket {
    this.#handshaking = true;
    const { data, drain, end } = this.#events;
    this.#socket.off('data', data).off('drain', drain).off('end', end).pause();
    if (hello !== undefined) this.#socket.unshift(hello);
    return this.#socket;
  }

  /** From now on the leg is this socket, which stands around the one before. */
  endHandshake(socket: Socket): void {
    this.#handshaking = false;
    this.#socket = socket;
    this.#listen();
    if (this.#holds.size > 0) socket.pause();
  }

  /**
   * Log-in is over: there will be no handshake any more, and from now on every microsecond counts.
   * @returns false: not now
   */
  goDirect(): boolean {
    if (this.#direct !== undefined || !canBeDirect(this.#socket)) return true;
    if (this.#ended || this.#holds.size > 0) return false;
    const { data, drain, end, error, close } = this.#events;
    this.#direct = DirectSocket.of(this.#socket, bufferBytes, data);
    if (this.#direct === undefined) return false;
    // An end that was read already is still told by the socket before.
    this.#socket.off('data', data).off('drain', drain).off('error', error).off('close', close);
    this.#socket = this.#direct.socket;
    this.#socket.on('drain', drain).on('end', end).on('error', error).on('close', close).resume();
    return true;
  }

  #listen(): void {
    const { data, drain, end, error, close } = this.#events;
    this.#socket.on('data', data).on('drain', drain).on('end', end).on('error', error).on('close', close);
  }

  get full(): boolean {
    return this.socket.writableLength >= bufferBytes;
  }

  /** Nothing waits in this process; the kernel has it. */
  get sent(): boolean {
    return this.socket.writableLength === 0;
  }

  /**
   * One write for the whole batch. The buffers must stay untouched until they have left: to a direct socket they have when
   * this returns.
   */
  send(buffers: readonly Buffer[]): void {
    const [only] = buffers;
    if (only === undefined || this.#ended || this.#handshaking || this.socket.destroyed) return;
    if (this.#direct !== undefined) return this.#direct.send(buffers);
    if (buffers.length === 1) {
      this.socket.write(kept(only));
      return;
    }
    let total = 0;
    for (const buffer of buffers) total += buffer.length;
    if (total <= joinBytes) {
      this.socket.write(Buffer.concat(buffers, total));
      return;
    }
    this.socket.cork();
    for (const buffer of buffers) this.socket.write(kept(buffer));
    this.socket.uncork();
  }

  /** Starts or ends one reason for not reading; the socket is read when there is none. */
  hold(reason: Hold, held: boolean): void {
    if (held === this.#holds.has(reason)) return;
    if (held) this.#holds.add(reason);
    else this.#holds.delete(reason);
    if (this.#handshaking) return;
    if (this.#holds.size === 0) this.socket.resume();
    else this.socket.pause();
  }

  /** Flushes, then sends FIN. What still arrives is the owner's business. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.socket.destroyed) this.socket.end();
  }

  /**
   * Flushes, sends FIN, and lets the rest of the input run into the void. A peer that is slow to read, or never closes, is
   * dropped in the end.
   */
  finish(): void {
    if (this.#handshaking) this.socket.destroy();
    this.end();
    this.#holds.clear();
    if (this.socket.destroyed) return;
    this.socket.resume();
    this.#dropAfter(stalledMs);
  }

  /** As finish(), but a peer that is slow to read is not waited for. */
  abort(): void {
    this.finish();
    if (this.socket.destroyed) return;
    this.socket.destroySoon();
    this.#dropAfter(lingerMs);
  }

  /** @param stalled how long unsent bytes may stand still, in ms */
  #dropAfter(stalled: number): void {
    clearInterval(this.#dropping);
    const { socket } = this;
    let before = socket.writableLength;
    let still = 0;
    this.#dropping = setInterval(() => {
      const left = socket.writableLength;
      still = left === before ? still + lingerMs : 0;
      before = left;
      if (still >= (left === 0 ? lingerMs : stalled)) socket.destroy();
    }, lingerMs).unref();
    socket.once('close', () => clearInterval(this.#dropping));
  }
}
