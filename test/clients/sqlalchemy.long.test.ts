/** SQLAlchemy through its rule pack, on PostgreSQL and MariaDB: the results of a direct run, and what the pack promises rewritten. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { availableEngines, startMysql } from '../support/mysql.ts';
import { availableVersions, pointed, startPostgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { have } from './debian.ts';
import { openShop as openMysqlShop } from './mysql/shop.ts';
import { expectWatchful, openShop } from './shop.ts';
import { runWell } from './tool.ts';

const engines = await availableEngines(['mariadb-10.11']);
const script = fileURLToPath(new URL('python/sqlalchemy_shop.py', import.meta.url));
const packed = { rules: ['sqlalchemy'], tables: ['*'] };

async function run(url: string, scheme: string): Promise<unknown> {
  return JSON.parse(
    await runWell('/usr/bin/python3', [script, url.replace(/^\w+:/, `${scheme}:`)]),
  ) as unknown;
}

async function expectPacked(proxy: Proxy): Promise<void> {
  const told = proxy
    .findings()
    .map(({ rule, decision, table }) => `${String(rule)} ${String(decision)} ${String(table)}`);
  expect(told).toEqual([
    'sqlalchemy/split-delete rewritten book',
    'sqlalchemy/unlocked-read rewritten setting',
  ]);
  await expectWatchful(proxy);
}

describe.skipIf(!have('sqlalchemy'))('SQLAlchemy', () => {
  test.each(availableVersions([18]))('PostgreSQL %i', async (version) => {
    const server = await startPostgres({ version });
    const proxy = await startInterlock({ server, ...packed });
    try {
      const scheme = 'postgresql+psycopg2';
      const direct = await run(pointed(server.url, { database: await openShop(server) }), scheme);
      expect(direct).toMatchObject({ deleted: 10, violated: 'UniqueViolation', value: 5, removed: 10 });
      expect(await run(proxy.urlFor(await openShop(server)), scheme)).toEqual(direct);
      await expectPacked(proxy);
    } finally {
      await proxy.stop();
      await server.stop();
    }
  });

  test.each(engines)('%s', async (engine) => {
    const server = await startMysql({ engine });
    const first = await openMysqlShop(server);
    const second = await openMysqlShop(server);
    const proxy = await startInterlock({ server: server.url(), ...packed });
    try {
      const scheme = 'mysql+pymysql';
      const direct = await run(server.url(undefined, undefined, first), scheme);
      expect(direct).toMatchObject({ deleted: 10, violated: 'IntegrityError', value: 5, removed: 10 });
      expect(await run(pointed(proxy.url, { database: second }), scheme)).toEqual(direct);
      await expectPacked(proxy);
    } finally {
      await proxy.stop();
      await server.stop();
    }
  });
});
