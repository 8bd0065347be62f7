/**
 * Opens a connection to the server: TCP, then TLS as the listener asks for it. Where the protocol asks for TLS inside its
 * own log-in (MySQL) the connection is handed over plain.
 *
 * Invariant: nothing but the request for TLS leaves, and nothing but its answer is read, before the handshake.
 */
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../config/address.ts';
import { connectHint, connectOptions, keepAliveOptions } from './endpoint.ts';
import { bufferBytes } from './leg.ts';
import { serverTlsFailure, type TlsFailure } from './tls.ts';
import type { ListenerOptions, Protocol, ProxyLimits } from './types.ts';

export interface Opened {
  socket: Socket;
  encrypted: boolean;
}
/** A listener, as far as its server is concerned. */
export type Target = Pick<ListenerOptions, 'server' | 'serverTls'> & {
  protocol: Pick<Protocol, 'tlsRequest' | 'alpn'>;
};

const noTls: TlsFailure = {
  reason: 'it does not offer TLS',
  hint: 'Switch TLS on at the server (ssl = on), or set server_tls.mode (sslmode) to prefer or disable.',
};
const badAnswer: TlsFailure = { reason: 'its answer to the request for TLS is not one' };
const stuffed: TlsFailure = {
  reason: 'it sent bytes between its answer to the request for TLS and the handshake',
  hint: 'Somebody may be in between: see CVE-2021-23222.',
};
const noAlpn: TlsFailure = {
  reason: 'it does not speak PostgreSQL behind direct TLS (ALPN)',
  hint: 'sslnegotiation=direct needs PostgreSQL 17 or newer.',
};

const timedOut = (ms: number): TlsFailure => ({
  reason: `no answer within ${ms} ms`,
  hint: 'A firewall may drop what is sent there; see also limits.connect_timeout.',
  limit: 'connect_timeout',
});

export type OpeningLimits = Pick<ProxyLimits, 'connectTimeout' | 'keepAlive'>;

/** The name that a certificate is checked for. */
export function hostOf(server: Endpoint): string {
  return 'path' in server ? 'localhost' : server.host;
}

export class Opening {
  readonly #target: Target;
  readonly #keepAlive: number;
  readonly #done: (result: Opened | TlsFailure) => void;
  readonly #timer: NodeJS.Timeout;
  #socket: Socket | undefined;
  #over = false;

  /** @param done called once, unless abandoned before; never from inside the constructor */
  constructor(target: Target, limits: OpeningLimits, done: (result: Opened | TlsFailure) => void) {
    const { connectTimeout, keepAlive } = limits;
    this.#target = target;
    this.#keepAlive = keepAlive;
    this.#done = done;
    this.#timer = setTimeout(() => this.#finish(timedOut(connectTimeout)), connectTimeout);
    this.#attempt(target.serverTls.config.mode !== 'disable' && !('path' in target.server));
  }

  abandon(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #finish(result: Opened | TlsFailure): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    if ('reason' in result) this.#socket?.destroy();
    this.#done(result);
  }

  #attempt(encrypt: boolean): void {
    const { server, serverTls, protocol } = this.#target;
    const options = {
      ...connectOptions(server),
      ...keepAliveOptions(this.#keepAlive),
      allowHalfOpen: true,
      writableHighWaterMark: bufferBytes,
    };
    const socket = connect(options);
    this.#socket = socket;
    const lost = (error: NodeJS.ErrnoException) =>
      this.#lost(socket, { reason: error.code ?? error.message, hint: connectHint(error.code) });
    const closed = () => this.#lost(socket, { reason: 'it closed the connection' });
    const release = () => socket.off('error', lost).off('end', closed).off('close', closed);
    const handOver = () => {
      release().resume();
      this.#finish({ socket, encrypted: false });
    };
    const encryptNow = () => {
      release();
      this.#handshake(socket);
    };
    socket.on('error', lost).on('end', closed).on('close', closed);
    socket.once('connect', () => {
      const { tlsRequest } = protocol;
      if (!encrypt || tlsRequest === undefined) return handOver();
      if (serverTls.config.negotiation === 'direct') return encryptNow();
      socket.write(tlsRequest.bytes);
      socket.once('data', (bytes) => {
        socket.pause();
        const answer = tlsRequest.answer(bytes);
        if (answer === 'yes') encryptNow();
        else if (answer === 'no' && serverTls.config.mode === 'prefer') handOver();
        else if (answer === 'no') this.#finish(noTls);
        else if (answer === 'stuffed') this.#finish(stuffed);
        else this.#refused(badAnswer);
      });
    });
  }

  #handshake(socket: Socket): void {
    const { server, serverTls, protocol } = this.#target;
    serverTls.handshake(socket, hostOf(server), protocol.alpn, (result) => {
      if (this.#over) return;
      if (result instanceof Error)
        return this.#refused({ ...serverTlsFailure(result), detail: result.message });
      this.#socket = result;
      if (serverTls.config.negotiation === 'direct' && result.alpnProtocol !== protocol.alpn)
        return this.#finish(noAlpn);
      this.#finish({ socket: result, encrypted: true });
    });
  }

  /** With prefer there is a second try, without TLS, as libpq makes it. */
  #refused(why: TlsFailure): void {
    if (this.#over) return;
    if (this.#target.serverTls.config.mode !== 'prefer') return this.#finish(why);
    const before = this.#socket;
    this.#attempt(false);
    before?.destroy();
  }

  #lost(socket: Socket, why: TlsFailure): void {
    if (socket === this.#socket) this.#finish(why);
  }
}
