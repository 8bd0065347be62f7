/** What the page shows of a moment: the counters that matter, by rule, and one point of the plots. */
import type { Rule } from '../patterns/rule.ts';
import { reasons, type Reason } from '../patterns/reasons.ts';
import type { Readings } from './readings.ts';

export interface RuleSummary {
  id: string;
  pattern: string;
  /** Undefined: no longer among the rules in use. */
  mode: Rule['mode'] | undefined;
  canary: number | undefined;
  findings: { decision: string; reason: string; count: number }[];
  /** As interlock_breaker_state. */
  breaker: number;
  evidence: { kind: string; count: number }[];
}

export interface Summary {
  /** Unix time in milliseconds. */
  time: number;
  ready: boolean;
  /** Metric, or one label of it -> value; see `shown`. */
  totals: Record<string, number>;
  rules: RuleSummary[];
  /** What the reasons among the findings mean. */
  reasons: Record<string, string>;
}

/** Names of the totals. One without a value does not exist in this process. */
const shown: Record<string, [metric: string, label?: string, value?: string]> = {
  sessions: ['interlock_sessions'],
  sessionsTotal: ['interlock_sessions_total'],
  forwarded: ['interlock_statements_total', 'outcome', 'forwarded'],
  rewritten: ['interlock_statements_total', 'outcome', 'rewritten'],
  refused: ['interlock_statements_total', 'outcome', 'refused'],
  rawRelay: ['interlock_raw_relay_sessions_total'],
  connectionsRefused: ['interlock_connections_refused_total'],
  problems: ['interlock_problems_total'],
  guardWaiting: ['interlock_guard_waiting'],
  memory: ['interlock_memory_bytes'],
  plans: ['interlock_plan_seconds_count'],
  planSeconds: ['interlock_plan_seconds_sum'],
  guardWaits: ['interlock_guard_wait_seconds_count'],
  guardWaitSeconds: ['interlock_guard_wait_seconds_sum'],
  cpuSeconds: ['process_cpu_seconds_total'],
  residentBytes: ['process_resident_memory_bytes'],
  workers: ['interlock_workers'],
  reloadSuccessful: ['interlock_rules_last_reload_successful'],
  rulesLoaded: ['interlock_rules_loaded_timestamp_seconds'],
};

export function summarize(readings: Readings, rules: readonly Rule[], ready: boolean, time: number): Summary {
  const totals: Record<string, number> = {};
  for (const [name, [metric, label, value]] of Object.entries(shown)) {
    const found = readings.sum(metric, label, value);
    if (found !== undefined) totals[name] = found;
  }
  const known = new Set(rules.map(({ id }) => id));
  const gone = new Map<string, string>();
  const seen = new Set<string>();
  for (const { labels } of readings.all('interlock_findings_total')) {
    const { rule, pattern, reason } = labels;
    if (!known.has(String(rule))) gone.set(String(rule), String(pattern));
    if (reason !== undefined && reason !== '') seen.add(String(reason));
  }
  return {
    time,
    ready,
    totals,
    rules: [
      ...rules.map((rule) => ruleSummary(readings, rule.id, rule.pattern, rule)),
      ...[...gone].map(([id, pattern]) => ruleSummary(readings, id, pattern, undefined)),
    ],
    reasons: Object.fromEntries([...seen].map((code) => [code, reasons[code as Reason]?.text ?? ''])),
  };
}

function ruleSummary(readings: Readings, id: string, pattern: string, rule: Rule | undefined): RuleSummary {
  const mine = (name: string) => readings.all(name).filter(({ labels }) => labels.rule === id);
  return {
    id,
    pattern,
    mode: rule?.mode,
    canary: rule?.canary,
    findings: mine('interlock_findings_total').map(({ labels, value }) => ({
      decision: String(labels.decision),
      reason: String(labels.reason ?? ''),
      count: value,
    })),
    breaker: readings.sum('interlock_breaker_state', 'rule', id) ?? 0,
    evidence: mine('interlock_evidence_total').map(({ labels, value }) => ({
      kind: String(labels.kind),
      count: value,
    })),
  };
}

/** What the plots are drawn from: the totals of a moment, in this order. */
export const plotted = [
  'sessions',
  'guardWaiting',
  'forwarded',
  'rewritten',
  'refused',
  'plans',
  'planSeconds',
  'cpuSeconds',
  'residentBytes',
] as const;

/** [Unix time in milliseconds, …plotted] */
export type Point = (number | null)[];

export function pointOf({ time, totals }: Summary): Point {
  return [time, ...plotted.map((name) => totals[name] ?? null)];
}
