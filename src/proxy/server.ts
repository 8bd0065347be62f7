/**
 * Listens, gives each client its Connection, counts, and drains. The only other place with sockets is connection.ts.
 *
 * Invariant: every accepted socket is in `connections` until it is closed, so the limits and the drain see all of them.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { SessionCounters } from '../session/types.ts';
import { Connection } from './connection.ts';
import { clientAddress, keepAliveOptions, listenOn } from './endpoint.ts';
import { bufferBytes } from './leg.ts';
import type { ConnectionLimit, LimitName, ListenerOptions, Observer, ProxyLimits } from './types.ts';

/** Connections over a limit that are kept long enough to be told so, or to cancel a query. More are dropped. */
const beyondLimit = 64;

export interface ProxyOptions {
  listeners: ListenerOptions[];
  limits: ProxyLimits;
  observer: Observer;
  /** Connections of other processes that count towards the limits of connections. @param client undefined: all */
  elsewhere?: (client?: string) => number;
}

export class Proxy {
  readonly #options: ProxyOptions;
  readonly #connections = new Set<Connection>();
  /** How many of them a client's address has. */
  readonly #clients = new Map<string, number>();
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

  /** Connections from one address. */
  clients(address: string): number {
    return this.#clients.get(address) ?? 0;
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
    const timer = setTimeout(() => this.abort('drain_timeout'), this.#options.limits.drainTimeout);
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    for (const connection of this.#connections) connection.drain();
    await empty;
    clearTimeout(timer);
  }

  /** Ends everything now. @param limit why, if it is one */
  abort(limit?: LimitName): void {
    this.#draining = true;
    this.#stopListening();
    for (const connection of this.#connections) connection.abort(limit);
  }

  async #listen(listener: ListenerOptions): Promise<void> {
    const server = createServer({
      allowHalfOpen: true,
      noDelay: true,
      ...keepAliveOptions(this.#options.limits.keepAlive),
      highWaterMark: bufferBytes,
    });
    server.on('connection', (socket) => this.#accept(socket, listener));
    this.#servers.push(server);
    const { address, port } = await listenOn(server, listener.listen);
    this.#options.observer.listening(listener.name, address, port);
  }

  #accept(socket: Socket, listener: ListenerOptions): void {
    const { limits, observer } = this.#options;
    const client = clientAddress(socket);
    const overLimit = this.#reached(client, 0);
    const dropped = overLimit && this.#reached(client, beyondLimit);
    if (this.#draining || dropped !== undefined) {
      socket.destroy();
      if (dropped !== undefined) observer.dropped(listener.name, client, dropped);
      return;
    }
    this.#opened += 1;
    const info = {
      id: this.#opened,
      listener: listener.name,
      client,
      user: '',
      database: '',
      application: '',
    };
    const onClosed = (closed: Connection) => this.#forget(closed);
    try {
      const connection = new Connection(socket, { info, listener, limits, observer, overLimit, onClosed });
      this.#connections.add(connection);
      this.#count(client, 1);
      observer.opened(info);
    } catch (error) {
      socket.destroy();
      observer.crashed(info, error);
    }
  }

  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#count(connection.info.client, -1);
    add(this.#past, connection.session.counters);
    this.#options.observer.closed(connection.info, connection.session);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  #count(client: string, by: 1 | -1): void {
    const count = this.clients(client) + by;
    if (count > 0) this.#clients.set(client, count);
    else this.#clients.delete(client);
  }

  /** @param spare so many above the limit */
  #reached(client: string, spare: number): ConnectionLimit | undefined {
    const { limits, elsewhere = () => 0 } = this.#options;
    if (this.sessions + elsewhere() >= limits.connections + spare) return 'connections';
    const { connectionsPerClient: most = Infinity } = limits;
    return this.clients(client) + elsewhere(client) >= most + spare ? 'connections_per_client' : undefined;
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
