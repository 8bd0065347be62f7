/**
 * The same conversations held with the server directly and through Interlock in rewrite mode on every table: what the server
 * side says must be identical to the byte (invariants 3 and 4), however the client's bytes are cut. Each way of cutting has
 * a copy of one database to itself, so both see the same rows and the same OIDs.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { evidenceConfig } from '../races/evidence.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { firstDifference, play, type Target, type Transcript } from './conversation.ts';
import { conversations } from './conversations/all.ts';
import { schema } from './database.ts';
import { byteByByte, inOneWrite, randomCuts, type Cut } from './raw-client.ts';

const long = process.env.INTERLOCK_TEST_LONG === '1';

let seed = 2026;
/** How the client's bytes are cut; 16 and 17 differ from their neighbours too little to be worth every way. */
const cuts: Record<string, { versions: number[]; cut: () => Cut; big: boolean; evidence?: true }> = {
  whole: { versions: [15, 16, 17, 18], cut: () => inOneWrite, big: true },
  'cut at random': { versions: [15, 18], cut: () => randomCuts((seed += 7919)), big: true },
  'byte by byte': { versions: long ? [15, 18] : [18], cut: () => byteByByte, big: false },
  // Observed, with looks around what would be rewritten elsewhere.
  evidence: {
    versions: long ? [15, 18] : [18],
    cut: () => randomCuts((seed += 7919)),
    big: false,
    evidence: true,
  },
};

interface Direct {
  server: Postgres;
  template: string;
  lastOid: number;
  transcripts: Map<string, Transcript>;
}

/** Holds every conversation once without the proxy; the transcripts are what all others are measured by. */
async function holdDirectly(server: Postgres): Promise<Direct> {
  const template = await server.newDatabase();
  const url = pointed(server.url, { database: template });
  await run(url, schema);
  const [last] = await run(url, 'SELECT max(oid::int8)::text AS oid FROM pg_class');
  const lastOid = Number(last!.rows[0].oid);
  const target = await copyOf({ server, template, lastOid }, 'direct');
  const transcripts = new Map<string, Transcript>();
  for (const conversation of conversations) {
    transcripts.set(conversation.name, await play(conversation, target, () => inOneWrite));
  }
  return { server, template, lastOid, transcripts };
}

/** A database with the same content and OIDs. Its name is as long as the others': names count in message lengths. */
async function copyOf(
  { server, template, lastOid }: Pick<Direct, 'server' | 'template' | 'lastOid'>,
  purpose: string,
): Promise<Target> {
  const database = `same_${purpose.replaceAll(' ', '_').padEnd(16, '_')}`;
  await run(
    server.url,
    `DROP DATABASE IF EXISTS ${database}`,
    `CREATE DATABASE ${database} TEMPLATE ${template}`,
  );
  return { port: server.port, user: new URL(server.url).username, database, lastOid };
}

test('conversations have names of their own', () => {
  expect(new Set(conversations.map((c) => c.name)).size).toBe(conversations.length);
});

describe.each(availableVersions())('PostgreSQL %i', (version) => {
  let server: Postgres;
  let direct: Direct;

  beforeAll(async () => {
    server = await startPostgres({ version, settings: { log_statement: 'none' } });
    direct = await holdDirectly(server);
  }, 120_000);
  afterAll(() => server?.stop());

  for (const [name, { versions, cut, big, evidence }] of Object.entries(cuts)) {
    if (!versions.includes(version)) continue;
    describe(name, () => {
      let proxy: Proxy;
      let target: Target;

      beforeAll(async () => {
        target = await copyOf(direct, name);
        proxy = await startInterlock(
          evidence === true
            ? { server, config: evidenceConfig(server.url) }
            : { server, mode: 'rewrite', tables: ['*'] },
        );
        target.port = proxy.port;
      });
      afterAll(() => proxy?.stop());

      const held = conversations.filter((c) =>
        evidence === true ? /split delete|unique/.test(c.name) : big || !c.big,
      );
      test.for(held.map((c) => [c.name.replaceAll('\n', ' '), c] as const))(
        '%s',
        async ([, conversation]) => {
          const before = await counted(proxy);
          const proxied = await play(conversation, target, cut);
          expect(firstDifference(direct.transcripts.get(conversation.name)!, proxied)).toBeUndefined();
          const after = await counted(proxy);
          const done = evidence === true ? after.looks - before.looks : after.rewritten - before.rewritten;
          const { rewrites, looks = /split delete/.test(conversation.name) ? rewrites : 0 } = conversation;
          const expected = evidence === true ? looks : rewrites;
          expect(done, evidence === true ? 'looked around' : 'rewritten').toBe(expected ?? 0);
          expect(after.raw - before.raw, 'sessions in raw relay').toBe(conversation.raw === true ? 1 : 0);
        },
      );

      test('the statements were looked at, and none is unaccounted for', async () => {
        const metrics = await proxy.metrics();
        const inspected = metrics.interlock_statements_inspected_total!;
        expect(inspected).toBeGreaterThan(held.length);
        expect(metrics.interlock_statements_total).toBeGreaterThanOrEqual(inspected);
        expect(metrics.interlock_problems_total).toBe(0);
        expect(metrics.interlock_protocol_errors_total ?? 0).toBe(0);
      });
    });
  }
});

async function counted(proxy: Proxy): Promise<{ rewritten: number; looks: number; raw: number }> {
  const metrics = await proxy.metrics();
  return {
    rewritten: metrics['interlock_statements_total{outcome="rewritten"}'] ?? 0,
    looks: metrics['interlock_evidence_looks_total{rule="watch",outcome="asked",reason=""}'] ?? 0,
    raw: metrics.interlock_raw_relay_sessions_total ?? 0,
  };
}
