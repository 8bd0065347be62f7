/** What the looks of a rule with `evidence: true` have to show of each schedule of a split delete, and how to ask the proxy. */
import { setTimeout as delay } from 'node:timers/promises';
import { splitDeleteSchedules } from '../../src/verify/schedules.ts';
import type { LogLine, Proxy } from '../support/proxy.ts';

export interface Shown {
  missed: number;
  wronglyDeleted: number;
}

/**
 * By schedule, over all of its sessions. Wrongly deleted is less than what happened in v2, where the change is not committed
 * when the look is sent: a look never says more than it saw.
 */
const shown: Record<string, Shown> = {
  i: { missed: 1, wronglyDeleted: 0 },
  ii: { missed: 1, wronglyDeleted: 0 },
  "ii'": { missed: 1, wronglyDeleted: 0 },
  'ii-low': { missed: 1, wronglyDeleted: 0 },
  iv: { missed: 2, wronglyDeleted: 0 },
  'iv-i': { missed: 2, wronglyDeleted: 0 },
  iii: { missed: 0, wronglyDeleted: 0 },
  v1: { missed: 0, wronglyDeleted: 1 },
  v2: { missed: 0, wronglyDeleted: 0 },
  v3: { missed: 0, wronglyDeleted: 1 },
  vi1: { missed: 1, wronglyDeleted: 0 },
  vi3: { missed: 1, wronglyDeleted: 0 },
  vi5: { missed: 1, wronglyDeleted: 0 },
};

/** In front of the DELETE only, what a rival has done and not committed cannot be seen. */
const uncommitted = new Set(['ii', "ii'", 'ii-low', 'iv']);

export function shownBy(id: string, looks: 'both' | 'in front'): Shown {
  const one = shown[id];
  if (one === undefined) throw new Error(`no expectation for schedule ${id}`);
  return looks === 'in front' && uncommitted.has(id) ? { ...one, missed: 0 } : one;
}

/** Updates that update_or_create loses, over all sessions; in c there is no row left to write. */
export const lostIn = (id: string): number => (id.startsWith('c') ? 0 : 1);

/** Schedules without a rival: nothing may be shown. */
export const quiet = splitDeleteSchedules
  .filter(({ id }) => id === 'i' || id === 'v1')
  .map((schedule) => ({ ...schedule, order: 'R1.B R1.S R1.D R1.I R1.C R2.B R2.S R2.D R2.I R2.C' }));

export const evidenceConfig = (
  server: string,
  more = '',
  mode: 'observe' | 'rewrite' = 'observe',
): string => `
listeners: [{name: main, listen: '127.0.0.1:0', server: '${server}'}]
rules:
  packs: []
  custom:
    - {id: watch, pattern: split-delete, mode: ${mode}, evidence: true, match: {tables: ['*']}}
    - {id: watch-reads, pattern: unlocked-read-after-unique-violation, mode: ${mode}, evidence: true}
${more}`;

/** The counters of the rule, from /metrics. */
export async function counted(proxy: Proxy): Promise<Shown> {
  const metrics = await proxy.metrics();
  const of = (kind: string): number => metrics[`interlock_evidence_total{rule="watch",kind="${kind}"}`] ?? 0;
  return { missed: of('missed'), wronglyDeleted: of('wrongly-deleted') };
}

export function sum(lines: readonly LogLine[]): Shown {
  const rows = lines.map((line) => (line.evidence as { rows?: Record<string, number> } | undefined)?.rows);
  const total = (kind: string): number => rows.reduce((all, one) => all + (one?.[kind] ?? 0), 0);
  return { missed: total('missed'), wronglyDeleted: total('wrongly-deleted') };
}

/** `observed asked`, `observed snapshot` … */
export const asked = (lines: readonly LogLine[]): string[] =>
  lines.map((line) => {
    const { reason = 'asked' } = (line.evidence ?? { reason: 'absent' }) as { reason?: string };
    return `${String(line.decision)} ${reason}`;
  });

/** So many UPDATEs were looked at since; fails when their log lines do not come. */
export class UpdateReader {
  private readonly proxy: Proxy;
  private seen: number;

  constructor(proxy: Proxy) {
    this.proxy = proxy;
    this.seen = this.lines().length;
  }

  private lines(): LogLine[] {
    return this.proxy.logs().filter(({ msg }) => msg === 'evidence');
  }

  /** Lost updates that `count` UPDATEs have shown. */
  async next(count: number): Promise<number> {
    const deadline = Date.now() + 5_000;
    while (this.lines().length < this.seen + count && Date.now() < deadline) await delay(5);
    const lines = this.lines().slice(this.seen);
    this.seen += lines.length;
    const told = lines.map((line) => line.evidence as { rows?: Record<string, number>; reason?: string });
    if (told.length !== count || told.some(({ reason }) => reason !== undefined))
      throw new Error(`expected ${count} UPDATEs, not ${JSON.stringify(told)}`);
    return told.reduce((sum, { rows }) => sum + (rows?.['lost-update'] ?? 0), 0);
  }
}
