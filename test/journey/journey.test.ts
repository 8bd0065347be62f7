/**
 * How an operator gets from a suspicion to a cure, with applications that nobody changes and two real ORMs: observe, see
 * by evidence that the race happens here, let a canary of the connections rewrite, let all of them rewrite, see by evidence
 * that it is over. Each step is a config file, `interlock check`, a SIGHUP, and a look at /metrics and /findings.
 *
 * The applications say themselves what the race has cost them. That is what the evidence is held against: it may know of
 * less, never of more.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { have } from '../clients/debian.ts';
import { runWell } from '../clients/tool.ts';
import { availableEngines, startMysql } from '../support/mysql.ts';
import { availableVersions, startPostgres } from '../support/postgres.ts';
import { Carts, type Served } from './carts.ts';
import { Operator } from './operator.ts';

interface Server {
  /** With user and database. */
  url: string;
  stop(): Promise<void>;
}

interface Engine {
  name: string;
  django: 'postgresql' | 'mysql';
  driver: 'psycopg2' | 'mysqldb';
  sequelize: 'postgres' | 'mysql';
  start(): Promise<Server>;
}

const engines: Engine[] = [
  ...availableVersions([18]).map((version): Engine => ({
    name: `PostgreSQL ${version}`,
    django: 'postgresql',
    driver: 'psycopg2',
    sequelize: 'postgres',
    start: async () => {
      const server = await startPostgres({ version });
      const url = new URL(server.url);
      url.pathname = await server.newDatabase();
      return { url: url.href, stop: () => server.stop() };
    },
  })),
  ...(await availableEngines(['mariadb-11.8'])).map((engine): Engine => ({
    name: engine,
    django: 'mysql',
    driver: 'mysqldb',
    sequelize: 'mysql',
    start: async () => {
      const server = await startMysql({ engine });
      return {
        url: server.url(undefined, undefined, await server.newDatabase()),
        stop: () => server.stop(),
      };
    },
  })),
];

/** What stands in the file, but for the rule. */
const file = (server: string, rule: string): string => `
listeners: [{ name: main, listen: '127.0.0.1:0', server: '${server}' }]
admin: { listen: '127.0.0.1:0' }
rules:
  packs: []
  custom:
${rule}
`;

describe.each(engines)('$name', ({ start, django, driver, sequelize }) => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  const through = (port: number): string => {
    const url = new URL(server.url);
    url.hostname = '127.0.0.1';
    url.port = String(port);
    return url.href;
  };

  test.skipIf(!have('django') || !have(driver))('Django: visits that are not counted', async () => {
    const operator = new Operator();
    const rule = (mode: string): string => `
    - id: pages
      pattern: unlocked-read-after-unique-violation
      ${mode}
      evidence: true
      match: { tables: [pages_page] }
      settings: { when: always }`;
    const script = fileURLToPath(new URL('pages.py', import.meta.url));
    const visits = async (...site: string[]): Promise<number> => {
      const { username, password, pathname } = new URL(server.url);
      const to = ['127.0.0.1', String(operator.port), username, password, pathname.slice(1)];
      const said = await runWell('/usr/bin/python3', [script, django, ...to, '6', ...site], {
        limit: 60_000,
      });
      const { visits: all, counted, failures } = JSON.parse(said) as Record<string, unknown>;
      expect(failures).toEqual([]);
      return Number(all) - Number(counted);
    };
    try {
      // 1. Observe, with evidence. The application loses visits, and Interlock sees that it does.
      await operator.use(file(server.url, rule('mode: observe')));
      const lost = await visits('observe', 'create');
      const observed = await operator.since('pages');
      expect(lost).toBeGreaterThan(0);
      expect(observed.evidence['lost-update']).toBeGreaterThan(0);
      expect(observed.evidence['lost-update']).toBeLessThanOrEqual(lost);
      expect(observed.decisions.rewritten ?? 0).toBe(0);
      const [finding] = await operator.findings();
      expect(finding).toMatchObject({ rule: 'pages', table: 'pages_page', decision: 'observed' });

      // 2. A canary: nothing breaks. It is no cure yet.
      await operator.use(file(server.url, rule('mode: rewrite\n      canary: 50%')));
      await visits('canary');
      const canary = await operator.since('pages');
      expect(canary.decisions.rewritten).toBeGreaterThan(0);
      expect(canary.decisions.observed).toBeGreaterThan(0);
      expect(Object.keys(canary.decisions).toSorted()).toEqual(['observed', 'rewritten']);

      // 3. Rewrite. Every visit is counted, and the evidence, still asked for, says so.
      await operator.use(file(server.url, rule('mode: rewrite')));
      expect(await visits('rewrite')).toBe(0);
      const rewritten = await operator.since('pages');
      expect(rewritten.decisions.observed ?? 0).toBe(0);
      expect(rewritten.asked).toBeGreaterThan(0);
      expect(rewritten.evidence['lost-update']).toBe(0);
    } finally {
      await operator.end();
    }
  });

  test('Sequelize: carts that cannot be filled', async () => {
    const operator = new Operator();
    const rule = (mode: string): string => `
    - id: carts
      pattern: split-delete
      ${mode}
      evidence: true
      match: { tables: [carts] }`;
    const serve = async (rounds: number, create = false): Promise<Served> => {
      const app = new Carts(through(operator.port), sequelize);
      try {
        if (create) await app.create();
        return await app.serve(rounds);
      } finally {
        await app.end();
      }
    };
    try {
      // 1. Observe, with evidence: of three orders two fail, and each of them had missed the row of the one before.
      await operator.use(file(server.url, rule('mode: observe')));
      const { orders, failed } = await serve(4, true);
      expect(failed).toBe(8);
      const observed = await operator.since('carts');
      expect(observed.asked).toBe(orders);
      expect(observed.evidence).toEqual({ missed: failed, 'wrongly-deleted': 0 });
      const [finding] = await operator.findings();
      expect(finding).toMatchObject({
        rule: 'carts',
        decision: 'observed',
        evidence: { rows: { missed: 1, 'wrongly-deleted': 0 } },
      });

      // 2. A canary. Which connections it takes is drawn, so there have to be some.
      await operator.use(file(server.url, rule('mode: rewrite\n      canary: 50%')));
      for (let day = 0; day < 6; day += 1) await serve(1);
      const canary = await operator.since('carts');
      expect(canary.decisions.rewritten).toBeGreaterThan(0);
      expect(canary.decisions.observed).toBeGreaterThan(0);

      // 3. Rewrite: no order fails.
      await operator.use(file(server.url, rule('mode: rewrite')));
      expect(await serve(4)).toEqual({ orders: 12, failed: 0 });
      const rewritten = await operator.since('carts');
      expect(rewritten.decisions).toMatchObject({ rewritten: 12 });
      expect(rewritten.evidence).toEqual({ missed: 0, 'wrongly-deleted': 0 });
      // On MySQL and MariaDB a look behind a DELETE would be seen: what shows there is that nothing fails.
      expect(rewritten.asked).toBe(sequelize === 'postgres' ? 12 : 0);
    } finally {
      await operator.end();
    }
  });
});
