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
import type { Actions, Session, SessionEvent, Side, StartTls, TlsPolicy } from '../session/types.ts';
import { forwardCancel } from './cancel.ts';
import { Leg, type LegEvents } from './leg.ts';
import { hostOf, Opening, type Opened } from './open-server.ts';
import { serverTlsFailure, type HandshakeDone, type TlsFailure } from './tls.ts';
import {
  fatalCodes,
  type ConnectionInfo,
  type FatalCode,
  type ListenerOptions,
  type Observer,
  type ProxyLimits,
} from './types.ts';
import { Wake } from './wake.ts';

export interface ConnectionContext {
  id: number;
  listener: ListenerOptions;
  limits: ProxyLimits;
  observer: Observer;
  /** The process has reached its limit of connections: nothing but a cancel request is served. */
  overLimit: boolean;
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
  /** A byte of the server has gone to the client: it is then safe to speak to it only while the session is idle. */
  #serverSpoke = false;
  #loggedIn = false;
  /** Log-in is over, and a leg is not in its fast form yet. */
  #directDue = false;
  /** A byte of the client has gone to the server. */
  #clientSpoke = false;
  /** The client has sent FIN; passed on when no plan holds its bytes back. */
  #clientEnded = false;
  #finished = false;
  #draining = false;
  readonly #wake: Wake;
  readonly #loginTimer: NodeJS.Timeout;

