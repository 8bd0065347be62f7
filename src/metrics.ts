/**
 * The metrics, in Prometheus' format. Public API: names and labels are stable.
 *
 * | name | labels | what |
 * |---|---|---|
 * | `interlock_statements_total` | outcome: forwarded, rewritten, refused | statements; each is in exactly one outcome |
 * | `interlock_statements_inspected_total` | | statements whose text was looked at |
 * | `interlock_findings_total` | pattern, rule, decision, reason | patterns seen, and what was done (observed, rewritten, guarded, refused, fell-back, passed-on); reason is '' unless refused |
 * | `interlock_sessions` | | client connections open now |
 * | `interlock_sessions_total` | | client connections accepted |
 * | `interlock_raw_relay_sessions_total` | why | sessions that are relayed without being looked at |
 * | `interlock_connections_refused_total` | code | connections ended with an error of Interlock's own, by SQLSTATE |
 * | `interlock_limits_reached_total` | limit | sessions and connections that reached a limit of the configuration, by its key; each counts once a limit |
 * | `interlock_memory_bytes` | | what all sessions remember now, see limits.memory_bytes |
 * | `interlock_logins_abandoned_total` | | MySQL clients that left before they logged in (TCP probes); the server is given a log-in that fails, so that it does not count them (max_connect_errors) |
 * | `interlock_logins_refused_total` | code: SQLSTATE, error number | log-ins that a server refused: a wrong password, no such database, too many connections, a blocked address (1129) |
 * | `interlock_tls_failures_total` | side: client, server | TLS handshakes that failed; those with a server that was then connected to plain (prefer) are not among them |
 * | `interlock_tls_reloads_total` | outcome: done, failed | certificates of a leg read anew; failed: the old ones stay in use |
 * | `interlock_rules_reloads_total` | outcome: done, failed | rules read anew; failed: the old ones stay in use |
 * | `interlock_rules_last_reload_successful` | | 0: what the files say now cannot be used |
 * | `interlock_rules_loaded_timestamp_seconds` | | when the rules in use were read, in Unix time |
 * | `interlock_guard_total` | outcome: had, not-had, none | guards of executed plans, those that were anticipated included |
 * | `interlock_guard_wait_seconds` | | how long plans waited for their guard |
 * | `interlock_guard_waiting` | | sessions that wait for a guard now |
 * | `interlock_breaker_state` | rule | 0: closed, the rule rewrites. 1: open, it observes. 2: half-open, one rewrite is tried |
 * | `interlock_evidence_total` | rule, kind: missed, wrongly-deleted, lost-update | rows by which a race has shown, see docs/evidence.md |
 * | `interlock_evidence_looks_total` | rule, outcome: asked, not-asked, reason | findings of rules with `evidence` around which was looked, or why not |
 * | `interlock_plan_seconds` | pattern | time added by a plan, guard wait included |
 * | `interlock_protocol_errors_total` | side: client, server | connections ended by impossible bytes |
 * | `interlock_problems_total` | | defects that were contained: a statement or session left alone |
 * | `interlock_workers` | | worker processes that run now; only where there are several |
 * | `interlock_worker_restarts_total` | | workers that ended unasked and were replaced; what they had counted is gone |
 *
 * Statement counters live in the sessions as plain numbers and are summed when somebody collects, so that a statement
 * costs no metric. Everything else is counted when its event comes.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Evidence } from './patterns/evidence.ts';
import type { BreakerState } from './session/breaker.ts';
import type { FindingEvent, SessionCounters, SessionEvent, Side } from './session/types.ts';

/** Read at collection. */
export interface MetricsSource {
  counters(): SessionCounters;
  readonly sessions: number;
  readonly sessionsTotal: number;
  readonly guardsWaiting: number;
  readonly memoryUsed: number;
  /** By rule. */
  breakers(): Map<string, BreakerState>;
}

const seconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

const breakerStates: readonly BreakerState[] = ['closed', 'open', 'half-open'];

