/**
 * Several processes that share the listening addresses (config: workers). This one accepts, hands each connection to a
 * worker in turn (node:cluster, round robin), and does what there is one of: admin port, findings, metrics summed, signals.
 * A worker that ends unasked is replaced.
 */
import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import { AdminServer } from '../admin/server.ts';
import { Findings } from '../admin/findings.ts';
import { suggestionsOf } from '../admin/suggestions.ts';
import type { Texts } from '../config/files.ts';
import type { Config } from '../config/load.ts';
import type { Loaded } from '../config/reload.ts';
import type { Log } from '../log.ts';
import type { ReloadMetrics } from '../metrics.ts';
import { Learner } from '../patterns/anticipate/learner.ts';
import type { Running } from '../proxy/run.ts';
import { isOurs, type FromPrimary, type FromWorker } from './messages.ts';
import { WorkerMetrics, type Collected } from './metrics.ts';

/** A worker that ends this soon after its start would end again: the next one waits. */
const shortLifeMs = 1_000;
const restartDelayMs = 1_000;

export function workerCount(workers: Config['workers']): number {
  return workers === 'auto' ? availableParallelism() : workers;
}

/** As run() of the proxy. @throws when a worker cannot listen; then none is left */
export async function runWorkers(loaded: Loaded, log: Log): Promise<Running> {
  const primary = new Primary(loaded, log);
  await primary.start();
  return primary;
}

interface Member {
  worker: Worker;
  ready: boolean;
  sessions: number;
  /** By the client's address. */
  clients: Map<string, number>;
  /** How many the others have, as it was told last. */
  told: number;
  /** Of its configuration. */
  texts: Texts | undefined;
  startedAt: number;
  /** Who waits for its metrics. */
  collecting: ((metrics: Collected) => void)[];
}

class Primary implements Running {
  readonly #config: Config;
  /** What the rules in use are from. */
  #texts: Texts;
  #rules: Config['rules'];
  readonly #log: Log;
  readonly #findings: Findings;
  readonly #learner: Learner | undefined;
  readonly #metrics = new WorkerMetrics(() => this.#collect());
  readonly #members = new Map<number, Member>();
  /** Name -> what the log says of it. */
  readonly #listening = new Map<string, object>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #admin: AdminServer | undefined;
  #ready = false;
  /** How all were told to end. */
  #stopped: FromPrimary | undefined;
  #allGone: (() => void) | undefined;

  constructor({ config, texts }: Loaded, log: Log) {
    this.#config = config;
    this.#texts = texts;
    this.#rules = config.rules;
    this.#log = log;
    this.#findings = new Findings(config.admin?.findings ?? 0);
    this.#learner = config.learn && new Learner(config.learn);
  }