  constructor(client: Socket, context: ConnectionContext) {
    const { listener, limits } = context;
    this.#context = context;
    this.info = {
      id: context.id,
      listener: listener.name,
      client: client.remoteAddress ?? 'unix',
      user: '',
      database: '',
      application: '',
    };
    this.#wake = new Wake(() => this.#step(() => this.session.wake(performance.now())));
    this.session = listener.protocol.createSession({
      listener: listener.name,
      server: shown(listener.server),
      lot: Math.random(),
      tls: tlsPolicy(listener),
      wakeSoon: () => this.#wake.soon(),
    });
    this.#client = new Leg(client, this.#clientEvents());
    this.#loginTimer = setTimeout(
      () => this.#refuse(fatalCodes.loginTimeout, 'log-in took too long'),
      limits.loginTimeout,
    );
    if (!listener.protocol.serverFirst) return;
    if (context.overLimit) this.#refuseOverLimit();
    else this.#openServer();
  }

  /** Ends the connection as soon as no transaction is open; harmless to call again. */
  drain(): void {
    this.#draining = true;
    this.#leaveIfIdle();
  }

  /** Ends the connection now: no reply is waited for. */
  abort(): void {
    this.#refuse(fatalCodes.shutdown, 'Interlock is shutting down');
    this.#client.socket.destroySoon();
    this.#server?.socket.destroySoon();
  }

  #clientEvents(): LegEvents {
    return {
      data: (chunk) => this.#receive('client', chunk),
      drain: () => this.#server?.hold('other side is full', false),
      end: () => {
        this.#clientEnded = true;
        if (this.#server !== undefined) this.#passOnClientEnd(this.#client.held('plan'));
        else if (this.#opening === undefined) this.#finish();
      },
      error: () => this.#client.socket.destroy(),
      close: () => {
        this.#finish();
        this.#context.onClosed(this);
      },
    };
  }

  #serverEvents(): LegEvents {
    return {
      data: (chunk) => this.#receive('server', chunk),
      drain: () => this.#client.hold('other side is full', false),
      end: () => this.#finish(),
      error: () => {
        if (this.#maySpeak) this.#refuse(fatalCodes.connectionLost, 'the connection to the server was lost');
        this.#server?.socket.destroy();
      },
      close: () => this.#finish(),
    };
  }

  #openServer(): void {
    const { listener, limits } = this.#context;
    this.#client.hold('connecting', true);
    this.#opening = new Opening(listener, limits.connectTimeout, (result) => {
      this.#opening = undefined;
      if ('reason' in result) this.#cannotConnect(result);
      else this.#opened(result);
    });
  }

  #opened({ socket, encrypted }: Opened): void {
    const server = new Leg(socket, this.#serverEvents());
    this.#server = server;
    if (encrypted) this.#step(() => this.session.secured('server', performance.now()));
    if (this.#firstBytes.length > 0) this.#sendToServer([this.#firstBytes]);
    this.#firstBytes = Buffer.alloc(0);
    this.#client.hold('connecting', false);
    this.#passOnClientEnd(this.#client.held('plan'));
  }

  #cannotConnect({ reason, hint, detail }: TlsFailure): void {
    if (detail !== undefined) this.#context.observer.tlsFailed(this.info, 'server', detail);
    const server = shown(this.#context.listener.server);
    this.#refuse(fatalCodes.cannotConnect, `cannot connect to the server at ${server}: ${reason}`, hint);
  }

  /** The session has said that TLS begins on one side; it is not called for that side before the handshake is done. */
  #startTls({ side, hello }: StartTls): void {
    const { listener } = this.#context;
    const leg = side === 'client' ? this.#client : this.#server;
    if (leg === undefined) return;
    const done: HandshakeDone = (result) => {
      if (this.#finished) {
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
    this.#context.observer.tlsFailed(this.info, side, error.message);
    if (side === 'client') return this.#finish();
    // Only the session knows how to say it: the client waits in the middle of its log-in.
    const { reason, hint = '' } = serverTlsFailure(error);
    const message = `cannot connect to the server at ${shown(this.#context.listener.server)}: ${reason}. ${hint}`;
    this.#step(() => this.session.unsecured(message.trim(), performance.now()));
  }

  /** The hot path: as #step(), without a closure. */
  #receive(side: Side, chunk: Buffer): void {
    if (this.#finished) return;
    let actions: Actions;
    try {
      actions = this.session.receive(side, chunk, performance.now());
    } catch (error) {
      return this.#crashed(error);
    }
    this.#carryOut(actions);
  }

  /** Any other call of the session. */
  #step(call: () => Actions): void {
    if (this.#finished) return;
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
    this.#finish();
  }

  #carryOut(actions: Actions): void {
    for (const event of actions.events) this.#report(event);
    if (actions.toServer.length > 0) this.#sendToServer(actions.toServer);
    if (this.#finished) return;
    if (actions.toClient.length > 0) this.#sendToClient(actions.toClient);
    if (actions.startTls !== undefined) this.#startTls(actions.startTls);
    if (actions.cancel !== undefined) {
      this.#cancel(actions.cancel);
      return;
    }
    if (actions.end) {
      this.#finish();
      return;
    }
    this.#client.hold('plan', actions.pauseClient);
    this.#passOnClientEnd(actions.pauseClient);
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
      if (this.#context.overLimit) return this.#refuseOverLimit();
      if (this.#opening === undefined) this.#openServer();
      this.#firstBytes = Buffer.concat([this.#firstBytes, ...buffers]);
      return;
    }
    this.#server.send(buffers);
    if (this.#server.full) this.#client.hold('other side is full', true);
  }

  #refuseOverLimit(): void {
    const message = `Interlock serves ${this.#context.limits.connections} connections already`;
    this.#refuse(fatalCodes.tooManyConnections, message, 'Raise limits.connections.');
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
    forwardCancel(listener, bytes, limits.connectTimeout, () => this.#finish());
  }

  #report(event: SessionEvent): void {
    if (event.type === 'logged-in') {
      this.info.user = event.user;
      this.info.database = event.database;
      this.info.application = event.application;
      this.#loggedIn = true;
      this.#directDue = true;
      clearTimeout(this.#loginTimer);
    } else if (event.type === 'raw-relay') {
      clearTimeout(this.#loginTimer);
    }
    this.#context.observer.event(this.info, event);
  }

  /** A half-closed client still gets its replies, as from the server itself. */
  #passOnClientEnd(planRuns: boolean): void {
    if (this.#clientEnded && !planRuns) this.#server?.end();
  }

  get #maySpeak(): boolean {
    if (this.#client.handshaking) return false;
    return this.#loggedIn ? this.session.idle && !this.session.raw : !this.#serverSpoke;
  }

  #leaveIfIdle(): void {
    if (this.#finished || !this.#maySpeak) return;
    if (this.#server !== undefined && this.#loggedIn)
      this.#server.send([this.#context.listener.protocol.goodbye]);
    this.#refuse(fatalCodes.shutdown, 'Interlock is shutting down');
  }

  /** Ends the connection with an error of ours, said to the client where it can be. */
  #refuse(code: FatalCode, message: string, hint?: string): void {
    if (this.#finished) return;
    if (this.#maySpeak) this.#client.send([this.#context.listener.protocol.fatal(code, message, hint)]);
    this.#context.observer.refused(this.info, code, message);
    this.#finish();
  }

  /** Both sides are flushed and closed; the session is not called again. */
  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#loginTimer);
    this.#wake.stop();
    this.#opening?.abandon();
    this.#client.finish();
    this.#server?.finish();
    const { listener, observer } = this.#context;
    if (listener.protocol.serverFirst && this.#server !== undefined && !this.#clientSpoke)
      observer.abandoned(this.info);
    try {
      this.session.closed();
    } catch (error) {
      this.#context.observer.crashed(this.info, error);
    }
  }
}

/** There is no TLS on unix sockets, and nobody who could listen. */
function tlsPolicy({ listen, server, tls, serverTls }: ListenerOptions): TlsPolicy {
  const { mode } = serverTls.config;
  const secure = { client: 'path' in listen, server: 'path' in server };
  const optional = mode === 'prefer' ? mode : 'require';
  return {
    client: secure.client ? 'off' : (tls?.config.mode ?? 'off'),
    server: secure.server || mode === 'disable' ? 'off' : optional,
    secure,
  };
}
