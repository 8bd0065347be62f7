/**
 * A client that sends prepared bytes and collects the server's messages whole: nothing is interpreted but the frames, so
 * what it returns can be compared byte for byte. How the bytes are cut on their way out is the caller's choice.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { sslRequest } from './messages.ts';

/** Returns the pieces in which `bytes` are written, one write each. */
export type Cut = (bytes: Buffer) => Iterable<Buffer>;

export const inOneWrite: Cut = (bytes) => [bytes];

export function* byteByByte(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}

/** Cuts at pseudo-random places; the same seed gives the same cuts. Pieces are 1 to `most` bytes, short ones likelier. */
export function randomCuts(seed: number, most = 4096): Cut {
  let state = seed >>> 0 || 1;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return function* cut(bytes) {
    // Big inputs would otherwise take minutes: let the pieces grow with them.
    const limit = Math.max(most, bytes.length / 200);
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + Math.floor(random() ** 3 * limit));
      yield bytes.subarray(at, end);
      at = end;
    }
  };
}

export interface RawClientOptions {
  host?: string;
  port: number;
  cut?: Cut;
  /** TLS: asked for by SSLRequest, or direct, from the first byte. */
  tls?: ConnectionOptions & { direct?: boolean };
  /** A step that takes longer fails with what was received so far. */
  patienceMs?: number;
}

async function encrypted(socket: Socket, { tls = {}, cut = inOneWrite }: RawClientOptions): Promise<Socket> {
  const { direct = false, ...rest } = tls;
  if (!direct) {
    for (const piece of cut(sslRequest)) {
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [answer] = (await once(socket, 'data')) as [Buffer];
    if (answer.toString('latin1') !== 'S')
      throw new Error(`SSLRequest was answered ${answer.toString('latin1')}`);
  }
  const secure = connectTls({ socket, ALPNProtocols: ['postgresql'], rejectUnauthorized: false, ...rest });
  await once(secure, 'secureConnect');
  return secure;
}

interface Waiter {
  satisfied(): boolean;
  done(): void;
}

export class RawClient {
  /** Every complete message received, start-up answers ('N' to SSLRequest) excepted: type byte, length, body. */
  readonly messages: Buffer[] = [];
  /** The connection ended, by either side. */
  ended = false;
  private pending: Buffer[] = [];
  private pendingLength = 0;
  /** So many bytes must be pending before it pays to look for a message. */
  private needed = 5;
  private bare = false;
  private waiter: Waiter | undefined;
  private readonly socket: Socket;
  private readonly cut: Cut;
  private readonly patienceMs: number;
  /** Where the next `until` starts to look in `messages`. */
  private seen = 0;

  private constructor(socket: Socket, options: RawClientOptions) {
    this.socket = socket;
    this.cut = options.cut ?? inOneWrite;
    this.patienceMs = options.patienceMs ?? 30_000;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.receive(chunk));
    const end = (): void => {
      this.ended = true;
      this.check();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  static async connect(options: RawClientOptions): Promise<RawClient> {
    const socket = connect(options.port, options.host ?? '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(options.tls === undefined ? socket : await encrypted(socket, options), options);
  }

  async send(bytes: Buffer): Promise<void> {
    for (const piece of this.cut(bytes)) {
      if (this.ended) return;
      const full = !this.socket.write(piece);
      if (full) await this.drained();
      // Lets the write reach the socket on its own, else Node joins the pieces.
      else if (piece.length < bytes.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Waits until messages of these types have come in this order (others may stand between), or, with 'end', until the
   * connection is over. Returns the messages since the last call, up to the last one waited for.
   */
  async until(types: string): Promise<Buffer[]> {
    let next = this.seen;
    let found = 0;
    const complete = (): boolean => {
      if (types === 'end') return this.ended;
      for (; next < this.messages.length && found < types.length; next++) {
        if (this.messages[next]![0] === types.charCodeAt(found)) found++;
      }
      return found === types.length;
    };
    await this.wait(() => complete() || this.ended, `messages "${types}"`);
    if (!complete())
      throw new Error(`the connection ended before "${types}"; received "${this.typesSince()}"`);
    const since = this.messages.slice(this.seen, types === 'end' ? undefined : next);
    this.seen += since.length;
    return since;
  }

  /** Sends `bytes` and waits for `count` bytes in return that are no message (the answer to SSLRequest). */
  async askBare(bytes: Buffer, count: number): Promise<Buffer> {
    this.bare = true;
    await this.send(bytes);
    await this.wait(() => this.ended || this.pendingLength >= count, `${count} bare bytes`);
    const all = Buffer.concat(this.pending);
    this.bare = false;
    this.pending = [all.subarray(count)];
    this.pendingLength = Math.max(0, all.length - count);
    this.takeMessages();
    return all.subarray(0, count);
  }

  /** Ends the sending direction, as a client does that goes away. */
  close(): void {
    this.socket.end();
    this.socket.destroySoon();
  }

  private typesSince(): string {
    const types = this.messages.slice(this.seen).map((m) => String.fromCharCode(m[0]!));
    return types.length > 200 ? `…${types.slice(-200).join('')}` : types.join('');
  }

  private receive(chunk: Buffer): void {
    this.pending.push(chunk);
    this.pendingLength += chunk.length;
    if (!this.bare) this.takeMessages();
    this.check();
  }

  private takeMessages(): void {
    if (this.pendingLength < this.needed) return;
    let rest = this.pending.length === 1 ? this.pending[0]! : Buffer.concat(this.pending);
    this.needed = 5;
    while (rest.length >= 5) {
      const end = 1 + rest.readUInt32BE(1);
      if (rest.length < end) {
        this.needed = end;
        break;
      }
      this.messages.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    this.pending = [rest];
    this.pendingLength = rest.length;
  }

  private check(): void {
    if (this.waiter?.satisfied()) this.waiter.done();
  }

  private drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.on('drain', done).on('close', done);
    });
  }

  private wait(satisfied: () => boolean, what: string): Promise<void> {
    if (satisfied()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const tooLong = setTimeout(() => {
        this.waiter = undefined;
        reject(new Error(`no ${what} in ${this.patienceMs} ms; received "${this.typesSince()}"`));
      }, this.patienceMs);
      const done = (): void => {
        clearTimeout(tooLong);
        this.waiter = undefined;
        resolve();
      };
      this.waiter = { satisfied, done };
    });
  }
}