  async start(): Promise<void> {
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.on('exit', (worker, code, signal) => this.#exited(worker, signal ?? code));
    try {
      await this.#startAdmin();
      const count = workerCount(this.#config.workers);
      await Promise.all(Array.from({ length: count }, () => this.#startWorker()));
    } catch (error) {
      this.abort();
      throw error;
    }
    this.#ready = true;
    for (const listener of this.#listening.values()) this.#log.info(listener, 'listening');
  }

  async drain(): Promise<void> {
    this.#stop({ interlock: 'drain' });
    if (this.#members.size > 0) await new Promise<void>((resolve) => (this.#allGone = resolve));
    this.#admin?.stop();
  }

  abort(): void {
    this.#stop({ interlock: 'abort' });
    this.#admin?.stop();
  }

  reload(): void {
    this.#tellAll({ interlock: 'reload' });
  }

  get reloads(): ReloadMetrics {
    return this.#metrics.reloads;
  }

  exchangeRules({ config, texts }: Loaded): void {
    this.#texts = texts;
    this.#rules = config.rules;
    for (const member of this.#members.values()) if (member.ready) this.#tellRules(member);
  }

  #tellRules(member: Member): void {
    if (member.texts === this.#texts) return;
    member.texts = this.#texts;
    tell(member.worker, { interlock: 'config', texts: this.#texts });
  }

  async #startAdmin(): Promise<void> {
    const { admin } = this.#config;
    if (admin === undefined) return;
    const ready = () => this.#ready && this.#stopped === undefined;
    const findings = this.#findings;
    const rules = () => this.#rules;
    const learner = this.#learner;
    const suggestions = learner && (() => suggestionsOf(learner));
    this.#admin = new AdminServer({ ...admin, findings, suggestions, metrics: this.#metrics, rules, ready });
    const { address, port } = await this.#admin.start();
    this.#log.info({ address, port }, 'admin listening');
  }

  /** Resolves when it listens. */
  #startWorker(): Promise<void> {
    const worker = cluster.fork();
    const member: Member = {
      worker,
      ready: false,
      sessions: 0,
      clients: new Map(),
      told: 0,
      texts: undefined,
      startedAt: Date.now(),
      collecting: [],
    };
    this.#members.set(worker.id, member);
    this.#metrics.workers(this.#members.size);
    return new Promise((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        if (!isOurs<FromWorker>(message)) return;
        if (message.interlock === 'ready') {
          member.ready = true;
          // What it was told while it started, it did not hear.
          if (this.#stopped !== undefined) tell(worker, this.#stopped);
          this.#tellRules(member);
          this.#countSessions([...this.#members.values()].flatMap(({ clients }) => [...clients.keys()]));
          resolve();
        } else if (message.interlock === 'failed') reject(new Error(message.message));
        else this.#heard(member, message);
      });
      worker.once('exit', () => reject(new Error('a worker ended before it listened')));
    });
  }

  #heard(from: Member, message: FromWorker): void {
    if (message.interlock === 'started') this.#tellRules(from);
    else if (message.interlock === 'finding') this.#findings.add(message.entry);
    else if (message.interlock === 'learned') this.#learner?.add(message.seen, performance.now());
    else if (message.interlock === 'cancel') this.#tellAll(message, from);
    else if (message.interlock === 'metrics') answer(from, message.metrics);
    else if (message.interlock === 'listening') {
      const { listener, address, port } = message;
      this.#listening.set(listener, { listener, address, port });
    } else if (message.interlock === 'sessions') {
      from.sessions = message.count;
      for (const [address, count] of message.clients) {
        if (count > 0) from.clients.set(address, count);
        else from.clients.delete(address);
      }
      this.#countSessions(message.clients.map(([address]) => address));
    }
  }

  /** One that is just starting has nothing to tell. */
  #collect(): Promise<Collected[]> {
    const asked = [...this.#members.values()].filter(({ ready }) => ready);
    return Promise.all(asked.map((member) => collectFrom(member)));
  }

  /** The limits of connections are those of all workers. @param addresses of clients whose counts have changed */
  #countSessions(addresses: Iterable<string>): void {
    const members = [...this.#members.values()];
    const total = members.reduce((sum, { sessions }) => sum + sessions, 0);
    const totals = [...new Set(addresses)].map((address): [string, number] => [
      address,
      members.reduce((sum, { clients }) => sum + (clients.get(address) ?? 0), 0),
    ]);
    for (const { worker, sessions, clients } of members) {
      const elsewhere = totals.map(([address, all]): [string, number] => [
        address,
        all - (clients.get(address) ?? 0),
      ]);
      tell(worker, { interlock: 'sessions', count: total - sessions, clients: elsewhere });
    }
  }

  #exited(worker: Worker, how: number | string): void {
    const member = this.#members.get(worker.id);
    if (member === undefined) return;
    this.#members.delete(worker.id);
    answer(member, []);
    this.#metrics.workers(this.#members.size);
    if (this.#members.size === 0) this.#allGone?.();
    if (this.#stopped !== undefined || !this.#ready) return;
    this.#countSessions(member.clients.keys());
    this.#metrics.restarted();
    const { pid } = worker.process;
    this.#log.error({ worker: worker.id, pid, how }, 'defect: a worker ended; another takes its place');
    const delay = Date.now() - member.startedAt < shortLifeMs ? restartDelayMs : 0;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#startWorker().catch((error: unknown) =>
        this.#log.error({ err: error }, 'a worker did not start'),
      );
    }, delay);
    this.#timers.add(timer);
  }

  #stop(message: FromPrimary): void {
    this.#stopped = message;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#tellAll(message);
  }

  #tellAll(message: FromPrimary, but?: Member): void {
    for (const member of this.#members.values()) if (member !== but) tell(member.worker, message);
  }
}

function collectFrom(member: Member): Promise<Collected> {
  return new Promise((resolve) => {
    member.collecting.push(resolve);
    tell(member.worker, { interlock: 'metrics' });
  });
}

/** All that wait have asked before it answered. */
function answer(member: Member, metrics: Collected): void {
  for (const resolve of member.collecting.splice(0)) resolve(metrics);
}

/** One that has just ended cannot be told; its exit is on the way. */
function tell(worker: Worker, message: FromPrimary): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
