/**
 * Listens, gives each client its Connection, counts, and drains. The only other place with sockets is connection.ts.
 *
 * Invariant: every accepted socket is in `connections` until it is closed, so the limits and the drain see all of them.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { SessionCounters } from '../session/types.ts';
import { Connection } from './connection.ts';
import { listenOn } from './endpoint.ts';
import { bufferBytes, keepAliveMs } from './leg.ts';
import type { ListenerOptions, Observer, ProxyLimits } from './types.ts';

/** Connections over the limit that are kept long enough to be told so, or to cancel a query. More are dropped. */
const beyondLimit = 64;

export interface ProxyOptions {
  listeners: ListenerOptions[];
  limits: ProxyLimits;
  observer: Observer;
  /** Connections of other processes that count towards limits.connections. */
  elsewhere?: () => number;
}

export class Proxy {
  readonly #options: ProxyOptions;
  readonly #connections = new Set<Connection>();
  readonly #servers: Server[] = [];
  /** Counters of the sessions that are gone. */
  readonly #past: SessionCounters = { forwarded: 0, rewritten: 0, refused: 0, inspected: 0 };
  #opened = 0;
  #draining = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  /** @throws what listen() reports (EADDRINUSE, …); then nothing is left open */
  async start(): Promise<void> {
    try {
      for (const listener of this.#options.listeners) await this.#listen(listener);
    } catch (error) {
      this.#stopListening();
      throw error;
    }
  }

  get sessions(): number {
    return this.#connections.size;
  }

  get sessionsTotal(): number {
    return this.#opened;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Over all sessions, those that are gone included. Read when metrics are collected, so that statements cost nothing. */
  counters(): SessionCounters {
    const total = { ...this.#past };
    for (const { session } of this.#connections) add(total, session.counters);
    return total;
  }

  /** Accepts nobody any more, ends sessions as they become idle, the rest after the drain timeout. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#stopListening();
    if (this.#connections.size === 0) return;
    const timer = setTimeout(() => this.abort(), this.#options.limits.drainTimeout);
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    for (const connection of this.#connections) connection.drain();
    await empty;
    clearTimeout(timer);
  }

  /** Ends everything now. */
  abort(): void {
    this.#draining = true;
    this.#stopListening();
    for (const connection of this.#connections) connection.abort();
  }

  async #listen(listener: ListenerOptions): Promise<void> {
    const server = createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      highWaterMark: bufferBytes,
    });
    server.on('connection', (socket) => this.#accept(socket, listener));
    this.#servers.push(server);
    const { address, port } = await listenOn(server, listener.listen);
    this.#options.observer.listening(listener.name, address, port);
  }

  #accept(socket: Socket, listener: ListenerOptions): void {
    const { limits, observer } = this.#options;
    const all = this.#connections.size + (this.#options.elsewhere?.() ?? 0);
    if (this.#draining || all >= limits.connections + beyondLimit) {
      socket.destroy();
      return;
    }
    this.#opened += 1;
    const id = this.#opened;
    const overLimit = all >= limits.connections;
    const onClosed = (closed: Connection) => this.#forget(closed);
    try {
      const connection = new Connection(socket, { id, listener, limits, observer, overLimit, onClosed });
      this.#connections.add(connection);
      observer.opened(connection.info);
    } catch (error) {
      socket.destroy();
      const client = socket.remoteAddress ?? 'unix';
      observer.crashed(
        { id, listener: listener.name, client, user: '', database: '', application: '' },
        error,
      );
    }
  }

  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    add(this.#past, connection.session.counters);
    this.#options.observer.closed(connection.info, connection.session);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  #stopListening(): void {
    for (const server of this.#servers) server.close();
    this.#servers.length = 0;
  }
}

function add(total: SessionCounters, more: SessionCounters): void {
  total.forwarded += more.forwarded;
  total.rewritten += more.rewritten;
  total.refused += more.refused;
  total.inspected += more.inspected;
}
