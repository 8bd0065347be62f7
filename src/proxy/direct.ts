/**
 * The fast form of a plain socket: it is read into one buffer that all share, and what the kernel takes at once is written
 * at once, past the machinery of a stream. Half of what a statement costs a proxy in Node is that machinery, and 64 kB
 * allocated a read.
 *
 * Invariants: a chunk is lent: who keeps it copies it. What the kernel does not take waits in the stream, as a copy, and
 * everything behind it too, so the order stays. A descriptor is used only while its socket is not destroyed: afterwards the
 * number may be another connection's.
 */
import { writeSync, writevSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';

const readBytes = 64 * 1024;

/** One call into the kernel at a time, and JavaScript in between. */
const shared = Buffer.allocUnsafeSlow(readBytes);

/** Views of its first bytes, by length: most chunks are short, and making a view costs as much as forwarding it. */
const views: Buffer[] = [];
const mostViews = 4 * 1024;

function firstBytes(length: number): Buffer {
  if (length >= mostViews) return shared.subarray(0, length);
  return (views[length] ??= shared.subarray(0, length));
}

/** Up to this size several buffers are joined: one copy is cheaper than a vector of small writes. */
export const joinBytes = 16 * 1024;
const joined = Buffer.allocUnsafeSlow(joinBytes);

/** Node documents neither; where they are not what they were, a socket stays as it is. */
interface Internals {
  _handle?: { fd?: unknown } | null;
}

/** The bytes as they may be kept until they have left. */
export function kept(chunk: Buffer): Buffer {
  return chunk.buffer === shared.buffer ? Buffer.from(chunk) : chunk;
}

/** Whether the socket can ever be taken over: it is no TLS socket, and Node has what is needed. */
export function canBeDirect(socket: Socket): boolean {
  const descriptor = (socket as Internals)._handle?.fd;
  return (
    Object.getPrototypeOf(socket) === Socket.prototype && typeof descriptor === 'number' && descriptor >= 0
  );
}

export class DirectSocket {
  readonly socket: Socket;
  readonly #descriptor: number;

  /**
   * Takes the connection away from a socket that can be direct.
   * @param data is given each chunk, lent
   * @returns undefined: something is in its buffers, or it is ending
   */
  static of(socket: Socket, highWaterMark: number, data: (chunk: Buffer) => void): DirectSocket | undefined {
    const busy = socket.readableLength > 0 || socket.writableLength > 0;
    if (busy || socket.destroyed || socket.readableEnded || socket.writableEnded) return undefined;
    const internals = socket as Internals;
    const handle = internals._handle;
    internals._handle = null;
    const options = {
      handle,
      allowHalfOpen: true,
      writableHighWaterMark: highWaterMark,
      onread: {
        buffer: shared,
        callback(bytes: number): boolean {
          data(firstBytes(bytes));
          return true;
        },
      },
    };
    return new DirectSocket(new Socket(options as SocketConstructorOpts), Number(handle?.fd));
  }

  private constructor(socket: Socket, descriptor: number) {
    this.socket = socket;
    this.#descriptor = descriptor;
  }

  /** The buffers may be used again afterwards. The socket must not be destroyed. */
  send(buffers: readonly Buffer[]): void {
    const [first] = buffers;
    if (first === undefined) return;
    if (buffers.length === 1) return this.#write(first, first.length);
    let total = 0;
    for (const buffer of buffers) total += buffer.length;
    if (total > joinBytes) return this.#writeAll(buffers);
    let at = 0;
    for (const buffer of buffers) at += buffer.copy(joined, at);
    this.#write(joined, total);
  }

  #write(bytes: Buffer, length: number): void {
    const { socket } = this;
    let left = 0;
    if (socket.writableLength === 0) {
      try {
        left = writeSync(this.#descriptor, bytes, 0, length);
      } catch (error) {
        if (!this.#mayWait(error)) return;
      }
    }
    if (left < length) socket.write(Buffer.from(bytes.subarray(left, length)));
  }

  #writeAll(buffers: readonly Buffer[]): void {
    const { socket } = this;
    let left = 0;
    if (socket.writableLength === 0) {
      try {
        left = writevSync(this.#descriptor, buffers);
      } catch (error) {
        if (!this.#mayWait(error)) return;
      }
    }
    for (const buffer of buffers) {
      if (left < buffer.length) socket.write(Buffer.from(buffer.subarray(left)));
      left = Math.max(0, left - buffer.length);
    }
  }

  /** The kernel's buffers are full; any other error ends the socket. */
  #mayWait(error: unknown): boolean {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return true;
    this.socket.destroy(error as Error);
    return false;
  }
}
