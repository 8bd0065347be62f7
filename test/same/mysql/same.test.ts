/**
 * The same conversations held with the server directly and through Interlock, in every mode: what the server side says must
 * be identical to the byte (invariants 3 and 4), however the client's bytes are cut. The database is made anew for each run.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Capabilities } from '../../../src/wire/mysql/capabilities.ts';
import { ask, availableEngines, startMysql, type Mysql, type MysqlEngine } from '../../support/mysql.ts';
import { startInterlock, type Proxy, type ProxyOptions } from '../../support/proxy.ts';
import { redirectUrl } from '../../streams/mysql/replay.ts';
import { byteByByte, inOneWrite, randomCuts, type Cut } from '../raw-client.ts';
import { setsOf, type CapabilitySet } from './capability-sets.ts';
import { firstDifference, play, type Conversation, type Target, type Transcript } from './conversation.ts';
import { conversations } from './conversations/all.ts';
import { database, fill } from './database.ts';

const long = process.env.INTERLOCK_TEST_LONG === '1';

let seed = 2026;
/** Each engine has the ways that it may differ in; npm run test:long has all but those of the older MariaDB. */
const newer: MysqlEngine[] = ['mariadb-11.8', 'mysql-9.7'];
const ways: Record<
  string,
  { mode: NonNullable<ProxyOptions['mode']>; cut: () => Cut; big: boolean; on: MysqlEngine[] }
> = {
  'rewrite, whole': { mode: 'rewrite', cut: () => inOneWrite, big: true, on: ['mariadb-10.11', ...newer] },
  'observe, cut at random': {
    mode: 'observe',
    cut: () => randomCuts((seed += 7919)),
    big: true,
    on: long ? ['mariadb-10.11', ...newer] : newer,
  },
  'rewrite, byte by byte': {
    mode: 'rewrite',
    cut: () => byteByByte,
    big: false,
    on: long ? newer : ['mariadb-11.8'],
  },
  'off, whole': { mode: 'off', cut: () => inOneWrite, big: false, on: long ? newer : ['mysql-9.7'] },
};

interface Held {
  name: string;
  conversation: Conversation;
  capabilities: Capabilities;
}

function heldWith(engine: MysqlEngine): Held[] {
  return conversations
    .filter(({ engines }) => engines === undefined || engine.startsWith(engines))
    .flatMap((conversation) =>
      Object.entries(setsOf(engine))
        .filter(([set]) => conversation.sets?.includes(set as CapabilitySet) ?? true)
        // What is big is so in any form.
        .filter((_, at) => conversation.big !== true || at === 1)
        .map(([set, capabilities]) => ({ name: `${conversation.name}, ${set}`, conversation, capabilities })),
    );
}

test('conversations have names of their own', () => {
  expect(new Set(conversations.map(({ name }) => name)).size).toBe(conversations.length);
});

describe.each(await availableEngines(undefined, { ownSettings: true }))('%s', (engine) => {
  let server: Mysql;
  const direct = new Map<string, Transcript>();
  const all = heldWith(engine);
  const target = (port: number): Target => ({
    port,
    direct: port === server.port,
    login: { user: 'root', password: 'secret', database },
  });

  const holdDirectly = async (
    name: string,
    conversation: Conversation,
    capabilities: Capabilities,
  ): Promise<Transcript> => {
    try {
      return await play(conversation, capabilities, target(server.port), () => inOneWrite);
    } catch (error) {
      throw new Error(`${name}, directly`, { cause: error });
    }
  };

  beforeAll(async () => {
    server = await startMysql({
      engine,
      settings: { local_infile: 'ON', max_allowed_packet: '64M', general_log: '0' },
    });
    await ask(server.url(), "CREATE USER nobody IDENTIFIED BY ''", 'GRANT ALL ON *.* TO nobody');
    if (engine === 'mariadb-11.8') await ask(server.url(), `SET GLOBAL redirect_url = '${redirectUrl}'`);
    await fill(server);
    for (const { name, conversation, capabilities } of all)
      direct.set(name, await holdDirectly(name, conversation, capabilities));
  }, 120_000);
  afterAll(() => server?.stop());

  for (const [way, { mode, cut, big, on }] of Object.entries(ways)) {
    if (!on.includes(engine)) continue;
    describe(way, () => {
      let proxy: Proxy;
      beforeAll(async () => {
        await fill(server);
        proxy = await startInterlock({ server: server.url(), mode, tables: ['*'] });
      });
      afterAll(() => proxy?.stop());

      test.for(
        all
          .filter(({ conversation }) => big || conversation.big !== true)
          .map((one) => [one.name, one] as const),
      )('%s', async ([name, { conversation, capabilities }]) => {
        const proxied = await play(conversation, capabilities, target(proxy.port), cut);
        expect(firstDifference(direct.get(name)!, proxied) ?? 'none').toBe('none');
      });

      test('the statements were looked at, no session was lost sight of', async () => {
        const metrics = await proxy.metrics();
        if (mode === 'off') expect(metrics.interlock_statements_inspected_total ?? 0).toBe(0);
        else expect(metrics.interlock_statements_inspected_total).toBeGreaterThan(300);
        expect(metrics.interlock_raw_relay_sessions_total ?? 0).toBe(0);
        expect(metrics.interlock_problems_total ?? 0).toBe(0);
        expect(metrics.interlock_protocol_errors_total ?? 0).toBe(0);
      });
    });
  }
});
