/**
 * What the proxy is given and what it tells the outside. The proxy owns sockets and time; what bytes mean is known only
 * to the Protocol, so that one proxy serves every protocol.
 */
import type { Endpoint, ListenAddress } from '../config/address.ts';
import type { FatalCode } from '../session/last-word.ts';
import type { Session, SessionEvent, SessionOptions, Side } from '../session/types.ts';
import type { ClientTls, ServerTls } from './tls.ts';

/** How connections of one listener speak: a value, chosen by the scheme of the server's URL. */
export interface Protocol {
  createSession(
    connection: Pick<SessionOptions, 'listener' | 'server' | 'lot' | 'tls' | 'wakeSoon'>,
  ): Session;
  /** The server speaks first (MySQL): it is connected to as soon as the client is. */
  readonly serverFirst: boolean;
  /** What a polite client sends to the server before it closes. */
  readonly goodbye: Buffer;
  /** How a server is asked for TLS before anything else; undefined: the session asks, in its log-in. */
  readonly tlsRequest:
    { bytes: Buffer; answer(bytes: Buffer): 'yes' | 'no' | 'stuffed' | 'error' } | undefined;
  /** The protocol's name in ALPN. */
  readonly alpn: string | undefined;
}

export interface ListenerOptions {
  /** Unique; rules match on it, logs and metrics name it. */
  name: string;
  listen: ListenAddress;
  server: Endpoint;
  protocol: Protocol;
  /** Undefined: clients connect plain. */
  tls: ClientTls | undefined;
  serverTls: ServerTls;
}

/** Milliseconds and counts; config: limits. */
export interface ProxyLimits {
  /** Client connections of the whole process. Over it: refused with an error of the protocol. */
  connections: number;
  /** From the client's connection to the end of authentication. */
  loginTimeout: number;
  /** From the start of a connection to the server until it is established. */
  connectTimeout: number;
  /** How long transactions may go on after a drain has begun. */
  drainTimeout: number;
  /** Client connections from one address. undefined: no limit of their own. */
  connectionsPerClient?: number | undefined;
  /** A session that is idle for so long is ended. undefined: never. */
  idleTimeout?: number | undefined;
  /** Silence after which TCP asks whether the other side is there; 0: never. */
  keepAlive: number;
}

/** Keys of `limits` that end connections. */
export type ConnectionLimit = 'connections' | 'connections_per_client';
export type LimitName =
  ConnectionLimit | 'login_timeout' | 'connect_timeout' | 'drain_timeout' | 'idle_timeout';

/** Who a connection is, for logs: no secrets, no literals. The names are empty until the session is logged in. */
export interface ConnectionInfo {
  /** Counts up from 1 within the process. */
  readonly id: number;
  readonly listener: string;
  readonly client: string;
  user: string;
  database: string;
  application: string;
}

/** Told synchronously; must not throw. */
export interface Observer {
  /** @param port undefined: a Unix socket, whose path is in the address */
  listening(listener: string, address: string, port: number | undefined): void;
  opened(connection: ConnectionInfo): void;
  closed(connection: ConnectionInfo, session: Session): void;
  event(connection: ConnectionInfo, event: SessionEvent): void;
  /** The proxy itself ended the connection with an error. @param limit that was reached, if it was one */
  refused(connection: ConnectionInfo, code: FatalCode, message: string, limit?: LimitName): void;
  /** So far over a limit of connections that the client was dropped without a word. */
  dropped(listener: string, client: string, limit: LimitName): void;
  /**
   * A client of MySQL left without logging in. Servers count that against the proxy's address, and block it after
   * max_connect_errors of them in a row, so that they are given a log-in that fails.
   */
  abandoned(connection: ConnectionInfo): void;
  /** The handshake on a leg failed, with everything that OpenSSL has to say about it. */
  tlsFailed(connection: ConnectionInfo, side: Side, why: string): void;
  /** Certificates of a leg were read anew. @param problem undefined: the new ones are in use */
  certificatesReloaded(listener: string, side: Side, problem: string | undefined): void;
  /** A session threw: a defect of Interlock, contained to this connection. */
  crashed(connection: ConnectionInfo, error: unknown): void;
}
