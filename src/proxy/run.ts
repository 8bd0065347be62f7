/** Puts a loaded config to work: proxy, admin port, metrics, and the observer that feeds log, metrics and findings. */
import { Registry } from 'prom-client';
import { AdminServer } from '../admin/server.ts';
import { Findings, type FindingEntry } from '../admin/findings.ts';
import { Samples } from '../admin/samples.ts';
import { suggestionsOf } from '../admin/suggestions.ts';
import { shown } from '../config/address.ts';
import { LiveRules } from '../config/live-rules.ts';
import type { Config } from '../config/load.ts';
import type { Loaded } from '../config/reload.ts';
import { defaultFactsCacheLimits, FactsCache } from '../facts/cache.ts';
import { logEvent, type Log } from '../log.ts';
import { Budget } from '../memory/budget.ts';
import { Metrics, ReloadMetrics } from '../metrics.ts';
import { Learner, type Seen } from '../patterns/anticipate/learner.ts';
import { Breaker } from '../session/breaker.ts';
import { Cancels } from '../session/cancels.ts';
import { GuardQueue } from '../session/guard-queue.ts';
import { fatalCodes } from '../session/last-word.ts';
import { problemOf } from '../session/problem.ts';
import type { FindingEvent, SessionOptions, SharedState } from '../session/types.ts';
import { loadWitnesses } from '../sql/witness/load.ts';
import { Certificates, type Certified } from './certificates.ts';
import { channelBindingWarning, mayBreakChannelBinding } from './channel-binding.ts';
import { mysql } from './mysql.ts';
import { createPasswordKeys } from './password-keys.ts';
import { postgres } from './postgres.ts';
import { Proxy } from './server.ts';
import { ClientTls, ServerTls } from './tls.ts';
import type { ConnectionInfo, ListenerOptions, Observer } from './types.ts';

const socketWarning =
  "on a socket the server sees Interlock's own system user: an account with peer, auth_socket or unix_socket is open to every client of this listener";

/** Different findings whose statements are kept, masked. */
const keptSamples = 200;

export interface Running {
  /** Stops accepting, lets transactions finish, ends the rest after the drain timeout. */
  drain(): Promise<void>;
  /** Ends everything now. */
  abort(): void;
  /** Reads the certificates anew, for connections to come. */
  reload(): void;
  /** The rules of a configuration that was read anew. Sessions go over to them between two transactions. */
  exchangeRules(loaded: Loaded): void;
  readonly reloads: ReloadMetrics;
}

/** Other processes that serve the same listeners, as far as this one has to know of them. */
export interface Siblings {
  /** Their client connections, all or those of one address; a moment old. */
  connections(client?: string): number;
  /** How many there are here now, and how many of this client. */
  ownConnections(count: number, client: string, its: number): void;
  finding(entry: FindingEntry): void;
  learned(seen: Seen): void;
  listening(listener: string, address: string, port: number | undefined): void;
  /** A cancel request for a session that is not here. */
  cancel(key: string): void;
  /** Set by run(): such a request that came to one of them. */
  onCancel: ((key: string) => void) | undefined;
  /** Set by run(). */
  registry: Metrics['registry'] | undefined;
}

export interface RunOptions extends Pick<SessionOptions, 'recorder'> {
  siblings?: Siblings;
}

/** Resolves when everything listens. @throws when an address cannot be listened on; then nothing is left open */
export async function run(
  config: Config,
  log: Log,
  { siblings, ...options }: RunOptions = {},
): Promise<Running> {
  const speaksMysql = config.listeners.some(({ protocol }) => protocol === 'mysql');
  const passwords = speaksMysql ? createPasswordKeys() : undefined;
  const witness = await loadWitnesses(config.listeners.map(({ protocol }) => protocol));
  // Of a worker they go to the primary.
  const wanted = config.admin !== undefined || siblings !== undefined;
  const samples = wanted ? new Samples(keptSamples, witness) : undefined;
  const learner = config.learn && new Learner(config.learn, siblings && ((seen) => siblings.learned(seen)));
  const shared: SharedState = {
    witness,
    findings: samples,
    facts: new FactsCache({ ...defaultFactsCacheLimits, lifetime: config.factsLifetime }),
    guards: new GuardQueue(),
    breaker: new Breaker(config.breaker),
    looks: new Breaker(config.breaker),
    cancels: new Cancels(siblings && ((key) => siblings.cancel(key))),
    memory: new Budget(config.memoryBytes),
    learner,
  };
  const rules = new LiveRules(config.ruleSet);
  let inUse = config.rules;
  const sessions = { ...options, rules, limits: config.sessionLimits, shared };
  const protocols = {
    postgres: postgres(sessions),
    mysql: mysql({ ...sessions, passwords: await passwords }),
  };
  const findings = new Findings(
    config.admin?.findings ?? 0,
    siblings && ((entry) => siblings.finding(entry)),
  );
  // The observer and the metrics need the proxy and the other way round; nothing happens before start().
  const source = {
    counters: () => proxy.counters(),
    get sessions() {
      return proxy.sessions;
    },
    clients: (address: string) => proxy.clients(address),
    get sessionsTotal() {
      return proxy.sessionsTotal;
    },
    get guardsWaiting() {
      return shared.guards.waiting;
    },
    breakers: () => shared.breaker.states(),
    get memoryUsed() {
      return shared.memory.used;
    },
  };
  const metrics = new Metrics(source);
  // Where there are several processes, the primary reads the rules.
  const reloads = new ReloadMetrics(siblings === undefined ? metrics.registry : new Registry());
  const observer = observe(log, metrics, findings, samples);
  if (siblings !== undefined) {
    siblings.onCancel = (key) => shared.cancels.requestedElsewhere(key);
    siblings.registry = metrics.registry;
    joinSiblings(observer, siblings, source);
  }
  const listeners = config.listeners.map(({ name, listen, server, protocol, tls, serverTls }) => ({
    name,
    listen,
    server,
    protocol: protocols[protocol],
    tls: tls && new ClientTls(tls, protocols[protocol].alpn),
    serverTls: new ServerTls(serverTls),
  }));
  const certificates = new Certificates(listeners.flatMap(certified), (...what) =>
    observer.certificatesReloaded(...what),
  );
  const elsewhere = (client?: string) => siblings?.connections(client) ?? 0;
  const proxy: Proxy = new Proxy({ listeners, limits: config.proxyLimits, observer, elsewhere });
  for (const listener of config.listeners) {
    const { name, server } = listener;
    if ('path' in server) log.warn({ listener: name, server: shown(server) }, socketWarning);
    if (mayBreakChannelBinding(listener)) log.warn({ listener: name }, channelBindingWarning);
  }
  let ready = false;
  const admin =
    config.admin &&
    new AdminServer({
      ...config.admin,
      findings,
      suggestions: learner && (() => suggestionsOf(learner)),
      metrics: metrics.registry,
      rules: () => inUse,
      ready: () => ready && !proxy.draining,
    });
  try {
    if (admin !== undefined) {
      const { address, port } = await admin.start();
      log.info({ address, port }, 'admin listening');
    }
    await proxy.start();
  } catch (error) {
    admin?.stop();
    throw error;
  }
  ready = true;
  certificates.watch();
  return {
    async drain() {
      certificates.stop();
      await proxy.drain();
      admin?.stop();
    },
    abort() {
      certificates.stop();
      proxy.abort();
      admin?.stop();
    },
    reload: () => certificates.reload(),
    exchangeRules({ config: next }) {
      rules.exchange(next.ruleSet);
      inUse = next.rules;
      shared.breaker.keep(new Set(next.rules.map(({ id }) => id)));
    },
    reloads,
  };
}

