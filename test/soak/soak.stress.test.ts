/**
 * Hours in a short time: mixed load on PostgreSQL 18 and MariaDB through the built proxy, with connects, kills and cancels.
 * No growth of memory or handles, and no error that the same load does not have directly. A few seconds of each; 30 minutes
 * with INTERLOCK_TEST_LONG=1, or as many as INTERLOCK_SOAK_MINUTES says.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableEngines, startMysql } from '../support/mysql.ts';
import { availableVersions, pointed, startPostgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { load, type Mix, type Pace, type Tally } from './load.ts';
import { mysqlMix, prepareMysql } from './mysql-mix.ts';
import { postgresMix, preparePostgres } from './postgres-mix.ts';
import { Watch } from './watch.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const minutes = Number(process.env['INTERLOCK_SOAK_MINUTES'] ?? (long ? 30 : 0));
/** Milliseconds. Directly the kinds of errors show early. */
const duration = { direct: minutes > 0 ? 60_000 : 3_000, proxied: minutes > 0 ? minutes * 60_000 : 8_000 };
const pace: Pace = { workers: 3, pause: minutes > 0 ? 100 : 5 };
const sampleEvery = minutes > 0 ? 15_000 : 400;

const MiB = 1024 * 1024;
/**
 * After the warm-up: what is in use after a collection at the lowest points (large rows on their way come and go), and
 * what the process holds of the system's memory. The few seconds of the short run are all warm-up: compiled code, caches.
 */
const growth = minutes > 0 ? { inUse: 2 * MiB, rss: 32 * MiB } : { inUse: 16 * MiB, rss: 64 * MiB };
/** More files than before the load that may be open behind it: the metrics' keep-alive connection. */
const spareFiles = 2;

interface Stage {
  /** postgres or mysql: name of the listener. */
  name: string;
  direct: string;
  mix: (url: string, direct: string) => Mix;
  stop: () => Promise<void>;
}

async function startStages(): Promise<Stage[]> {
  const stages: Stage[] = [];
  for (const version of availableVersions([18])) {
    const server = await startPostgres({ version, settings: { log_statement: 'none' } });
    const direct = pointed(server.url, { database: await server.newDatabase() });
    await preparePostgres(direct);
    stages.push({ name: 'postgres', direct, mix: postgresMix, stop: () => server.stop() });
  }
  for (const engine of await availableEngines(['mariadb-11.8'], { ownSettings: true })) {
    const server = await startMysql({ engine, settings: { general_log: 'OFF' } });
    const direct = server.url(undefined, undefined, await server.newDatabase());
    await prepareMysql(direct);
    stages.push({ name: 'mysql', direct, mix: mysqlMix, stop: () => server.stop() });
  }
  return stages;
}

/** Both protocols in one process. */
const configOf = (stages: Stage[]): string => `
listeners:
${stages.map(({ name, direct }) => `  - { name: ${name}, listen: '127.0.0.1:0', server: '${direct}' }`).join('\n')}
rules: { packs: [django], tables: ['shop_*'] }
`;

async function samplesUntil(watch: Watch, over: Promise<unknown>): Promise<void> {
  let going = true;
  void over.then(() => (going = false));
  while (going) {
    await watch.note();
    await delay(sampleEvery);
  }
}

/**
 * Split deletes that went out as they came, by reason, and those without a guard: their transactions, and the one that meets
 * theirs, can still lose the race.
 */
const unguarded = (metrics: Record<string, number>): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const [name, count] of Object.entries(metrics)) {
    const left =
      /^interlock_findings_total\{pattern="split-delete".*decision="(?!rewritten)(.*)",reason="(.*)"/.exec(
        name,
      );
    const why = name === 'interlock_guard_total{outcome="not-had"}' ? 'no guard' : left?.[2] || left?.[1];
    if (why !== undefined && count > 0) found[why] = (found[why] ?? 0) + count;
  }
  return found;
};

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);
const inMiB = ({ early, late }: { early: number; late: number }): string =>
  `${(early / MiB).toFixed(1)} -> ${(late / MiB).toFixed(1)} MiB`;

