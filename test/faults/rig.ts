/**
 * The proxy between a client and a server that both play a scene over sockets, on a network that does what a plan says:
 * delays, cuts, FIN or RST at any byte, a peer that does not read for a while. A case ends when the proxy has forgotten its
 * connection and both peers' sockets are closed; nothing else ends it.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { mysql } from '../../src/proxy/mysql.ts';
import { postgres } from '../../src/proxy/postgres.ts';
import { Proxy } from '../../src/proxy/server.ts';
import type { Observer } from '../../src/proxy/types.ts';
import type { Random } from '../fuzz/random.ts';
import { mysqlShared } from '../streams/mysql/through.ts';
import { plainLimits, ruleSet, sharedState } from '../streams/session.ts';
import { plain } from '../unit/proxy/support.ts';
import type { Scene } from './scenes.ts';

/** What the network does to the bytes that one peer sends, and to what it would like to read. */
export interface Leg {
  /** Longest chunk; each is of a random length up to that. */
  chunk: number;
  /** Turns of the event loop between two chunks, at most. */
  delay: number;
  /** The peer's last byte, and how its end looks to the proxy. */
  end: { at: number; how: 'fin' | 'rst' } | undefined;
  /** Once it has got so many bytes the peer does not read for so many turns; `often`: again behind every chunk. */
  stall: { at: number; turns: number; often: boolean } | undefined;
}

export interface Plan {
  client: Leg;
  server: Leg;
}

export interface Result {
  toClient: Buffer;
  /** Sent to the server by nobody's leave. */
  unexpected: string[];
  /** Errors that the proxy reported itself, by SQLSTATE. */
  refused: string[];
  /** Defects. */
  crashed: string[];
  /** Names of `unwanted` events. */
  events: string[];
  /** A peer ended the conversation before its time. */
  brokenOff: boolean;
  /** The server alone did, with FIN behind so many bytes: they have been sent, so the client can have them. */
  serverFin: number | undefined;
}

const limits = {
  connections: 100,
  loginTimeout: 60_000,
  connectTimeout: 60_000,
  drainTimeout: 60_000,
  keepAlive: 0,
};
/**
 * Ticks of a second in which no byte has moved: a case hangs. The proxy itself drops a silent peer after five of them; on a busy
 * machine a case may take as long as it likes, and its ticks are late as well.
 */
const hangs = 60;

/** Nobody says anything that is not understood. */
const unwanted: ReadonlySet<string> = new Set(['protocol-error', 'problem', 'raw-relay']);

/** One peer's socket, seen through the network. */
class Peer {
  readonly closed: Promise<void>;
  brokenOff: 'fin' | 'rst' | undefined;
  got = 0;
  sent = 0;
  readonly #socket: Socket;
  readonly #leg: Leg;
  readonly #random: Random;
  readonly #waiting: Buffer[] = [];
  #sending = false;
  #ending = false;
  #stalled = false;

  constructor(socket: Socket, leg: Leg, random: Random, receive: (chunk: Buffer) => void) {
    this.#socket = socket;
    this.#leg = leg;
    this.#random = random;
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.got += chunk.length;
      receive(chunk);
      void this.#stall();
    });
    // The other side has said its last: so does this one.
    socket.on('end', () => socket.end());
  }

  send(bytes: Buffer): void {
    if (bytes.length > 0) this.#waiting.push(bytes);
    void this.#pump();
  }

  /** Behind everything that is still to be sent. */
  end(): void {
    this.#ending = true;
    void this.#pump();
  }

  async #pump(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    const { chunk, delay, end } = this.#leg;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      for (let at = 0; at < next.length;) {
        for (let turns = this.#random.below(delay + 1); turns > 0; turns -= 1) await turn();
        if (this.#socket.destroyed || this.#socket.writableEnded) return;
        const left = end === undefined ? Infinity : end.at - this.sent;
        const length = Math.min(next.length - at, 1 + this.#random.below(chunk), left);
        if (length > 0) this.#socket.write(next.subarray(at, at + length));
        at += length;
        this.sent += length;
        if (end !== undefined && this.sent >= end.at) return this.#breakOff(end.how);
      }
    }
    this.#sending = false;
    if (this.#ending) this.#socket.end();
  }

  #breakOff(how: 'fin' | 'rst'): void {
    this.brokenOff = how;
    if (how === 'fin') this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  async #stall(): Promise<void> {
    const { stall } = this.#leg;
    if (this.#stalled || stall === undefined || this.got < stall.at) return;
    this.#stalled = !stall.often;
    this.#socket.pause();
    for (let turns = stall.turns; turns > 0; turns -= 1) await turn();
    this.#socket.resume();
  }
}

