/**
 * What the proxy is given and what it tells the outside. The proxy owns sockets and time; what bytes mean is known only
 * to the Protocol, so that one proxy serves every protocol.
 */
import type { Endpoint, ListenAddress } from '../config/address.ts';
import type { Session, SessionEvent, SessionOptions, Side } from '../session/types.ts';
import type { ClientTls, ServerTls } from './tls.ts';

/** How connections of one listener speak: a value, chosen by the scheme of the server's URL. */
export interface Protocol {
  createSession(
    connection: Pick<SessionOptions, 'listener' | 'server' | 'lot' | 'tls' | 'wakeSoon'>,
  ): Session;
  /**
   * A message that ends the connection, in the protocol's form. Sent only where the client can expect a whole message:
   * before any byte of the server, or while the session is idle.
   */
  fatal(code: FatalCode, message: string, hint?: string): Buffer;
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

/** SQLSTATEs of errors that the proxy itself reports. */
export const fatalCodes = {
  cannotConnect: '08001',
  connectionLost: '08006',
  tooManyConnections: '53300',
  loginTimeout: '57014',
  shutdown: '57P01',
} as const;
export type FatalCode = (typeof fatalCodes)[keyof typeof fatalCodes];

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
}

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
  /** The proxy itself ended the connection with an error. */
  refused(connection: ConnectionInfo, code: FatalCode, message: string): void;
  /**
   * A client of MySQL left without logging in. The server counts that against the proxy's address, and blocks it after
   * max_connect_errors of them in a row.
   */
  abandoned(connection: ConnectionInfo): void;
  /** The handshake on a leg failed, with everything that OpenSSL has to say about it. */
  tlsFailed(connection: ConnectionInfo, side: Side, why: string): void;
  /** Certificates of a leg were read anew. @param problem undefined: the new ones are in use */
  certificatesReloaded(listener: string, side: Side, problem: string | undefined): void;
  /** A session threw: a defect of Interlock, contained to this connection. */
  crashed(connection: ConnectionInfo, error: unknown): void;
}
