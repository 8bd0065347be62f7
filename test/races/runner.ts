/** Runs one schedule in a database and says what came of it: the harness of src/demo/schedule.ts with the applications of the tickets. */
import pg from 'pg';
import type { Isolation, Protocol } from '../../src/demo/app-session.ts';
import {
  Observer,
  runSchedule,
  verdict,
  waits,
  type Actor,
  type StepRecord,
} from '../../src/demo/schedule.ts';
import { outsider, splitDeleter, splitDeleteRows, splitDeleteTables } from '../../src/demo/split-delete.ts';
import { pageRows, pageTables, updater } from '../../src/demo/update-or-create.ts';
import type { Proxy } from '../support/proxy.ts';
import type { Outcome, SplitDeleteSchedule, UpdateOrCreateSchedule } from '../../src/verify/schedules.ts';

export interface Bench {
  /** Straight to the server. */
  direct: string;
  /** Where the sessions connect: the same, or through the proxy; or each somewhere else. */
  app: string | ((session: string) => string);
  protocol: Protocol;
  isolation: Isolation;
  /** Sessions that poll the guard, asked of the proxy. */
  guardWaiting?: () => Promise<number>;
  /** update_or_create: called behind a session's read of the row, before anybody goes on. */
  afterRead?: () => Promise<unknown>;
}

export interface Run extends Outcome {
  records: StepRecord[];
  /** Steps that had to wait. */
  waited: string[];
  /** Texts that each session sent. */
  sent: Record<string, string[]>;
}

/** A connection for set-up and for looking at the result. Statements of one call run one by one. */
export async function ask<Row extends pg.QueryResultRow>(
  url: string,
  statements: readonly string[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'setup' });
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const text of statements) rows = (await client.query<Row>(text)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

export const createTables = (url: string): Promise<unknown> =>
  ask(url, [...splitDeleteTables, ...pageTables]);

/** Session names of a schedule, in the order in which they appear. */
const namesIn = (order: string): string[] => [
  ...new Set(order.split(/\s+/).map((step) => step.split('.')[0] ?? '')),
];

/** Sessions that wait for the guard in the proxies: polling it, or in the queue of their process. */
export async function guardWaiting(proxies: readonly Proxy[]): Promise<number> {
  const all = await Promise.all(proxies.map((proxy) => proxy.metrics()));
  return all.reduce((sum, metrics) => sum + (metrics.interlock_guard_waiting ?? 0), 0);
}

const appUrl = ({ app }: Bench, session: string): string => (typeof app === 'string' ? app : app(session));

async function play(bench: Bench, order: string, actors: Actor[]): Promise<StepRecord[]> {
  const observer = await Observer.connect(bench.direct, bench.guardWaiting);
  try {
    return await runSchedule(order, actors, observer);
  } finally {
    await Promise.all([observer.end(), ...actors.map((actor) => actor.end())]);
  }
}

const sentBy = (actors: Actor[]): Run['sent'] =>
  Object.fromEntries(actors.map((actor) => [actor.name, [...actor.sent]]));

export async function runSplitDelete(bench: Bench, schedule: SplitDeleteSchedule): Promise<Run> {
  await ask(bench.direct, splitDeleteRows[schedule.start]);
  const actors: Actor[] = [];
  for (const name of namesIn(schedule.order)) {
    // The outsider is another program: it does not go through the proxy.
    actors.push(
      name === 'X'
        ? await outsider(bench.direct, name, schedule.outsider ?? '')
        : await splitDeleter(appUrl(bench, name), name, bench.protocol, bench.isolation),
    );
  }
  const records = await play(bench, schedule.order, actors);
  const found = await ask<{ customer_id: number; product_id: number }>(bench.direct, [
    'SELECT customer_id, product_id FROM shop_cart ORDER BY 1, 2',
  ]);
  return {
    verdict: verdict(records),
    rows: found.map((row) => `${row.customer_id},${row.product_id}`).join(' '),
    records,
    waited: waits(records),
    sent: sentBy(actors),
  };
}

/** The actor, whose read ends when the bench says so. */
export function afterRead(actor: Actor, { afterRead: wait }: Pick<Bench, 'afterRead'>): Actor {
  const { G: read } = actor.steps;
  if (wait === undefined || read === undefined) return actor;
  const G = async (): Promise<string> => {
    const told = await read();
    if (told !== 'not sent') await wait();
    return told;
  };
  return { ...actor, steps: { ...actor.steps, G } };
}

export async function runUpdateOrCreate(bench: Bench, schedule: UpdateOrCreateSchedule): Promise<Run> {
  await ask(bench.direct, pageRows);
  const actors: Actor[] = [];
  for (const name of namesIn(schedule.order)) {
    actors.push(
      name === 'X'
        ? await outsider(bench.direct, name, schedule.outsider ?? '')
        : afterRead(await updater(appUrl(bench, name), name, bench.protocol, bench.isolation), bench),
    );
  }
  const records = await play(bench, schedule.order, actors);
  const found = await ask<{ path: string; hits: number }>(bench.direct, [
    'SELECT path, hits FROM shop_page ORDER BY 1',
  ]);
  return {
    verdict: verdict(records),
    rows: found.map((row) => `${row.path}=${row.hits}`).join(' '),
    records,
    waited: waits(records),
    sent: sentBy(actors),
  };
}

/** How many statements of that form the sessions sent, all together. */
export const sentLike = (sent: Run['sent'], form: RegExp): number =>
  Object.values(sent)
    .flat()
    .filter((text) => form.test(text)).length;