const rules = {
  observe: ruleSet({ mode: 'observe', tablesNamed: true }),
  rewrite: ruleSet({ mode: 'rewrite', tablesNamed: true }),
};
const witnesses = { postgres: sharedState().witness, mysql: mysqlShared().witness };

/** @throws when the case does not end */
export async function play(scene: Scene, plan: Plan, random: Random): Promise<Result> {
  const result: Result = {
    toClient: Buffer.alloc(0),
    unexpected: [],
    refused: [],
    crashed: [],
    events: [],
    brokenOff: false,
    serverFin: undefined,
  };
  const peers: Peer[] = [];
  const listening = createServer({ allowHalfOpen: true }, (socket) => {
    const played = scene.serve();
    const peer: Peer = new Peer(socket, plan.server, random, (chunk) => {
      try {
        peer.send(played.receive(chunk));
      } catch (error) {
        result.unexpected.push(String(error));
      }
      result.unexpected.push(...played.unexpected());
    });
    peers.push(peer);
    peer.send(played.greeting);
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const server = { host: '127.0.0.1', port: (listening.address() as AddressInfo).port };
  let port = 0;
  let forgotten: () => void = () => undefined;
  const empty = new Promise<void>((resolve) => (forgotten = resolve));
  const observer: Observer = {
    listening: (_, __, at) => (port = at ?? 0),
    opened: () => undefined,
    closed: () => forgotten(),
    event: (_, event) => {
      if (unwanted.has(event.type)) result.events.push(event.type);
    },
    refused: (_, code) => result.refused.push(code),
    dropped: () => undefined,
    abandoned: () => undefined,
    tlsFailed: (_, side, why) => result.crashed.push(`TLS to ${side}: ${why}`),
    certificatesReloaded: () => undefined,
    crashed: (_, error) => result.crashed.push(String(error)),
  };
  const options = {
    rules: rules[scene.mode],
    limits: plainLimits,
    shared: { ...sharedState(), witness: witnesses[scene.wire] },
  };
  const protocol = scene.wire === 'postgres' ? postgres(options) : mysql(options);
  const proxy = new Proxy({
    listeners: [
      {
        name: 'faults',
        listen: { host: '127.0.0.1', port: 0 },
        server,
        protocol,
        tls: undefined,
        serverTls: plain,
      },
    ],
    limits,
    observer,
  });
  await proxy.start();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const got: Buffer[] = [];
  let next = 0;
  const client: Peer = new Peer(socket, plan.client, random, (chunk) => {
    got.push(chunk);
    goOn();
  });
  const goOn = (): void => {
    for (
      let flight = scene.flights[next];
      flight !== undefined && client.got >= flight.after;
      flight = scene.flights[next]
    ) {
      next += 1;
      client.send(flight.bytes);
    }
    if (next === scene.flights.length && client.got >= scene.reply.length) client.end();
  };
  peers.push(client);
  goOn();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    let [moved, still] = [0, 0];
    timer = setInterval(() => {
      const now = peers.reduce((sum, { got, sent }) => sum + got + sent, 0);
      still = now === moved ? still + 1 : 0;
      moved = now;
      if (still === hangs) reject(new Error(`hangs: ${scene.label}, ${JSON.stringify(plan)}`));
    }, 1_000);
  });
  try {
    await Promise.race([late, empty.then(() => Promise.all(peers.map(({ closed }) => closed)))]);
  } finally {
    clearInterval(timer);
    proxy.abort();
    listening.close();
    socket.destroy();
  }
  if (proxy.sessions > 0) throw new Error(`${proxy.sessions} connections left`);
  result.toClient = Buffer.concat(got);
  result.brokenOff = peers.some(({ brokenOff }) => brokenOff !== undefined);
  const answering = peers.find((peer) => peer !== client);
  if (client.brokenOff === undefined && answering?.brokenOff === 'fin') result.serverFin = answering.sent;
  return result;
}
