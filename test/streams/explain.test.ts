/**
 * `explain` has no protocol and no server; what it says of every recorded scenario is what the session decided, as it was
 * reviewed in decisions.txt, word for word.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/explain.ts';
import { readRecording } from '../../src/explain/recording.ts';
import { loadWitnesses } from '../../src/sql/witness/load.ts';
import { allCaptures } from './captures.ts';
import { allCaptures as allMysqlCaptures } from './mysql/captures.ts';
import { anybody, ruleSet } from './session.ts';

const witness = await loadWitnesses(['postgres', 'mysql']);
const rules = ruleSet({ mode: 'rewrite', tablesNamed: true }).forSession(anybody);

interface Recorded {
  orm: string;
  scenario: string;
  version: string;
  driver: string;
  db?: string;
  events: { c: number }[];
}

/** What decisions.txt says: scenario -> decisions. */
function reviewed(file: string): Map<string, Set<string>> {
  const out = new Map<string, Set<string>>();
  let scenario = '';
  for (const line of readFileSync(new URL(file, import.meta.url), 'utf8').split('\n')) {
    const decision = /^ {2}(.*?) {3}\(/.exec(line)?.[1];
    if (decision === undefined) scenario = line;
    else out.set(scenario, (out.get(scenario) ?? new Set()).add(decision));
  }
  return out;
}

function explained(captures: Recorded[]): Map<string, Set<string>> {
  const out = new Map<string, Set<string>>();
  for (const capture of captures) {
    const transcript = readRecording(JSON.stringify(capture));
    const { dialect = 'postgres' } = transcript;
    // Django 2.0 and later set it when they connect, before the recording begins.
    const committed = capture.orm === 'django' && Number.parseInt(capture.version, 10) >= 2;
    const statements = explain(transcript, {
      dialect,
      witness: witness(dialect),
      rules,
      ...(committed && { isolation: 'read committed' }),
    });
    const connections = [...new Set(capture.events.map(({ c }) => c))].filter((c) => c > 0);
    for (const [index, c] of connections.entries()) {
      const found = statements
        .filter(({ session }) => session === `${capture.scenario}#${c}`)
        .flatMap(({ finding }) => (finding === undefined ? [] : [finding]));
      if (index > 0 && found.length === 0) continue;
      const name = `${capture.orm} ${capture.scenario}${index === 0 ? '' : ` connection ${index + 1}`}`;
      const told =
        found
          .map(({ pattern, decision, reason }) =>
            [pattern.replace(/-after-unique-violation$/, ''), decision, reason].filter(Boolean).join(' '),
          )
          .join(', ') || '-';
      out.set(name, (out.get(name) ?? new Set()).add(told));
    }
  }
  return out;
}

const lines = (decisions: Map<string, Set<string>>): string[] =>
  [...decisions].map(([name, each]) => `${name}: ${[...each].toSorted().join(' | ')}`).toSorted();

describe('every recorded scenario', () => {
  it.each([
    ['PostgreSQL', 'decisions.txt', allCaptures],
    ['MariaDB', 'mysql/decisions.txt', allMysqlCaptures],
  ])('%s: explain decides as the session does', (_, file, captures) => {
    const expected = lines(reviewed(file));
    const found = lines(explained(captures() as unknown as Recorded[]));
    expect(expected.length).toBeGreaterThan(100);
    expect(found).toEqual(expected);
  });
});
