/**
 * One client and its server connection around one session: bytes in, actions out, carried out on two sockets. Steps 1
 * and 9 of the flow.
 *
 * Invariants: the session is called from one place and never after finish(); whatever it throws ends this connection and
 * no other; neither side is read while the other cannot take what would come. The server is connected to when there
 * is something to say to it, so a port probe costs nothing.
 */
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { shown } from '../config/address.ts';
import type { LastWord } from '../session/last-word.ts';
import type { Actions, Session, SessionEvent, Side, StartTls } from '../session/types.ts';
import { forwardCancel } from './cancel.ts';
import { IdleWatch } from './idle.ts';
import { Leg, lingerMs, type LegEvents } from './leg.ts';
import { hostOf, Opening, type Opened } from './open-server.ts';
import { serverTlsFailure, tlsPolicy, type HandshakeDone, type TlsFailure } from './tls.ts';
import type {
  ConnectionInfo,
  ConnectionLimit,
  LimitName,
  ListenerOptions,
  Observer,
  ProxyLimits,
} from './types.ts';
import { Wake } from './wake.ts';
import { cannotConnect, connectionLost, idleTooLong, loginTooLong, overLimit, shutdown } from './words.ts';

export interface ConnectionContext {
  info: ConnectionInfo;
  listener: ListenerOptions;
  limits: ProxyLimits;
  observer: Observer;
  /** A limit of connections that is reached: nothing but a cancel request is served. */
  overLimit: ConnectionLimit | undefined;
  onClosed: (connection: Connection) => void;
}

export class Connection {
  readonly session: Session;
  readonly info: ConnectionInfo;
  readonly #context: ConnectionContext;
  readonly #client: Leg;
  #server: Leg | undefined;
  /** Until the server can be spoken to; the client is not read meanwhile. */
  #opening: Opening | undefined;
  /** What it is to be told then. */
  #firstBytes: Buffer = Buffer.alloc(0);
  /** A byte of the server has gone to the client. */
  #serverSpoke = false;
  #serverGone = false;
  #loggedIn = false;
  /** Log-in is over, and a leg is not in its fast form yet. */
  #directDue = false;
  /** A byte of the client has gone to the server. */
  #clientSpoke = false;
  /** The client has sent FIN; passed on when no plan runs. */
  #clientEnded = false;
  #clientClosed = false;
  #finished = false;
  #draining = false;
  /** Set while the server is told that a client is gone which it never heard, see Session.clientLeft(). */
  #parting: NodeJS.Timeout | undefined;
  readonly #wake: Wake;
  readonly #idle: IdleWatch;
  readonly #loginTimer: NodeJS.Timeout;

