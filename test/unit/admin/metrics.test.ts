import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { createLog, logEvent } from '../../../src/log.ts';
import { Metrics } from '../../../src/metrics.ts';
import type { FindingEvent } from '../../../src/session/types.ts';
import { WorkerMetrics } from '../../../src/workers/metrics.ts';

const finding: FindingEvent = {
  type: 'finding',
  pattern: 'split-delete',
  rule: 'django/split-delete',
  mode: 'rewrite',
  decision: 'rewritten',
  fingerprint: 'f',
  table: 'cart',
  rows: 3,
  guard: 'had',
  guardWaitMs: 20,
  durationMs: 30,
};

function metrics() {
  const source = {
    counters: () => ({ forwarded: 5, rewritten: 2, refused: 1, inspected: 4 }),
    sessions: 3,
    sessionsTotal: 9,
    guardsWaiting: 1,
    breakers: () => new Map([['django/split-delete', 'open' as const]]),
    memoryUsed: 77,
  };
  return { source, metrics: new Metrics(source) };
}
const text = async (from: Metrics) => (await from.registry.metrics()).split('\n');

test('counters of sessions are read at each collection and never add up twice', async () => {
  const { metrics: m, source } = metrics();
  await text(m);
  const lines = await text(m);
  expect(lines).toContain('interlock_statements_total{outcome="forwarded"} 5');
  expect(lines).toContain('interlock_statements_total{outcome="rewritten"} 2');
  expect(lines).toContain('interlock_statements_total{outcome="refused"} 1');
  expect(lines).toContain('interlock_statements_inspected_total 4');
  expect(lines).toContain('interlock_sessions 3');
  expect(lines).toContain('interlock_sessions_total 9');
  expect(lines).toContain('interlock_guard_waiting 1');
  expect(lines).toContain('interlock_breaker_state{rule="django/split-delete"} 1');
  expect(lines).toContain('interlock_memory_bytes 77');
  source.sessions = 2;
  expect(await text(m)).toContain('interlock_sessions 2');
});

test('events', async () => {
  const { metrics: m } = metrics();
  m.event(finding);
  m.event({ ...finding, decision: 'refused', reason: 'no-join', guard: 'not-had' });
  m.event({ type: 'raw-relay', why: 'replication' });
  m.event({ type: 'protocol-error', side: 'client', message: 'x' });
  m.event({ type: 'problem', fingerprint: 'f', message: 'x' });
  m.event({ type: 'limit', limit: 'memory_bytes' });
  m.refused('53300');
  const lines = await text(m);
  expect(lines).toContain(
    'interlock_findings_total{pattern="split-delete",rule="django/split-delete",decision="rewritten",reason=""} 1',
  );
  expect(lines).toContain(
    'interlock_findings_total{pattern="split-delete",rule="django/split-delete",decision="refused",reason="no-join"} 1',
  );
  expect(lines).toContain('interlock_guard_total{outcome="had"} 1');
  expect(lines).toContain('interlock_guard_total{outcome="not-had"} 1');
  expect(lines).toContain('interlock_guard_wait_seconds_sum 0.04');
  expect(lines).toContain('interlock_plan_seconds_count{pattern="split-delete"} 2');
  expect(lines).toContain('interlock_raw_relay_sessions_total{why="replication"} 1');
  expect(lines).toContain('interlock_protocol_errors_total{side="client"} 1');
  expect(lines).toContain('interlock_protocol_errors_total{side="server"} 0');
  expect(lines).toContain('interlock_problems_total 1');
  expect(lines).toContain('interlock_connections_refused_total{code="53300"} 1');
});

test('the table in the file names exactly the metrics there are', async () => {
  const { metrics: m } = metrics();
  const ofWorkers = (await new WorkerMetrics(async () => []).metrics()).matchAll(/^# TYPE (\w+)/gm);
  const ours = [
    ...m.registry.getMetricsAsArray().map(({ name }) => name),
    ...[...ofWorkers].map(([, name]) => name),
  ].filter((name) => name?.startsWith('interlock_'));
  const source = readFileSync(new URL('../../../src/metrics.ts', import.meta.url), 'utf8');
  const named = [...source.matchAll(/^ \* \| `(\w+)`/gm)].map((match) => match[1]);
  expect(new Set(named)).toEqual(new Set(ours));
  expect(named).toHaveLength(ours.length);
});

test('a finding is one line; a rewrite that did not work out is a warning', () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', {
    write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  logEvent(log, { session: 1, listener: 'main' }, finding);
  logEvent(log, { session: 1, listener: 'main' }, { ...finding, decision: 'fell-back', code: '55P03' });
  logEvent(log, { session: 1 }, { type: 'logged-in', user: 'u', database: 'd', application: 'a' });
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'info',
      msg: 'finding',
      session: 1,
      rule: 'django/split-delete',
      decision: 'rewritten',
      table: 'cart',
      rows: 3,
      guardWaitMs: 20,
      durationMs: 30,
    }),
    expect.objectContaining({ level: 'warn', msg: 'finding', decision: 'fell-back', code: '55P03' }),
  ]);
  expect(lines[0]).not.toHaveProperty('type');
});