describe('mixed load', () => {
  let stages: Stage[] = [];
  let proxy: Proxy;
  let urls: Record<string, string> = {};
  beforeAll(async () => {
    stages = await startStages();
    const probe = new URL('probe.mjs', import.meta.url).href;
    proxy = await startInterlock({
      server: stages[0]?.direct ?? '',
      config: configOf(stages),
      env: { NODE_OPTIONS: `--import ${probe}` },
    });
    for (const { name, direct } of stages) {
      const { port } = await proxy.waitForLog(
        ({ msg, listener }) => msg === 'listening' && listener === name,
      );
      urls[name] = pointed(direct, { host: '127.0.0.1', port: Number(port) });
    }
  }, 180_000);
  afterAll(async () => {
    await proxy?.stop();
    for (const stage of stages) await stage.stop();
  });

  const everywhere = (milliseconds: number, url: (stage: Stage) => string): Promise<Tally[]> => {
    const until = delay(milliseconds);
    return Promise.all(stages.map((stage) => load(stage.mix(url(stage), stage.direct), pace, until)));
  };

  test(
    'no growth, and no error that the direct run does not have',
    async () => {
      const directly = await everywhere(duration.direct, ({ direct }) => direct);
      expect(directly.flatMap(({ wrong }) => wrong)).toEqual([]);
      const watch = new Watch(proxy);
      await proxy.metrics();
      const before = await watch.sample();
      const loaded = everywhere(duration.proxied, ({ name }) => urls[name] ?? '');
      await samplesUntil(watch, loaded);
      const tallies = await loaded;
      // Clients that were killed leave the proxy last.
      await expect
        .poll(async () => (await proxy.metrics())['interlock_sessions'], { timeout: 30_000 })
        .toBe(0);
      const after = await watch.sample();
      const metrics = await proxy.metrics();
      const trend = { inUse: watch.trend('inUse'), rss: watch.trend('rss') };
      const count = (name: string): number => metrics[`interlock_${name}`] ?? 0;
      const left = unguarded(metrics);
      const rewritten = count('statements_total{outcome="rewritten"}');
      console.log(
        `${duration.proxied / 1000} s: ${count('sessions_total')} sessions, ${count('statements_total')} statements, ` +
          `${rewritten} rewritten; in use ${inMiB(trend.inUse)}, rss ${inMiB(trend.rss)} (${watch.samples.length} samples), ` +
          `split deletes left alone or without guard ${JSON.stringify(left)}, files ${before.files} -> ${after.files}, handles ${before.handles} -> ${after.handles}`,
      );
      for (const [at, { name, mix }] of stages.entries()) {
        const [tally, direct] = [tallies[at] as Tally, directly[at] as Tally];
        console.log(
          `${name}: ${sum(tally.done)} acts, errors ${JSON.stringify(tally.errors)}, directly ${JSON.stringify(direct.errors)}`,
        );
        expect(tally.wrong).toEqual([]);
        expect(Object.keys(direct.errors)).toEqual(expect.arrayContaining(Object.keys(tally.errors)));
        for (const act of Object.keys(mix('', '').acts))
          expect(
            (tally.done[act] ?? 0) + (tally.errors[`${act}: connection gone`] ?? 0),
            act,
          ).toBeGreaterThan(0);
      }
      // A race that is lost all the same has a named cause. One such delete fails itself, or the one that waits for it, or both.
      const lost = tallies.flatMap(({ errors }) => [
        errors['split delete: 23505'],
        errors['split delete: 1062'],
      ]);
      expect(lost.reduce((n: number, one) => n + (one ?? 0), 0)).toBeLessThanOrEqual(2 * sum(left));
      expect(rewritten).toBeGreaterThan(0);
      expect(count('protocol_errors_total')).toBe(0);
      expect(count('problems_total')).toBe(0);
      expect(count('raw_relay_sessions_total')).toBe(0);
      expect(count('guard_waiting')).toBe(0);
      expect(after.files ?? 0).toBeLessThanOrEqual((before.files ?? 0) + spareFiles);
      expect(after.handles).toBeLessThanOrEqual(before.handles + spareFiles);
      expect(trend.inUse.late - trend.inUse.early).toBeLessThan(growth.inUse);
      expect(trend.rss.late - trend.rss.early).toBeLessThan(growth.rss);
    },
    duration.direct + duration.proxied + 180_000,
  );
});
