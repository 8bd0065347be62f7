/**
 * Every recorded scenario on PostgreSQL (seven ORMs, 24 versions and drivers) through a session that may rewrite
 * everything. What was decided is kept in decisions.txt and was read through against what the ORMs are known to send;
 * a change there is a change of behaviour. `npx vitest run test/streams/decisions -u` writes it anew.
 *
 * Lines that ask for a word:
 * - activerecord f04, eloquent a03b, typeorm a04 and a06 select only ids of one table and delete exactly these: a queue
 *   could send the same. They are rewritten because this test names all tables; without that they are `no-join`.
 * - django f07 is refused for the LIMIT of the last single-row read, not for the reads in between: they have pushed the
 *   read of the ids out of the memory.
 * - django b09 finds nothing: the racing row was there before the ORM looked, so no INSERT failed.
 * - django a08: each of the three chunks is refused, as all columns were selected.
 * - sequelize b01, b02, b04, b05: the violation is caught in a function or by ON CONFLICT; no error, no key.
 * - eloquent b09, prisma b06, activerecord b08: ON CONFLICT DO NOTHING, the same.
 * - prisma b01, sequelize b08, typeorm b03, activerecord b06, eloquent b10: no savepoint, the re-read gets 25P02.
 */
import { describe, expect, it } from 'vitest';
import { allCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { everything, executions, replay, replayDirect, type Finding } from './replay.ts';
import { sharedState } from './session.ts';

const catalog = capturedCatalog();
// The sessions of one process share what they know, as in the proxy.
const shared = sharedState();

const short: Record<string, string> = {
  'split-delete': 'split-delete',
  'unlocked-read-after-unique-violation': 'unlocked-read',
};
const told = (findings: Finding[]): string =>
  findings
    .map(({ pattern, decision, reason }) => [short[pattern], decision, reason].filter(Boolean).join(' '))
    .join(', ') || '-';

describe('every recorded scenario', () => {
  const scenarios = new Map<string, Map<string, Set<string>>>();
  const texts = new Set<string>();
  let rewritten = 0;

  it('leaves the client with the bytes that it would have had', () => {
    for (const capture of allCaptures()) {
      for (const [index, conversation] of conversations(capture, catalog).entries()) {
        const found = replay(conversation, catalog, everything, undefined, shared);
        expect(found.complete, conversation.label).toBe(true);
        expect(found.session.raw, conversation.label).toBe(false);
        expect(found.savepoints, conversation.label).toEqual([]);
        const same = found.transcript.toClient.equals(replayDirect(conversation).toClient);
        expect(same, conversation.label).toBe(true);
        const { counters } = found.session;
        expect(counters.forwarded + counters.rewritten + counters.refused, conversation.label).toBe(
          executions(conversation.flights),
        );
        rewritten += counters.rewritten;
        for (const one of found.ran) if (one.kind === 'rewritten') texts.add(one.sql);
        if (index === 0 || found.findings.length > 0) {
          const name = `${capture.orm} ${capture.scenario}${index === 0 ? '' : ` connection ${index + 1}`}`;
          const decisions = scenarios.get(name) ?? new Map<string, Set<string>>();
          const versions = decisions.get(told(found.findings)) ?? new Set();
          scenarios.set(name, decisions.set(told(found.findings), versions.add(variant(capture))));
        }
      }
    }
    expect(rewritten).toBeGreaterThan(140);
  }, 60_000);

  it('is left alone where it was recorded as a trap', () => {
    const traps = allCaptures().filter(
      ({ scenario, note }) => /^fb?\d/.test(scenario) || note.includes('TRAP'),
    );
    const kinds = new Set(traps.map(({ orm, scenario }) => `${orm} ${scenario}`));
    expect(kinds.size).toBeGreaterThan(25);
    const rewrittenTraps = [...kinds].filter((name) =>
      [...(scenarios.get(name)?.keys() ?? [])].some((decision) => decision.includes('rewritten')),
    );
    // Recorded to see whether Rails collapses consecutive ids; it selects ids only and deletes exactly these.
    expect(rewrittenTraps).toEqual(['activerecord f04_delete_consecutive_ids']);
  });

  it('is decided as it was reviewed', async () => {
    const lines = [...scenarios]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, decisions]) => {
        const each = [...decisions].map(
          ([decision, versions]) => `  ${decision}   (${[...versions].join(', ')})`,
        );
        return [name, ...each].join('\n');
      });
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('decisions.txt');
  });

  it('is rewritten to texts that were reviewed', async () => {
    const values = (sql: string): string => sql.replaceAll(/'[^']*'/g, "'…'");
    const lines = [...new Set([...texts].map(values))].toSorted();
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('rewritten.txt');
  });
});

function variant({ version, driver }: { version: string; driver: string }): string {
  const how = /server_side_binding|psycopg 3|prepared_statements=false/.exec(driver)?.[0];
  return how === undefined ? version : `${version} ${how}`;
}
