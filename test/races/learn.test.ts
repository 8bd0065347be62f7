/**
 * From a cold start to a reviewed rule, by what an operator has: Interlock runs without any rule that anticipates, watches
 * an application that deletes and inserts again, says so in its log and proposes a file of rules; the file is reviewed (its
 * mode set), named in the configuration and read anew; then the race in which both sets are empty is closed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, availableEngines, startMysql, type Mysql } from '../support/mysql.ts';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { createTables as createMysqlTables, runSplitDelete as runMysql } from './mysql/runner.ts';
import { cartRows } from '../../src/verify/mysql/split-delete.ts';
import { emptyRounds as mysqlRounds } from './mysql/stress/load.ts';
import { splitDeleteRows } from '../../src/demo/split-delete.ts';
import { ask as askPostgres, createTables, guardWaiting, runSplitDelete } from './runner.ts';
import { splitDeleteSchedules, type SplitDeleteSchedule } from '../../src/verify/schedules.ts';
import { emptyRounds } from './stress/load.ts';

const bothEmpty = splitDeleteSchedules.find(({ id }) => id === 'iii') as SplitDeleteSchedule;
const closed = { verdict: 'ok', rows: '1,1 1,2 2,1' };

/** What is different between the two protocols. */
interface Stage {
  server: string;
  direct: string;
  /** 6 transactions, one after the other, from no rows: the first finds nothing. */
  work: (app: string) => Promise<unknown>;
  race: (app: string, proxy: Proxy) => Promise<{ verdict: string; rows: string }>;
  lost: string;
}

async function fromColdStart(
  { server, work, race, lost }: Stage,
  urlOf: (proxy: Proxy) => string,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'interlock-learn-'));
  const config = (packs: string): string => `
listeners: [{ name: main, listen: '127.0.0.1:0', server: '${server}' }]
learn: { mode: suggest, after: 4 }
rules: { packs: [${packs}] }
`;
  const first = await startInterlock({ server, config: config('generic') });
  const file = join(folder, 'anticipate.yaml');
  try {
    await work(urlOf(first));
    await first.waitForLog(({ msg }) => msg?.startsWith('suggestion: ') === true);
    expect(await race(urlOf(first), first)).toMatchObject({ verdict: lost });
    const answer = await fetch(`http://127.0.0.1:${first.adminPort}/suggestions`);
    const text = await answer.text();
    expect(text).not.toContain("'one'");
    // The review.
    writeFileSync(file, text.replaceAll('mode: observe', 'mode: rewrite'));
  } finally {
    await first.stop();
  }
  expect(readFileSync(file, 'utf8')).toMatch(/5 deleted what it returned by list/);
  const second = await startInterlock({ server, config: config(`'${file}', generic`) });
  try {
    expect(await race(urlOf(second), second)).toMatchObject(closed);
    expect(second.findings().filter(({ decision }) => decision === 'guarded')).toHaveLength(2);
  } finally {
    await second.stop();
    rmSync(folder, { recursive: true });
  }
}

describe.each(availableVersions([18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  beforeAll(async () => void (server = await startPostgres({ version })));
  afterAll(() => server?.stop());

  test('from a cold start to a reviewed rule', async () => {
    const database = await server.newDatabase();
    const direct = pointed(server.url, { database });
    await createTables(direct);
    await askPostgres(direct, splitDeleteRows.empty);
    const load = { sessions: 1, protocol: 'extended' } as const;
    await fromColdStart(
      {
        server: server.url,
        direct,
        work: (app) => emptyRounds({ ...load, urls: [app] }, 6, () => Promise.resolve()),
        race: (app, proxy) =>
          runSplitDelete(
            {
              direct,
              app,
              protocol: 'simple',
              isolation: 'READ COMMITTED',
              guardWaiting: () => guardWaiting([proxy]),
            },
            bothEmpty,
          ),
        lost: '23505@R2.I',
      },
      (proxy) => proxy.urlFor(database),
    );
  });
});

describe.each((await availableEngines()).filter((engine) => engine === 'mariadb-11.8'))('%s', (engine) => {
  let server: Mysql;
  beforeAll(async () => void (server = await startMysql({ engine })));
  afterAll(() => server?.stop());

  test('from a cold start to a reviewed rule, snapshot isolation', async () => {
    const direct = server.url(undefined, undefined, await server.newDatabase());
    await createMysqlTables(direct);
    await ask(direct, ...cartRows('empty'));
    const load = { sessions: 1, protocol: 'prepared', isolation: 'REPEATABLE READ' } as const;
    await fromColdStart(
      {
        server: direct,
        direct,
        work: (app) => mysqlRounds({ ...load, urls: [app] }, 6, () => Promise.resolve()),
        race: (app, proxy) =>
          runMysql(
            {
              direct,
              app,
              protocol: 'text',
              isolation: 'REPEATABLE READ',
              guardWaiting: () => guardWaiting([proxy]),
            },
            bothEmpty,
          ),
        lost: '1062@R2.I',
      },
      ({ url }) => url,
    );
  });
});