function certified({ name: listener, tls, serverTls }: ListenerOptions): Certified[] {
  const legs = [
    { listener, side: 'server' as const, files: serverTls.config.files, reload: () => serverTls.reload() },
  ];
  if (tls === undefined) return legs;
  return [...legs, { listener, side: 'client', files: tls.config.files, reload: () => tls.reload() }];
}

function observe(log: Log, metrics: Metrics, findings: Findings, samples: Samples | undefined): Observer {
  const who = ({ id, listener, user, database, application }: ConnectionInfo) => ({
    session: id,
    listener,
    ...(user !== '' && { user, database, application }),
  });
  return {
    listening: (listener, address, port) => log.info({ listener, address, port }, 'listening'),
    opened: (info) => log.debug({ session: info.id, listener: info.listener, client: info.client }, 'opened'),
    closed: (info, session) => log.debug({ ...who(info), ...session.counters }, 'closed'),
    event(info, exact) {
      metrics.event(exact);
      const event = exact.type === 'finding' ? rounded(exact) : exact;
      const from = event.type === 'log-in-refused' ? { client: info.client } : {};
      logEvent(log, { ...who(info), ...from }, event);
      if (event.type !== 'finding' || exact.type !== 'finding') return;
      const { type: _, ...fields } = event;
      const { listener, database, application } = info;
      const time = new Date().toISOString();
      findings.add({ time, listener, database, application, ...fields, ...samples?.of(exact) });
    },
    refused(info, code, message, limit) {
      metrics.refused(code);
      if (limit !== undefined) metrics.limitReached(limit);
      const expected = code === fatalCodes.shutdown || code === fatalCodes.idleTimeout;
      const level = expected ? 'debug' : 'warn';
      log[level](
        { ...who(info), client: info.client, code, problem: message },
        'connection refused or ended',
      );
    },
    dropped(listener, client, limit) {
      metrics.limitReached(limit);
      log.debug({ listener, client, limit }, 'far over the limit: connection dropped');
    },
    abandoned(info) {
      metrics.abandoned();
      log.debug({ ...who(info), client: info.client }, 'the client left before it logged in');
    },
    tlsFailed(info, side, why) {
      metrics.tlsFailed(side);
      log.warn({ ...who(info), client: info.client, side, problem: why }, 'TLS handshake failed');
    },
    certificatesReloaded(listener, side, problem) {
      metrics.certificatesReloaded(problem === undefined);
      if (problem === undefined) log.info({ listener, side }, 'certificates read anew');
      else log.error({ listener, side, problem }, 'certificates not read: the old ones stay in use');
    },
    crashed(info, error) {
      metrics.crashed();
      log.error({ ...who(info), problem: problemOf(error) }, 'defect: connection ended');
    },
  };
}

/** What is told once for all processes goes to the primary; the rest is each one's own. */
function joinSiblings(
  observer: Observer,
  siblings: Siblings,
  source: { readonly sessions: number; clients(address: string): number },
): void {
  const alone = { ...observer };
  const count = ({ client }: ConnectionInfo) =>
    siblings.ownConnections(source.sessions, client, source.clients(client));
  observer.listening = (listener, address, port) => siblings.listening(listener, address, port);
  observer.opened = (info) => {
    count(info);
    alone.opened(info);
  };
  observer.closed = (info, session) => {
    count(info);
    alone.closed(info, session);
  };
}

/** Durations to a tenth of a millisecond: people read them. */
function rounded(event: FindingEvent): FindingEvent {
  const tenth = (ms: number) => Math.round(ms * 10) / 10;
  return {
    ...event,
    ...(event.guardWaitMs !== undefined && { guardWaitMs: tenth(event.guardWaitMs) }),
    ...(event.durationMs !== undefined && { durationMs: tenth(event.durationMs) }),
  };
}
