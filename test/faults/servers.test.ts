/**
 * Real servers, real drivers, and a broken network on both legs of the built proxy. Where nothing breaks off, everything is
 * as it is directly; where connections break off at any byte, drivers hear of it, the next connection works, and nothing
 * is left behind, in the proxy or at the server.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { Random } from '../fuzz/random.ts';
import { ask as askPostgres } from '../races/runner.ts';
import { load, type Mix, type Tally } from '../soak/load.ts';
import { mysqlMix, prepareMysql } from '../soak/mysql-mix.ts';
import { postgresMix, preparePostgres } from '../soak/postgres-mix.ts';
import { ask as askMysql, availableEngines, startMysql } from '../support/mysql.ts';
import { availableVersions, pointed, startPostgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { startGate, type Gate } from './gate.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const acts = long ? 100 : 12;
/** Bytes in one direction: log-ins break off as well as results. */
const breakAfter = 6_000;

interface Server {
  direct: string;
  mix: (url: string, direct: string) => Mix;
  /** Connections of clients that the server knows. */
  sessions: () => Promise<number>;
  stop: () => Promise<void>;
}

const starters: [string, () => Promise<Server>][] = [
  ...availableVersions([18]).map((version): [string, () => Promise<Server>] => [
    `PostgreSQL ${version}`,
    async () => {
      const server = await startPostgres({ version });
      const direct = pointed(server.url, { database: await server.newDatabase() });
      await preparePostgres(direct);
      const text = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;
      const sessions = async (): Promise<number> =>
        (await askPostgres<{ n: number }>(direct, [text]))[0]?.n ?? -1;
      return { direct, mix: postgresMix, sessions, stop: () => server.stop() };
    },
  ]),
  ...(await availableEngines(['mariadb-11.8'])).map((engine): [string, () => Promise<Server>] => [
    engine,
    async () => {
      // A log-in that breaks off counts against the proxy's address: max_connect_errors in a row block it.
      const server = await startMysql({ engine, settings: { max_connect_errors: '1000000' } });
      const direct = server.url(undefined, undefined, await server.newDatabase());
      await prepareMysql(direct);
      const text = `SELECT COUNT(*) AS n FROM information_schema.processlist WHERE host LIKE '%:%' AND id <> CONNECTION_ID()`;
      const sessions = async (): Promise<number> =>
        Number((await askMysql<{ n: number }>(direct, text))[0]?.n);
      return { direct, mix: mysqlMix, sessions, stop: () => server.stop() };
    },
  ]),
];

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** Some of the acts, so many in all. */
async function some(mix: Mix, names: readonly string[], count: number): Promise<Tally> {
  let enough: () => void = () => undefined;
  const until = new Promise<void>((resolve) => (enough = resolve));
  let begun = 0;
  const chosen = Object.entries(mix.acts)
    .filter(([name]) => names.includes(name))
    .map(([name, act]): [string, Mix['acts'][string]] => [
      name,
      (n, tally) => {
        begun += 1;
        if (begun >= count) enough();
        return act(n, tally);
      },
    ]);
  return load({ ...mix, acts: Object.fromEntries(chosen) }, { workers: 3, pause: 0 }, until);
}

describe.each(starters)('%s behind a broken network', (_, start) => {
  test(
    'cut into odd chunks everything is as it is; broken off, nothing is left behind',
    async () => {
      const server = await start();
      ends.push(() => server.stop());
      const { hostname, port } = new URL(server.direct);
      const random = new Random(1);
      const far = await startGate({ host: hostname, port: Number(port) }, random);
      const proxy = await startInterlock({
        server: pointed(server.direct, { host: '127.0.0.1', port: far.port }),
        rules: ['django'],
        tables: ['shop_*'],
      });
      const near = await startGate({ host: '127.0.0.1', port: proxy.port }, random);
      const gates: Gate[] = [near, far];
      ends.push(
        () => far.close(),
        () => proxy.stop(),
        () => near.close(),
      );
      const through = server.mix(
        pointed(server.direct, { host: '127.0.0.1', port: near.port }),
        server.direct,
      );
      const names = [
        'queries',
        'transaction',
        'largeRows',
        'splitDelete',
        'updateOrCreate',
        'noSuchDatabase',
      ];

      const whole = await some(through, names, acts);
      expect({ wrong: whole.wrong, errors: besideRaces(whole) }).toEqual({ wrong: [], errors: [] });
      // A race that is lost all the same has waited longer than guard_wait, or for its DELETE longer than the window.
      if (Object.keys(whole.errors).length > 0) expect(await tooLate(proxy)).toBeGreaterThan(0);
      expect((await proxy.metrics())['interlock_statements_total{outcome="rewritten"}']).toBeGreaterThan(0);

      for (const gate of gates) gate.breakAfter = breakAfter;
      const broken = await some(through, ['queries', 'transaction', 'noSuchDatabase'], 2 * acts);
      for (const gate of gates) gate.breakAfter = 0;
      expect(near.broken).toBeGreaterThan(0);
      expect(far.broken).toBeGreaterThan(0);
      expect(broken.wrong.filter((text) => !isGone(text))).toEqual([]);
      expect(Object.keys(broken.errors).filter((text) => !isGone(text))).toEqual([]);

      const again = await some(through, names, names.length);
      expect({ wrong: again.wrong, errors: besideRaces(again) }).toEqual({ wrong: [], errors: [] });
      await expect
        .poll(async () => (await proxy.metrics())['interlock_sessions'], { timeout: 30_000 })
        .toBe(0);
      await expect.poll(server.sessions, { timeout: 30_000 }).toBe(0);
      expect((await proxy.metrics())['interlock_problems_total'] ?? 0).toBe(0);
    },
    long ? 900_000 : 120_000,
  );
});

/** Errors other than the unique violation of a split delete. */
const besideRaces = ({ errors }: Tally): string[] =>
  Object.keys(errors).filter((key) => !/^split delete: (23505|1062)$/.test(key));

/** Rewrites without a guard, and deletes that were left alone because their SELECT was too long ago. */
async function tooLate(proxy: Proxy): Promise<number> {
  const metrics = Object.entries(await proxy.metrics());
  const late = metrics.filter(([name]) =>
    /guard_total\{outcome="not-had"|findings_total\{.*reason="window"/.test(name),
  );
  return late.reduce((sum, [, count]) => sum + count, 0);
}

/** How drivers, servers and the proxy (08001, 08006, 1158, 1429) say that a connection is gone; a driver's own texts have no code. */
function isGone(text: string): boolean {
  return /connection gone|ECONNRESET|EPIPE|PROTOCOL_CONNECTION_LOST|Connection terminated|08006|08001|1158|1159|1429|closed state|not queryable|socket has been ended/i.test(
    text,
  );
}
