/**
 * A session outside of a canary with `guard: all`: the guard is taken, the app's own DELETE is sent, and the client sees
 * what it would have seen.
 */
import { expect, test } from 'vitest';
import { ruleSet } from '../../src/config/rule-set.ts';
import type { SplitDeleteRule } from '../../src/patterns/rule.ts';
import { splitDeleteSettings } from '../../src/patterns/split-delete/settings.ts';
import { createMysqlSession } from '../../src/session/mysql/session.ts';
import { createPostgresSession } from '../../src/session/postgres/session.ts';
import type { SessionEvent, SessionOptions } from '../../src/session/types.ts';
import { loadWitnesses } from '../../src/sql/witness/load.ts';
import { curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { Link, runThrough, type Transcript } from './drive.ts';
import { FakeServer } from './fake-server.ts';
import { curatedCaptures as mysqlCurated } from './mysql/captures.ts';
import { capturedCatalog as mysqlCatalog } from './mysql/catalog.ts';
import { conversations as mysqlConversations } from './mysql/conversation.ts';
import { FakeMysqlServer } from './mysql/fake-server.ts';
import { plainAnswers, planRules as mysqlPlanRules } from './mysql/plan-rules.ts';
import { ScriptBrain as MysqlBrain } from './mysql/script.ts';
import { direct } from './mysql/through.ts';
import { factsRule } from './facts.ts';
import { replayDirect } from './replay.ts';
import { controlRule, plainState, ScriptBrain, stateRule } from './script.ts';
import { plainLimits, sharedState } from './session.ts';

const witness = await loadWitnesses(['postgres', 'mysql']);

function options(lot: number, tables: string[]): SessionOptions {
  const rule: SplitDeleteRule = {
    id: 'r',
    pattern: 'split-delete',
    mode: 'rewrite',
    canary: 0.5,
    match: {},
    settings: splitDeleteSettings.parse({ guard: 'all' }),
    tablesNamed: false,
  };
  return {
    listener: 'test',
    rules: ruleSet([rule], tables),
    limits: plainLimits,
    shared: { ...sharedState(), witness },
    server: 'fake:1',
    lot,
    wakeSoon: () => undefined,
  };
}

interface Played {
  transcript: Transcript;
  /** Without a session in between. */
  direct: Buffer;
  /** What the server executed: the app's statements, those of a plan, a rewritten one. */
  ran: { kind: string; sql: string }[];
  counters: { forwarded: number; rewritten: number; refused: number };
}

function postgres(lot: number, tables = ['*'], guard: 'had' | 'never' = 'had'): Played {
  const catalog = capturedCatalog();
  const capture = curatedCaptures().find(({ name }) => name === 'a-sequelize6-pg-ids');
  const [conversation] = capture === undefined ? [] : conversations(capture, catalog);
  if (conversation === undefined) throw new Error('no such recording');
  const rules = [stateRule({ ...plainState, guard }), factsRule(catalog), controlRule];
  const brain = new ScriptBrain(conversation.script, rules);
  const link = new Link(
    (wakeSoon) => createPostgresSession({ ...options(lot, tables), wakeSoon }),
    new FakeServer(brain),
  );
  const transcript = runThrough(conversation.flights, link);
  expect(brain.finished && brain.unexpected.length === 0).toBe(true);
  return {
    transcript,
    direct: replayDirect(conversation).toClient,
    ran: brain.ran,
    counters: link.session.counters,
  };
}

function mysql(lot: number, tables = ['*'], guard: 'had' | 'never' = 'had'): Played {
  const catalog = mysqlCatalog();
  const capture = mysqlCurated().find(({ name }) => name === 'a-sequelize6-mysql-ids');
  const [conversation] = capture === undefined ? [] : mysqlConversations(capture, catalog);
  if (conversation === undefined) throw new Error('no such recording');
  const { flavour, isolation } = conversation;
  const answers = { ...plainAnswers, flavour, isolation, guard };
  const brain = new MysqlBrain(conversation.script, mysqlPlanRules(catalog, answers));
  const server = new FakeMysqlServer(brain, { flavour });
  const link = new Link((wakeSoon) => createMysqlSession({ ...options(lot, tables), wakeSoon }), server);
  link.sendFromServer(server.greeting());
  const transcript = runThrough(conversation.flights, link);
  expect(brain.finished && brain.unexpected.length === 0).toBe(true);
  return {
    transcript,
    direct: direct(conversation).toClient,
    ran: brain.ran,
    counters: link.session.counters,
  };
}

const findings = (events: SessionEvent[]): object[] =>
  events.flatMap((one) => {
    if (one.type !== 'finding') return [];
    const { decision, mode, guard, reason } = one;
    return [{ decision, mode, ...(guard && { guard }), ...(reason && { reason }) }];
  });
const asksForGuard = ({ kind, sql }: { kind: string; sql: string }): boolean =>
  kind === 'plan' && /advisory_xact_lock|GET_LOCK/.test(sql);

test.each([
  ['PostgreSQL', postgres],
  ['MariaDB', mysql],
])('%s: in the canary, outside of it, and where the table is not named', (_, play) => {
  const inside = play(0.49);
  expect(findings(inside.transcript.events)).toEqual([
    { decision: 'rewritten', mode: 'rewrite', guard: 'had' },
  ]);
  expect(inside.ran.some(({ kind }) => kind === 'rewritten')).toBe(true);

  const outside = play(0.5);
  expect(findings(outside.transcript.events)).toEqual([
    { decision: 'observed', mode: 'observe', guard: 'had' },
  ]);
  expect(outside.ran.some(({ kind }) => kind === 'rewritten')).toBe(false);
  const guardAt = outside.ran.findIndex(asksForGuard);
  const deleteAt = outside.ran.findIndex(({ kind, sql }) => kind === 'app' && sql.startsWith('DELETE'));
  expect(guardAt).toBeGreaterThan(0);
  expect(deleteAt).toBeGreaterThan(guardAt);
  expect(outside.transcript.toClient.equals(outside.direct)).toBe(true);
  expect(outside.counters).toMatchObject({ rewritten: 0, refused: 0 });

  const late = play(0.5, ['*'], 'never');
  expect(findings(late.transcript.events)).toEqual([
    { decision: 'observed', mode: 'observe', guard: 'not-had' },
  ]);
  expect(late.transcript.toClient.equals(late.direct)).toBe(true);

  const unnamed = play(0.5, ['another']);
  expect(findings(unnamed.transcript.events)).toEqual([{ decision: 'observed', mode: 'observe' }]);
  expect(unnamed.ran.some(asksForGuard)).toBe(false);
});
