/** PHP, Ruby, Perl; with INTERLOCK_TEST_LONG=1 Java and Go: results of a direct run, and the racy sequences rewritten. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { have } from './debian.ts';
import { go, interpreted, java, type Program } from './programs.ts';
import { expectWatchful, openShop, rewritten } from './shop.ts';

const long = process.env.INTERLOCK_TEST_LONG === '1';

const programs: Program[] = [
  {
    driver: 'PDO and ext/pgsql',
    needs: ['php', 'PDO, pgsql'],
    rewrites: 6,
    run: interpreted('php', 'pdo_pgsql.php'),
  },
  { driver: 'ruby-pg', needs: ['ruby-pg'], rewrites: 5, run: interpreted('/usr/bin/ruby', 'ruby_pg.rb') },
  { driver: 'DBD::Pg', needs: ['DBD::Pg'], rewrites: 8, run: interpreted('/usr/bin/perl', 'dbd_pg.pl') },
  {
    driver: 'pgjdbc',
    needs: ['java', 'pgjdbc'],
    rewrites: 11,
    long: true,
    run: java('Pgjdbc.java', '/usr/share/java/postgresql.jar', (url) => [url.replace(/^.*@/, '')]),
  },
  { driver: 'lib/pq and pgx', needs: ['go', 'lib/pq', 'pgx'], rewrites: 9, long: true, run: go('pq.go') },
];

describe.each(availableVersions(long ? [15, 18] : [18]))('PostgreSQL %i', (version) => {
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

  for (const { driver, needs, rewrites, run } of programs.filter(
    (program) => long || program.long !== true,
  )) {
    test.skipIf(!needs.every(have))(
      `${driver}: ${rewrites} statements rewritten`,
      { timeout: 180_000 },
      async () => {
        const direct = await run(pointed(server.url, { database: await openShop(server) }));
        const before = await rewritten(proxy);
        expect(await run(proxy.urlFor(await openShop(server)))).toBe(direct);
        expect((await rewritten(proxy)) - before).toBe(rewrites);
        await expectWatchful(proxy);
      },
    );
  }
});