export class Metrics {
  readonly registry = new Registry();
  readonly #findings = this.#counter('interlock_findings_total', 'Patterns seen, and what was done.', [
    'pattern',
    'rule',
    'decision',
    'reason',
  ]);
  readonly #raw = this.#counter(
    'interlock_raw_relay_sessions_total',
    'Sessions relayed without being looked at.',
    ['why'],
  );
  readonly #refused = this.#counter(
    'interlock_connections_refused_total',
    "Connections ended with an error of Interlock's own.",
    ['code'],
  );
  readonly #limits = this.#counter(
    'interlock_limits_reached_total',
    'Sessions and connections that reached a limit of the configuration.',
    ['limit'],
  );
  readonly #abandoned = this.#counter(
    'interlock_logins_abandoned_total',
    'MySQL clients that left before they were logged in.',
    [],
  );
  readonly #logInsRefused = this.#counter(
    'interlock_logins_refused_total',
    'Log-ins that a server refused.',
    ['code'],
  );
  readonly #tlsFailures = this.#counter('interlock_tls_failures_total', 'TLS handshakes that failed.', [
    'side',
  ]);
  readonly #tlsReloads = this.#counter('interlock_tls_reloads_total', 'Certificates read anew.', ['outcome']);
  readonly #guards = this.#counter('interlock_guard_total', 'Guards of executed plans.', ['outcome']);
  readonly #evidence = this.#counter('interlock_evidence_total', 'Rows by which a race has shown.', [
    'rule',
    'kind',
  ]);
  readonly #looks = this.#counter(
    'interlock_evidence_looks_total',
    'Findings around which was looked for evidence, or why not.',
    ['rule', 'outcome', 'reason'],
  );
  readonly #errors = this.#counter(
    'interlock_protocol_errors_total',
    'Connections ended by impossible bytes.',
    ['side'],
  );
  readonly #problems = this.#counter('interlock_problems_total', 'Defects that were contained.', []);
  readonly #guardWait = this.#histogram(
    'interlock_guard_wait_seconds',
    'How long plans waited for their guard.',
    [],
  );
  readonly #plan = this.#histogram('interlock_plan_seconds', 'Time added by a plan, guard wait included.', [
    'pattern',
  ]);

  constructor(source: MetricsSource) {
    const registers = [this.registry];
    const counters = () => source.counters();
    this.#collected(
      'interlock_statements_total',
      'Statements, each in exactly one outcome.',
      ['outcome'],
      (counter) => {
        const { forwarded, rewritten, refused } = counters();
        for (const [outcome, count] of Object.entries({ forwarded, rewritten, refused }))
          counter.inc({ outcome }, count);
      },
    );
    this.#collected(
      'interlock_statements_inspected_total',
      'Statements whose text was looked at.',
      [],
      (counter) => counter.inc(counters().inspected),
    );
    this.#collected('interlock_sessions_total', 'Client connections accepted.', [], (counter) =>
      counter.inc(source.sessionsTotal),
    );
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge('interlock_sessions', 'Client connections open now.', () => source.sessions);
    gauge('interlock_memory_bytes', 'What all sessions remember now.', () => source.memoryUsed);
    gauge('interlock_guard_waiting', 'Sessions that wait for a guard now.', () => source.guardsWaiting);
    new Gauge({
      name: 'interlock_breaker_state',
      help: '0: closed, 1: open, 2: half-open.',
      // Of the workers, where there are several: each has its own.
      aggregator: 'max',
      labelNames: ['rule'],
      registers,
      collect() {
        this.reset();
        for (const [rule, state] of source.breakers()) this.set({ rule }, breakerStates.indexOf(state));
      },
    });
    for (const side of ['client', 'server']) {
      this.#errors.inc({ side }, 0);
      this.#tlsFailures.inc({ side }, 0);
    }
    collectDefaultMetrics({ register: this.registry });
  }

  event(event: SessionEvent): void {
    if (event.type === 'finding') this.#finding(event);
    else if (event.type === 'evidence') this.#looked(event.rule, event.evidence);
    else if (event.type === 'raw-relay') this.#raw.inc({ why: event.why });
    else if (event.type === 'protocol-error') this.#errors.inc({ side: event.side });
    else if (event.type === 'refused') this.#refused.inc({ code: event.code });
    else if (event.type === 'limit') this.#limits.inc({ limit: event.limit });
    else if (event.type === 'problem') this.#problems.inc();
    else if (event.type === 'log-in-refused') this.#logInsRefused.inc({ code: event.code });
  }

  /** A limit of connections or of time. */
  limitReached(limit: string): void {
    this.#limits.inc({ limit });
  }

  /** The proxy ended a connection with an error of its own. */
  refused(code: string): void {
    this.#refused.inc({ code });
  }

  abandoned(): void {
    this.#abandoned.inc();
  }

  tlsFailed(side: Side): void {
    this.#tlsFailures.inc({ side });
  }

  certificatesReloaded(done: boolean): void {
    this.#tlsReloads.inc({ outcome: done ? 'done' : 'failed' });
  }

  /** A session threw. */
  crashed(): void {
    this.#problems.inc();
  }

  #finding(event: FindingEvent): void {
    const { pattern, rule, decision, reason = '' } = event;
    this.#findings.inc({ pattern, rule, decision, reason });
    if (event.evidence !== undefined) this.#looked(rule, event.evidence);
    if (event.guard !== undefined) this.#guards.inc({ outcome: event.guard });
    if (event.guardWaitMs !== undefined) this.#guardWait.observe(event.guardWaitMs / 1000);
    if (event.durationMs !== undefined) this.#plan.observe({ pattern }, event.durationMs / 1000);
  }

  #looked(rule: string, evidence: Evidence): void {
    if ('reason' in evidence) return this.#looks.inc({ rule, outcome: 'not-asked', reason: evidence.reason });
    this.#looks.inc({ rule, outcome: 'asked', reason: '' });
    // A zero is an answer as well.
    for (const [kind, rows] of Object.entries(evidence.rows)) this.#evidence.inc({ rule, kind }, rows);
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets: seconds, registers: [this.registry] });
  }

  /** A counter whose truth is elsewhere. */
  #collected<L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    fill: (counter: Counter<L>) => void,
  ): void {
    new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        fill(this);
      },
    });
  }
}

/** Of the process that reads the rules, which is one also where there are several workers. */
export class ReloadMetrics {
  readonly #total: Counter<'outcome'>;
  readonly #successful: Gauge;
  readonly #loaded: Gauge;

  /** Rules have just been loaded. */
  constructor(registry: Registry) {
    const registers = [registry];
    this.#total = new Counter({
      name: 'interlock_rules_reloads_total',
      help: 'Rules read anew.',
      labelNames: ['outcome'],
      registers,
    });
    this.#successful = new Gauge({
      name: 'interlock_rules_last_reload_successful',
      help: '0: what the files say now cannot be used.',
      registers,
    });
    this.#loaded = new Gauge({
      name: 'interlock_rules_loaded_timestamp_seconds',
      help: 'When the rules in use were read.',
      registers,
    });
    for (const outcome of ['done', 'failed']) this.#total.inc({ outcome }, 0);
    this.#successful.set(1);
    this.#loaded.setToCurrentTime();
  }

  reloaded(done: boolean): void {
    this.#total.inc({ outcome: done ? 'done' : 'failed' });
    this.#successful.set(done ? 1 : 0);
    if (done) this.#loaded.setToCurrentTime();
  }
}
