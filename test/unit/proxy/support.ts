/** A proxy around a session that relays whatever comes, a server that the test plays itself, and a client to talk with. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { Proxy } from '../../../src/proxy/server.ts';
import { ServerTls, type ClientTls } from '../../../src/proxy/tls.ts';
import type { ConnectionInfo, Observer, Protocol, ProxyLimits } from '../../../src/proxy/types.ts';
import type { LastWord } from '../../../src/session/last-word.ts';
import { Output } from '../../../src/session/output.ts';
import type { Actions, Session, SessionEvent, Side } from '../../../src/session/types.ts';

export class RelaySession implements Session {
  readonly counters = { forwarded: 0, rewritten: 0, refused: 0, inspected: 0 };
  raw = false;
  idle = false;
  parted = false;
  planning = false;
  /** The client can be told something now. */
  listens = true;
  closedCalls = 0;
  /** Its first chunk logs it in: from then on the sockets are direct. */
  logsIn = false;
  wakes = 0;
  readonly securedLegs: Side[] = [];
  readonly wakeSoon: () => void;
  readonly #actions: Actions = noActions();
  /** Changes what is done for one call. */
  script: (side: Side | 'wake' | 'client left' | `${Side} secured`, chunk: Buffer, actions: Actions) => void =
    () => undefined;

  constructor(wakeSoon: () => void) {
    this.wakeSoon = wakeSoon;
  }

  receive(side: Side, chunk: Buffer): Actions {
    this.counters.forwarded += 1;
    const actions = Object.assign(this.#actions, noActions());
    (side === 'client' ? actions.toServer : actions.toClient).push(chunk);
    if (this.logsIn) actions.events.push(loggedIn);
    this.logsIn = false;
    this.script(side, chunk, actions);
    return actions;
  }

  wake(): Actions {
    this.wakes += 1;
    const actions = Object.assign(this.#actions, noActions());
    this.script('wake', Buffer.alloc(0), actions);
    return actions;
  }

  secured(side: Side): Actions {
    this.securedLegs.push(side);
    return Object.assign(this.#actions, noActions());
  }

  clientLeft(): Actions {
    const actions = Object.assign(this.#actions, noActions());
    this.script('client left', Buffer.alloc(0), actions);
    return actions;
  }

  lastWord({ code, message }: LastWord): Buffer | undefined {
    return this.listens ? Buffer.from(`<${code} ${message}>`) : undefined;
  }

  closed(): void {
    this.closedCalls += 1;
  }
}

const noActions = (): Actions => new Output().take(undefined, false);

export const loggedIn: SessionEvent = {
  type: 'logged-in',
  user: 'app',
  database: 'shop',
  application: 'test',
};

export interface Seen {
  opened: number;
  closed: number;
  events: SessionEvent[];
  refused: string[];
  crashed: unknown[];
  limits: string[];
  dropped: string[];
  abandoned: number;
  tlsFailed: string[];
  infos: ConnectionInfo[];
}

export interface Stage {
  proxy: Proxy;
  port: number;
  seen: Seen;
  sessions: RelaySession[];
  /** Connects a client. */
  client(): Promise<Peer>;
  /** The next connection that the proxy makes to the server. */
  accepted(): Promise<Peer>;
  stopServer(): Promise<void>;
}

/** A socket whose input can be waited for. */
export class Peer {
  readonly socket: Socket;
  #input: Buffer = Buffer.alloc(0);
  #ended = false;
  #changed: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    const changed = () => this.#changed?.();
    socket.on('data', (chunk) => {
      this.#input = Buffer.concat([this.#input, chunk]);
      changed();
    });
    socket.on('end', () => {
      this.#ended = true;
      changed();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      changed();
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Waits for this many bytes. */
  async read(count: number): Promise<string> {
    while (this.#input.length < count) {
      if (this.#ended) throw new Error(`ended after ${this.#input.length} of ${count} bytes`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
    const taken = this.#input.toString('latin1', 0, count);
    this.#input = this.#input.subarray(count);
    return taken;
  }

  /** Waits for the other side to close; all bytes that came before. */
  async toEnd(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#changed = resolve));
    return this.read(this.#input.length);
  }
}

export const plain = new ServerTls({
  mode: 'disable',
  files: {},
  verify: false,
  serverName: undefined,
  negotiation: 'postgres',
});

const limits: ProxyLimits = {
  connections: 100,
  loginTimeout: 60_000,
  connectTimeout: 60_000,
  drainTimeout: 60_000,
  keepAlive: 0,
};

/** @param prepare is given each new session before its first byte */
export async function stage(
  prepare: (session: RelaySession) => void = () => undefined,
  changed: Partial<ProxyLimits> = {},
  tls?: ClientTls,
  serverFirst = false,
): Promise<Stage> {
  const waiting: Peer[] = [];
  let arrived: (() => void) | undefined;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    waiting.push(new Peer(socket));
    arrived?.();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sessions: RelaySession[] = [];
  const seen: Seen = {
    opened: 0,
    closed: 0,
    events: [],
    refused: [],
    crashed: [],
    limits: [],
    dropped: [],
    abandoned: 0,
    tlsFailed: [],
    infos: [],
  };
  const protocol: Protocol = {
    createSession: ({ wakeSoon }) => {
      const session = new RelaySession(wakeSoon);
      sessions.push(session);
      prepare(session);
      return session;
    },
    goodbye: Buffer.from('<goodbye>'),
    serverFirst,
    tlsRequest: undefined,
    alpn: undefined,
  };
  let port = 0;
  const observer: Observer = {
    listening: (_, __, at) => (port = at ?? 0),
    opened: (info) => {
      seen.opened += 1;
      seen.infos.push(info);
    },
    closed: () => (seen.closed += 1),
    event: (_, event) => seen.events.push(event),
    refused: (_, code, __, limit) => {
      seen.refused.push(code);
      if (limit !== undefined) seen.limits.push(limit);
    },
    dropped: (_, __, limit) => seen.dropped.push(limit),
    abandoned: () => (seen.abandoned += 1),
    tlsFailed: (_, side, why) => seen.tlsFailed.push(`${side}: ${why}`),
    certificatesReloaded: () => undefined,
    crashed: (_, error) => seen.crashed.push(error),
  };
  const to = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const listeners = [
    {
      name: 'test',
      listen: { host: '127.0.0.1', port: 0 },
      server: to,
      protocol,
      tls,
      serverTls: plain,
    },
  ];
  const proxy = new Proxy({ listeners, limits: { ...limits, ...changed }, observer });
  await proxy.start();
  const sockets: Socket[] = [];
  const stopServer = async () => {
    if (!server.listening) return;
    server.close();
    for (const peer of waiting) peer.socket.destroy();
    await once(server, 'close');
  };
  onTestFinished(async () => {
    proxy.abort();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    proxy,
    port,
    seen,
    sessions,
    client: async () => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      sockets.push(socket);
      await once(socket, 'connect');
      return new Peer(socket);
    },
    accepted: async () => {
      while (waiting.length === 0) await new Promise<void>((resolve) => (arrived = resolve));
      const peer = waiting.shift() as Peer;
      sockets.push(peer.socket);
      return peer;
    },
    stopServer,
  };
}
