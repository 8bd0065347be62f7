/**
 * The TLS handshakes of a listener's two legs, around sockets on which the protocol has asked for it. Certificates can be
 * read anew at any time; connections that stand keep what they have.
 */
import { isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  createServer,
  type ConnectionOptions,
  type SecureContext,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { readPem } from '../config/pem.ts';
import type { ClientTlsConfig, ServerTlsConfig } from '../config/tls.ts';
import type { TlsPolicy } from '../session/types.ts';
import type { LimitName, ListenerOptions } from './types.ts';

/** Called once. */
export type HandshakeDone = (result: TLSSocket | Error) => void;

/** Clients' leg. The handshakes run in a tls.Server that never listens: it is given sockets that are accepted already. */
export class ClientTls {
  readonly config: ClientTlsConfig;
  readonly #server: Server;
  readonly #waiting = new Map<string, HandshakeDone>();

  /** @param alpn the only protocol that a client may name. @throws PemError */
  constructor(config: ClientTlsConfig, alpn: string | undefined) {
    this.config = config;
    this.#server = createServer({
      ...this.#context(),
      requestCert: config.files.ca !== undefined,
      rejectUnauthorized: config.files.ca !== undefined,
      ...(alpn !== undefined && { ALPNProtocols: [alpn] }),
    });
    this.#server.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true;
      if (!this.#settle(peer(socket), socket)) socket.destroy();
    });
    this.#server.on('tlsClientError', (error, socket) => this.#settle(peer(socket), error));
  }

  /** For connections to come. @throws PemError; then everything stays as it was */
  reload(): void {
    this.#server.setSecureContext(this.#context());
  }

  /** @param socket of a client, TCP; what it has read belongs to the handshake */
  handshake(socket: Socket, done: HandshakeDone): void {
    const key = peer(socket);
    this.#waiting.set(key, done);
    // Node ends the connection without a word where the certificate is signed by somebody else.
    const why = `ended in the handshake${this.config.files.ca === undefined ? '' : '; or its certificate is not signed by client_ca'}`;
    // A client may end its direction and wait for replies, but not in the middle of the handshake.
    socket.allowHalfOpen = false;
    socket.prependOnceListener('close', () => this.#settle(key, new Error(why)));
    this.#server.emit('connection', socket);
  }

  /** The two ends of a TCP connection name it as long as it is there. */
  #settle(key: string, result: TLSSocket | Error): boolean {
    const done = this.#waiting.get(key);
    this.#waiting.delete(key);
    done?.(result);
    return done !== undefined;
  }

  #context() {
    return { ...readPem(this.config.files), minVersion: this.config.minVersion };
  }
}

function peer({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** The server's leg. */
export class ServerTls {
  readonly config: ServerTlsConfig;
  #context: SecureContext;

  /** @throws PemError */
  constructor(config: ServerTlsConfig) {
    this.config = config;
    this.#context = createSecureContext(readPem(config.files));
  }

  /** As ClientTls.reload(). */
  reload(): void {
    this.#context = createSecureContext(readPem(this.config.files));
  }

  /** What is checked of the server. @param host as configured; server_name goes before it */
  options(host: string) {
    const { mode, verify, serverName } = this.config;
    const name = serverName ?? host;
    return {
      secureContext: this.#context,
      host: name,
      // SNI is for names only.
      ...(isIP(name) === 0 && { servername: name }),
      rejectUnauthorized: verify,
      checkServerIdentity: mode === 'verify-full' ? checkServerIdentity : () => undefined,
    } satisfies ConnectionOptions;
  }

  handshake(socket: Socket, host: string, alpn: string | undefined, done: HandshakeDone): void {
    const secure = connect({
      socket,
      ...this.options(host),
      ...(alpn !== undefined && { ALPNProtocols: [alpn] }),
    });
    const failed = (error: Error) => {
      settle(error);
      secure.destroy();
    };
    const closed = () => failed(new Error('the connection was closed'));
    const established = () => settle(secure);
    const settle = (result: TLSSocket | Error) => {
      secure.off('close', closed).off('secureConnect', established);
      if (result === secure) secure.off('error', failed);
      done(result);
    };
    secure.once('secureConnect', established).once('close', closed).on('error', failed);
  }
}

export interface TlsFailure {
  reason: string;
  hint?: string | undefined;
  /** What OpenSSL says of the handshake, for the log only: a stranger may have had a say in it. */
  detail?: string;
  /** That was reached. */
  limit?: LimitName;
}

const unknownCa =
  'Name the CA that signed it in server_tls.ca (sslrootcert, ssl-ca), or set the mode to require, which verifies nothing.';

/** Why a handshake with the server failed, without anything that an unauthenticated server has said. */
export function serverTlsFailure(error: Error): TlsFailure {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        reason: "the server's certificate is for another name",
        hint: 'Write that name as the host of the server or as server_tls.server_name, or set the mode to verify-ca.',
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return { reason: "the server's certificate is signed by an unknown CA", hint: unknownCa };
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return { reason: "the server's certificate is not valid at this time", hint: 'Renew it.' };
    default:
      return { reason: `TLS handshake failed: ${code ?? error.message}` };
  }
}

/** There is no TLS on unix sockets, and nobody who could listen. */
export function tlsPolicy({ listen, server, tls, serverTls }: ListenerOptions): TlsPolicy {
  const { mode } = serverTls.config;
  const secure = { client: 'path' in listen, server: 'path' in server };
  const optional = mode === 'prefer' ? mode : 'require';
  return {
    client: secure.client ? 'off' : (tls?.config.mode ?? 'off'),
    server: secure.server || mode === 'disable' ? 'off' : optional,
    secure,
  };
}
