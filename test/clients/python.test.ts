/**
 * Python drivers, each with what ORMs on top of it do: psycopg2 (literals, simple protocol), psycopg 3 (parameters, binary
 * int2), asyncpg (named statements, binary). Their results must be those of a direct run, and the racy sequences rewritten.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { have } from './debian.ts';
import { expectWatchful, openShop, rewritten } from './shop.ts';
import { runWell } from './tool.ts';

const script = (name: string): string => fileURLToPath(new URL(`python/${name}_shop.py`, import.meta.url));

const drivers = [
  { driver: 'psycopg2', rewrites: 3, deleted: { found: 10, deleted: 10, 'deleted by array': 10 } },
  { driver: 'psycopg', rewrites: 11, deleted: { found: 10, deleted: 10, 'deleted by array': 10 } },
  {
    driver: 'asyncpg',
    rewrites: 7,
    deleted: { found: 10, deleted: 10, 'deleted prepared': [10, 10, 10, 10, 10] },
  },
] as const;

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startPostgres({ version });
    proxy = await startInterlock({ server, mode: 'rewrite', tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  for (const { driver, rewrites, deleted } of drivers) {
    test.skipIf(!have(driver))(
      `${driver}: results of a direct run, ${rewrites} statements rewritten`,
      async () => {
        const run = async (url: string): Promise<Record<string, unknown>> =>
          JSON.parse(await runWell('/usr/bin/python3', [script(driver), url])) as Record<string, unknown>;
        const before = await rewritten(proxy);
        const direct = await run(pointed(server.url, { database: await openShop(server) }));
        const proxied = await run(proxy.urlFor(await openShop(server)));
        expect(proxied).toEqual(direct);
        expect(proxied).toMatchObject({ ...deleted, violated: 'setting_name_key' });
        expect((await rewritten(proxy)) - before).toBe(rewrites);
        await expectWatchful(proxy);
      },
    );
  }
});