  constructor(client: Socket, context: ConnectionContext) {
    const { listener, limits } = context;
    this.#context = context;
    this.info = context.info;
    this.#wake = new Wake(() => this.#step(() => this.session.wake(performance.now())));
    this.#idle = new IdleWatch(limits.idleTimeout, () => this.#idleTooLong());
    this.session = listener.protocol.createSession({
      listener: listener.name,
      server: shown(listener.server),
      lot: Math.random(),
      tls: tlsPolicy(listener),
      wakeSoon: () => this.#wake.soon(),
    });
    this.#client = new Leg(client, this.#clientEvents());
    this.#loginTimer = setTimeout(
      () => this.#refuse(loginTooLong(limits.loginTimeout), 'login_timeout'),
      limits.loginTimeout,
    );
    if (!listener.protocol.serverFirst) return;
    if (context.overLimit !== undefined)
      this.#refuse(overLimit(context.overLimit, limits), context.overLimit);
    else this.#openServer();
  }

  /** Ends the connection as soon as no transaction is open; harmless to call again. */
  drain(): void {
    this.#draining = true;
    this.#leaveIfIdle();
  }

  /** Ends the connection now: no reply is waited for. @param limit why, if it is one */
  abort(limit?: LimitName): void {
    this.#refuse(shutdown, limit);
    this.#parted();
    this.#client.abort();
    this.#server?.abort();
  }

  #clientEvents(): LegEvents {
    return {
      data: (chunk) => this.#receive('client', chunk),
      drain: () => this.#server?.hold('other side is full', false),
      end: () => {
        this.#clientEnded = true;
        if (this.#unheard) this.#finish();
        else if (this.#server !== undefined) this.#passOnClientEnd();
        else if (this.#opening === undefined) this.#finish();
      },
      error: () => this.#client.socket.destroy(),
      close: () => {
        this.#clientClosed = true;
        this.#finish();
        this.#forget();
      },
    };
  }

  #serverEvents(): LegEvents {
    return {
      data: (chunk) => this.#receive('server', chunk),
      drain: () => this.#client.hold('other side is full', false),
      end: () => this.#serverEnded(undefined),
      error: (error) => {
        this.#serverEnded(error.code ?? error.message);
        this.#server?.socket.destroy();
      },
      close: () => this.#serverEnded(undefined),
    };
  }

  // Where nothing is lost the client's connection just ends, even if by a reset (MariaDB's wait_timeout): drivers that connect
  // again would take an error for their next answer. An error of undefined: FIN.
  #serverEnded(error: string | undefined): void {
    this.#serverGone = true;
    this.#parted();
    const { idle, raw, parted } = this.session;
    if (idle || raw || parted || this.#clientEnded) return this.#finish();
    this.#refuse(connectionLost(shown(this.#context.listener.server), error));
  }

  #openServer(): void {
    const { listener, limits } = this.#context;
    this.#client.hold('connecting', true);
    this.#opening = new Opening(listener, limits, (result) => {
      this.#opening = undefined;
      if ('reason' in result) this.#cannotConnect(result);
      else this.#opened(result);
    });
  }

  #opened({ socket, encrypted }: Opened): void {
    const server = new Leg(socket, this.#serverEvents());
    this.#server = server;
    if (this.#parting !== undefined) return this.#step(() => this.session.clientLeft(performance.now()));
    if (encrypted) this.#step(() => this.session.secured('server', performance.now()));
    if (this.#firstBytes.length > 0) this.#sendToServer([this.#firstBytes]);
    this.#firstBytes = Buffer.alloc(0);
    this.#client.hold('connecting', false);
    this.#passOnClientEnd();
  }

  #cannotConnect(why: TlsFailure): void {
    const { listener, observer } = this.#context;
    if (why.detail !== undefined) observer.tlsFailed(this.info, 'server', why.detail);
    this.#parted();
    this.#refuse(cannotConnect(shown(listener.server), why), why.limit);
  }

  /** The session has said that TLS begins on one side; it is not called for that side before the handshake is done. */
  #startTls({ side, hello }: StartTls): void {
    const { listener } = this.#context;
    const leg = side === 'client' ? this.#client : this.#server;
    if (leg === undefined) return;
    const done: HandshakeDone = (result) => {
      if (this.#finished && this.#parting === undefined) {
        if (!(result instanceof Error)) result.destroy();
        return;
      }
      if (result instanceof Error) return this.#tlsFailed(side, result);
      // Without ALPN direct TLS would also take what was meant for another protocol (ALPACA).
      const { alpn } = listener.protocol;
      if (hello !== undefined && alpn !== undefined && result.alpnProtocol !== alpn)
        return this.#tlsFailed(side, new Error('direct TLS without ALPN'));
      leg.endHandshake(result);
      this.#step(() => this.session.secured(side, performance.now()));
    };
    const socket = leg.beginHandshake(hello);
    if (side === 'client') listener.tls?.handshake(socket, done);
    else listener.serverTls.handshake(socket, hostOf(listener.server), listener.protocol.alpn, done);
  }

  #tlsFailed(side: Side, error: Error): void {
    if (side === 'server') return this.#cannotConnect({ ...serverTlsFailure(error), detail: error.message });
    this.#context.observer.tlsFailed(this.info, side, error.message);
    this.#finish();
  }

  /** The hot path: as #step(), without a closure. */
  #receive(side: Side, chunk: Buffer): void {
    if (this.#finished && !this.#hears(side)) return;
    const now = performance.now();
    this.#idle.lastActive = now;
    let actions: Actions;
    try {
      actions = this.session.receive(side, chunk, now);
    } catch (error) {
      return this.#crashed(error);
    }
    this.#carryOut(actions);
  }

  /**
   * Whether the end is still to be talked over with this side. A server that goes on all the same, with a long result, is
   * hung up on, so that it stops at its next write, as it does when a client is gone.
   */
  #hears(side: Side): boolean {
    if (side === 'client') return false;
    if (this.#parting === undefined) this.#server?.socket.destroy();
    return this.#parting !== undefined;
  }

  /** Any other call of the session. */
  #step(call: () => Actions): void {
    if (this.#finished && this.#parting === undefined) return;
    let actions: Actions;
    try {
      actions = call();
    } catch (error) {
      return this.#crashed(error);
    }
    this.#carryOut(actions);
  }

  /** Where in a message the client stands is not known now, so nothing more is said to it. */
  #crashed(error: unknown): void {
    this.#context.observer.crashed(this.info, error);
    this.#parted();
    this.#finish(false);
  }

  #carryOut(actions: Actions): void {
    for (const event of actions.events) this.#report(event);
    if (this.#parting !== undefined) return this.#carryOutParting(actions);
    if (actions.toServer.length > 0) this.#sendToServer(actions.toServer);
    if (this.#finished) return;
    if (actions.toClient.length > 0) this.#sendToClient(actions.toClient);
    if (actions.startTls !== undefined) this.#startTls(actions.startTls);
    if (actions.cancel !== undefined) return this.#cancel(actions.cancel);
    if (actions.end) return this.#finish();
    this.#client.hold('plan', actions.pauseClient);
    this.#passOnClientEnd();
    this.#wake.at(actions.wakeAt);
    if (this.#directDue) this.#goDirect();
    if (this.#draining) this.#leaveIfIdle();
  }

  #goDirect(): void {
    const client = this.#client.goDirect();
    const server = this.#server?.goDirect() ?? false;
    this.#directDue = !client || !server;
  }

  #sendToServer(buffers: readonly Buffer[]): void {
    this.#clientSpoke = true;
    if (this.#server === undefined) {
      const { overLimit: limit, limits } = this.#context;
      if (limit !== undefined) return this.#refuse(overLimit(limit, limits), limit);
      if (this.#opening === undefined) this.#openServer();
      this.#firstBytes = Buffer.concat([this.#firstBytes, ...buffers]);
      return;
    }
    this.#server.send(buffers);
    if (this.#server.full) this.#client.hold('other side is full', true);
  }

  #sendToClient(buffers: readonly Buffer[]): void {
    this.#serverSpoke ||= this.#server !== undefined;
    this.#client.send(buffers);
    if (this.#client.full) this.#server?.hold('other side is full', true);
  }

  #cancel(bytes: Buffer): void {
    const { listener, limits } = this.#context;
    clearTimeout(this.#loginTimer);
    this.#client.hold('cancel', true);
    forwardCancel(listener, bytes, limits, () => this.#finish());
  }

  #report(event: SessionEvent): void {
    if (event.type === 'logged-in') {
      this.info.user = event.user;
      this.info.database = event.database;
      this.info.application = event.application;
      this.#loggedIn = true;
      this.#directDue = true;
      this.#idle.start();
      clearTimeout(this.#loginTimer);
    } else if (event.type === 'raw-relay') {
      clearTimeout(this.#loginTimer);
    }
    this.#context.observer.event(this.info, event);
  }

  /** A half-closed client still gets its replies, as from the server itself; a plan has still to ask for them. */
  #passOnClientEnd(): void {
    if (this.#clientEnded && !this.session.planning) this.#server?.end();
  }

  /** MySQL: the server has greeted, or is about to, and has heard nothing of the client. */
  get #unheard(): boolean {
    const { serverFirst } = this.#context.listener.protocol;
    const connected = this.#server !== undefined || this.#opening !== undefined;
    return serverFirst && connected && !this.#clientSpoke && !this.#serverGone;
  }

  #leaveIfIdle(): void {
    if (this.#finished || this.#client.handshaking) return;
    if (this.#loggedIn ? this.session.idle : !this.#serverSpoke || this.#unheard) this.#leave(shutdown);
  }

  #idleTooLong(): void {
    const { idleTimeout = 0 } = this.#context.limits;
    // Bytes that the client has not taken yet: it is at work on them.
    if (this.session.idle && this.#client.sent) this.#leave(idleTooLong(idleTimeout), 'idle_timeout');
  }

  /** Ends a connection that nobody needs now. */
  #leave(word: LastWord, limit?: LimitName): void {
    if (this.#server !== undefined && this.#loggedIn)
      this.#server.send([this.#context.listener.protocol.goodbye]);
    this.#refuse(word, limit);
  }

  /** Ends the connection with an error of ours, said to the client where it can be. @param limit that was reached */
  #refuse(word: LastWord, limit?: LimitName): void {
    if (this.#finished) return;
    try {
      const said = this.session.lastWord(word);
      if (said !== undefined) this.#client.send([said]);
    } catch (error) {
      this.#context.observer.crashed(this.info, error);
    }
    this.#context.observer.refused(this.info, word.code, word.message, limit);
    this.#finish();
  }

  /** Both sides are flushed and closed; the session is not called again, unless the server has to be told first. */
  #finish(part = this.#unheard): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#loginTimer);
    this.#idle.stop();
    this.#wake.stop();
    this.#client.finish();
    if (!part) return this.#close();
    this.#context.observer.abandoned(this.info);
    this.#parting = setTimeout(() => this.#parted(), lingerMs);
    if (this.#server !== undefined) this.#step(() => this.session.clientLeft(performance.now()));
  }

  #carryOutParting({ toServer, startTls, end }: Actions): void {
    this.#server?.send(toServer);
    if (startTls !== undefined) this.#startTls(startTls);
    if (end) this.#parted();
  }

  /** The server has been told, or cannot be. */
  #parted(): void {
    if (this.#parting === undefined) return;
    clearTimeout(this.#parting);
    this.#parting = undefined;
    this.#close();
    this.#forget();
  }

  #close(): void {
    this.#opening?.abandon();
    this.#server?.finish();
    try {
      this.session.closed();
    } catch (error) {
      this.#context.observer.crashed(this.info, error);
    }
  }

  #forget(): void {
    if (this.#clientClosed && this.#parting === undefined) this.#context.onClosed(this);
  }
}
