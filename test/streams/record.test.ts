/**
 * What `interlock record` writes of recorded conversations, redacted, and what `explain` says of it: the same as the
 * session decided, without a word of the application's data.
 */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/explain.ts';
import { readRecording } from '../../src/explain/recording.ts';
import { Recorder } from '../../src/record/recorder.ts';
import { redaction } from '../../src/record/redact.ts';
import { createMysqlSession } from '../../src/session/mysql/session.ts';
import { createPostgresSession } from '../../src/session/postgres/session.ts';
import type { SessionEvent, SessionOptions } from '../../src/session/types.ts';
import { loadWitnesses } from '../../src/sql/witness/load.ts';
import { allCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { Link, runThrough } from './drive.ts';
import { FakeServer } from './fake-server.ts';
import { allCaptures as allMysqlCaptures } from './mysql/captures.ts';
import { capturedCatalog as mysqlCatalog } from './mysql/catalog.ts';
import { conversations as mysqlConversations } from './mysql/conversation.ts';
import { FakeMysqlServer } from './mysql/fake-server.ts';
import { plainAnswers, planRules as mysqlPlanRules } from './mysql/plan-rules.ts';
import { ScriptBrain as MysqlBrain } from './mysql/script.ts';
import { planRules } from './replay.ts';
import { ScriptBrain } from './script.ts';
import { anybody, plainLimits, ruleSet, sharedState } from './session.ts';

const witness = await loadWitnesses(['postgres', 'mysql']);
const rules = ruleSet({ mode: 'observe', tablesNamed: true });
const hash = (text: string): string => createHmac('sha256', 'key').update(text, 'latin1').digest('hex');

function options(lines: string[]): SessionOptions {
  return {
    listener: 'test',
    rules,
    limits: plainLimits,
    shared: { ...sharedState(), witness },
    server: 'fake:1',
    recorder: new Recorder(redaction(hash), (line) => lines.push(line)),
    wakeSoon: () => undefined,
  };
}

const told = (pattern: string, decision: string, reason: string | undefined): string =>
  [pattern, decision, reason].filter(Boolean).join(' ');
const decided = (events: SessionEvent[]): string[] =>
  events.flatMap((one) => (one.type === 'finding' ? [told(one.pattern, one.decision, one.reason)] : []));

function explained(lines: string[], isolation: 'read committed' | 'repeatable read'): string[] {
  const transcript = readRecording(lines.join(''));
  const { dialect = 'postgres' } = transcript;
  const session = rules.forSession(anybody);
  return explain(transcript, { dialect, witness: witness(dialect), rules: session, isolation }).flatMap(
    ({ finding }) => (finding === undefined ? [] : [told(finding.pattern, finding.decision, finding.reason)]),
  );
}

const long = process.env.INTERLOCK_TEST_LONG === '1';

/** One of each scenario is enough: which versions send the same is not the point here. By default every third of them. */
function once<T extends { orm: string; scenario: string }>(captures: T[]): T[] {
  const all = [...new Map(captures.map((one) => [`${one.orm} ${one.scenario}`, one])).values()];
  return long ? all : all.filter((_, index) => index % 3 === 0);
}

/** Values that the scenarios work with. */
const data = /foo|new@x|'p\d|'k\d/;

describe('a redacted recording', () => {
  it('of PostgreSQL: the same findings, no data', () => {
    const catalog = capturedCatalog();
    let found = 0;
    for (const capture of once(allCaptures())) {
      for (const conversation of conversations(capture, catalog)) {
        const lines: string[] = [];
        const server = new FakeServer(new ScriptBrain(conversation.script, planRules(catalog)));
        const link = new Link(() => createPostgresSession(options(lines)), server);
        const { events } = runThrough(conversation.flights, link);
        const expected = decided(events);
        found += expected.length;
        expect(explained(lines, 'read committed'), conversation.label).toEqual(expected);
        expect(lines.join('').replaceAll(/"(?:constraint|table|name)":"[^"]*"/g, '')).not.toMatch(data);
      }
    }
    expect(found).toBeGreaterThan(30);
  }, 60_000);

  it('of MariaDB: the same findings, no data', () => {
    const catalog = mysqlCatalog();
    let found = 0;
    for (const capture of once(allMysqlCaptures())) {
      for (const conversation of mysqlConversations(capture, catalog)) {
        const lines: string[] = [];
        const { flavour, isolation } = conversation;
        const brain = new MysqlBrain(
          conversation.script,
          mysqlPlanRules(catalog, { ...plainAnswers, flavour, isolation }),
        );
        const server = new FakeMysqlServer(brain, { flavour });
        const link = new Link(() => createMysqlSession(options(lines)), server);
        link.sendFromServer(server.greeting());
        const { events } = runThrough(conversation.flights, link);
        const expected = decided(events);
        found += expected.length;
        const level = isolation === 'READ-COMMITTED' ? 'read committed' : 'repeatable read';
        const before = explained(lines, level).map((one) =>
          one.replace(/^(unlocked-\S+) refused isolation$/, '$1 observed'),
        );
        expect(before, conversation.label).toEqual(expected);
        expect(lines.join('')).not.toMatch(data);
      }
    }
    expect(found).toBeGreaterThan(30);
  }, 60_000);
});
