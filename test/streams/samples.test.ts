/**
 * Findings as they are shown, over the recordings: no constant of a statement is left, and what would be sent where a rule
 * only observes is what is sent where it rewrites.
 */
import { expect, test } from 'vitest';
import { Samples, type Sample } from '../../src/admin/samples.ts';
import { createMysqlSession } from '../../src/session/mysql/session.ts';
import { createPostgresSession } from '../../src/session/postgres/session.ts';
import type { FindingEvent, SessionOptions } from '../../src/session/types.ts';
import { loadWitnesses } from '../../src/sql/witness/load.ts';
import { curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { Link, runThrough } from './drive.ts';
import { FakeServer } from './fake-server.ts';
import { factsRule } from './facts.ts';
import { curatedCaptures as mysqlCurated } from './mysql/captures.ts';
import { capturedCatalog as mysqlCatalog } from './mysql/catalog.ts';
import { conversations as mysqlConversations } from './mysql/conversation.ts';
import { FakeMysqlServer } from './mysql/fake-server.ts';
import { plainAnswers, planRules as mysqlPlanRules } from './mysql/plan-rules.ts';
import { ScriptBrain as MysqlBrain } from './mysql/script.ts';
import { controlRule, plainState, ScriptBrain, stateRule } from './script.ts';
import { plainLimits, ruleSet, sharedState } from './session.ts';

const witness = await loadWitnesses(['postgres', 'mysql']);

type Mode = 'observe' | 'rewrite';
interface Seen {
  event: FindingEvent;
  sample: Sample | undefined;
}

function watched(mode: Mode, seen: Seen[]): SessionOptions {
  const samples = new Samples(10, witness);
  const findings = {
    seen(event: FindingEvent, texts: Parameters<Samples['seen']>[1]) {
      samples.seen(event, texts);
      seen.push({ event, sample: samples.of(event) });
    },
  };
  return {
    listener: 'test',
    rules: ruleSet({ mode, tablesNamed: true, unlockedRead: { when: 'always', repeatable_read: 'rewrite' } }),
    limits: plainLimits,
    shared: { ...sharedState(), witness, findings },
    server: 'fake:1',
    wakeSoon: () => undefined,
  };
}

/** All curated recordings of a protocol, each session played once. */
function play(protocol: 'postgres' | 'mysql', mode: Mode): Map<string, Seen[]> {
  const found = new Map<string, Seen[]>();
  const note = (name: string, run: (seen: Seen[]) => void): void => {
    const seen: Seen[] = [];
    run(seen);
    found.set(name, seen);
  };
  if (protocol === 'postgres') {
    const catalog = capturedCatalog();
    for (const capture of curatedCaptures())
      for (const [at, { script, flights }] of conversations(capture, catalog).entries())
        note(`${capture.name} ${at}`, (seen) => {
          const brain = new ScriptBrain(script, [stateRule(plainState), factsRule(catalog), controlRule]);
          const link = new Link(
            (wakeSoon) => createPostgresSession({ ...watched(mode, seen), wakeSoon }),
            new FakeServer(brain),
          );
          runThrough(flights, link);
        });
    return found;
  }
  const catalog = mysqlCatalog();
  for (const capture of mysqlCurated())
    for (const [at, { script, flights, flavour, isolation }] of mysqlConversations(
      capture,
      catalog,
    ).entries())
      note(`${capture.name} ${at}`, (seen) => {
        const answers = { ...plainAnswers, flavour, isolation };
        const server = new FakeMysqlServer(new MysqlBrain(script, mysqlPlanRules(catalog, answers)), {
          flavour,
        });
        const link = new Link((wakeSoon) => createMysqlSession({ ...watched(mode, seen), wakeSoon }), server);
        link.sendFromServer(server.greeting());
        runThrough(flights, link);
      });
  return found;
}

/** The last of what is sent, without what depends on the row: InnoDB's locking read names it by its key. */
const comparable = (text: string | undefined): string | undefined => text?.replace(/\s+/g, ' ');

test.each(['postgres', 'mysql'] as const)('%s', (protocol) => {
  const observed = play(protocol, 'observe');
  const rewritten = play(protocol, 'rewrite');
  let compared = 0;
  for (const [name, seen] of rewritten) {
    const would = observed.get(name) ?? [];
    for (const [at, { event, sample }] of seen.entries()) {
      expect(sample?.before.length, name).toBe(2);
      for (const text of [...(sample?.before ?? []), ...(sample?.after ?? [])])
        expect(text.replaceAll(/"[^"]*"|`[^`]*`/g, 'name'), name).not.toMatch(/'|(?<!\$)\b\d+\b/);
      if (event.decision !== 'rewritten') continue;
      const other = would[at];
      expect(other?.event.decision, name).toBe('observed');
      expect(other?.sample?.assumed, name).toBe(true);
      expect(other?.sample?.before, name).toEqual(sample?.before);
      expect(sample?.after, name).toHaveLength(1);
      if (event.pattern === 'split-delete' || protocol === 'postgres') {
        expect(other?.sample?.after?.map(comparable), name).toContain(comparable(sample?.after?.[0]));
        compared += 1;
      }
    }
  }
  expect(compared).toBeGreaterThan(3);
});
