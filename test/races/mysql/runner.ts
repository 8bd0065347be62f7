/** Runs one schedule on MySQL or MariaDB and says what came of it: the harness of src/demo/schedule.ts with the applications beside it. */
import { runSchedule, verdict, waits, type Actor, type StepRecord } from '../../../src/demo/schedule.ts';
import { ask } from '../../support/mysql.ts';
import { afterRead } from '../runner.ts';
import type { Outcome } from '../../../src/verify/schedules.ts';
import { MysqlObserver } from '../../../src/verify/mysql/observer.ts';
import type { Isolation, Protocol } from '../../../src/verify/mysql/session.ts';
import {
  cartRows,
  outsider,
  splitDeleter,
  splitDeleteTables,
} from '../../../src/verify/mysql/split-delete.ts';
import { pageRows, pageTables, updater } from './update-or-create.ts';

export interface Bench {
  /** Straight to the server. */
  direct: string;
  /** Where the sessions connect: the same, or through the proxy. */
  app: string;
  protocol: Protocol;
  isolation: Isolation;
  /** Sessions that poll the guard, asked of the proxy. */
  guardWaiting?: () => Promise<number>;
  /** update_or_create: called behind a session's read of the row, before anybody goes on. */
  afterRead?: () => Promise<unknown>;
}

export interface Run extends Outcome {
  records: StepRecord[];
  /** Steps that had to wait. Undefined after a deadlock: how far the others get until the server resolves it is chance. */
  waited: string[] | undefined;
  /** Texts that each session sent. */
  sent: Record<string, string[]>;
}

export interface Schedule {
  order: string;
  /** Statement of the outsider X. */
  outsider?: string;
}

export const createTables = (url: string): Promise<unknown> => ask(url, ...splitDeleteTables, ...pageTables);

/** Session names of a schedule, in the order in which they appear. */
const namesIn = (order: string): string[] => [
  ...new Set(order.split(/\s+/).map((step) => step.split('.')[0] ?? '')),
];

async function play(
  bench: Bench,
  { order, outsider: statement }: Schedule,
  connect: (name: string) => Promise<Actor>,
): Promise<Omit<Run, 'rows'>> {
  const actors: Actor[] = [];
  // The outsider is another program: it does not go through the proxy.
  for (const name of namesIn(order))
    actors.push(name === 'X' ? await outsider(bench.direct, name, statement ?? '') : await connect(name));
  const observer = await MysqlObserver.connect(bench.direct, bench.guardWaiting);
  try {
    const records = await runSchedule(order, actors, observer);
    const deadlock = records.some((record) => record.error === '1213');
    return {
      verdict: verdict(records),
      records,
      waited: deadlock ? undefined : waits(records),
      sent: Object.fromEntries(actors.map((actor) => [actor.name, [...actor.sent]])),
    };
  } finally {
    await Promise.all([observer.end(), ...actors.map((actor) => actor.end())]);
  }
}

export async function runSplitDelete(
  bench: Bench,
  schedule: Schedule & { start: 'full' | 'empty' },
): Promise<Run> {
  await ask(bench.direct, ...cartRows(schedule.start));
  const run = await play(bench, schedule, (name) =>
    splitDeleter(bench.app, name, bench.protocol, bench.isolation),
  );
  const found = await ask<{ customer_id: number; product_id: number }>(
    bench.direct,
    'SELECT customer_id, product_id FROM shop_cart ORDER BY 1, 2',
  );
  return { ...run, rows: found.map((row) => `${row.customer_id},${row.product_id}`).join(' ') };
}

export async function runUpdateOrCreate(bench: Bench, schedule: Schedule): Promise<Run> {
  await ask(bench.direct, ...pageRows);
  const run = await play(bench, schedule, async (name) =>
    afterRead(await updater(bench.app, name, bench.protocol, bench.isolation), bench),
  );
  const found = await ask<{ path: string; hits: number }>(
    bench.direct,
    'SELECT path, hits FROM shop_page ORDER BY 1',
  );
  return { ...run, rows: found.map((row) => `${row.path}=${row.hits}`).join(' ') };
}
