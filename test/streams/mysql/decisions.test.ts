/**
 * Every recorded scenario on MariaDB 10.11 (six ORMs, 26 versions and drivers) through a session that may rewrite
 * everything, and what can be said to a MySQL 9.7 there as well. What was decided is kept in decisions.txt and was read
 * through against what the ORMs are known to send; a change there is a change of behaviour.
 * `npx vitest run test/streams/mysql/decisions -u` writes it anew.
 *
 * Lines that ask for a word:
 * - What is refused for its isolation ran under REPEATABLE READ, MariaDB's default: Django before 2.0, and every scenario
 *   of the others without `rc` in its name, save activerecord b05 and b09, which ask for READ COMMITTED all the same. The
 *   deletes among them are rewritten at either level.
 * - django f05: the one rewritten DELETE is that of the grandchildren, found by Django itself over a join with their
 *   parents and deleted next; Django 3.1 sends it as the very statement that it becomes here. The trap is the parents'
 *   DELETE at the end, which is refused.
 * - django a12: GROUP BY and HAVING, so the ids come out of a derived table. The same in 3.1 and later is one statement.
 * - django a02: autocommit, but Django opens a transaction in front of its SELECT (`SET autocommit=0`, no BEGIN).
 * - django b03, b04, b05 1.11.14: its first look-up locks, and under REPEATABLE READ the gap as well, so that the racing
 *   INSERT waits and none fails; with READ COMMITTED (2.0.7) it does. From 2.2 on the re-read locks by itself.
 * - django b11 joins another table, whose row FOR UPDATE would lock as well where there is no OF: left, unlike on PostgreSQL.
 * - activerecord f04, eloquent a03b, typeorm a04 and a06 select only ids of one table and delete exactly these: a queue
 *   could send the same. They are rewritten because this test names all tables; without that they are `no-join`.
 * - activerecord a03c is a DELETE over a join with the list as one more condition: nothing that has a list alone.
 * - activerecord b09 locks the row by itself, but later, by its key, and works with what it has read before.
 * - activerecord b06, eloquent b10, sequelize b08, typeorm b03: no savepoint, which MySQL does not need; candidates here,
 *   unlike on PostgreSQL.
 * - eloquent b09, prisma b06: INSERT IGNORE; no error, no key. activerecord b08: ON DUPLICATE KEY UPDATE, which locks.
 * - sequelize b02, prisma b02: the re-read comes on another connection.
 */
import { describe, expect, it } from 'vitest';
import { allCaptures, curatedCaptures, type Capture } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations, type Conversation } from './conversation.ts';
import { direct, everything, mysqlShared, through, type Finding, type Through } from './through.ts';

const catalog = capturedCatalog();
const captures = allCaptures();
const flavours = ['mariadb', 'mysql'] as const;
const patient = 120_000;

const short: Record<string, string> = {
  'split-delete': 'split-delete',
  'unlocked-read-after-unique-violation': 'unlocked-read',
};
const told = (findings: Finding[]): string =>
  findings
    .map(({ pattern, decision, reason }) => [short[pattern], decision, reason].filter(Boolean).join(' '))
    .join(', ') || '-';

function expectUnharmed(conversation: Conversation, found: Through): void {
  const { label, executions, open } = conversation;
  const { session, transcript } = found;
  expect(found.complete, label).toBe(true);
  expect(session.raw, label).toBe(false);
  expect(transcript.ended, label).toBe(false);
  expect(session.idle, label).toBe(!open);
  expect(transcript.toClient.equals(direct(conversation).toClient), label).toBe(true);
  const { forwarded, rewritten, refused } = session.counters;
  expect(forwarded + rewritten + refused, label).toBe(executions);
}

/** Decisions by scenario, and the versions that sent it so. */
type Scenarios = Map<string, Map<string, Set<string>>>;

function note(scenarios: Scenarios, capture: Capture, index: number, findings: Finding[]): void {
  if (index > 0 && findings.length === 0) return;
  const name = `${capture.orm} ${capture.scenario}${index === 0 ? '' : ` connection ${index + 1}`}`;
  const decisions = scenarios.get(name) ?? new Map<string, Set<string>>();
  const versions = decisions.get(told(findings)) ?? new Set();
  scenarios.set(name, decisions.set(told(findings), versions.add(variant(capture))));
}

function variant({ version, driver, db }: Capture): string {
  const how = /prepared_statements=false|type mariadb|mariadb 3/.exec(driver)?.[0];
  const path = db.includes('MySQL code path') ? 'MySQL path' : undefined;
  return [version, how, path].filter(Boolean).join(' ');
}

describe('every recorded scenario', () => {
  const scenarios: Scenarios = new Map();
  const texts = new Set<string>();
  let rewritten = 0;

  it.each(flavours)(
    '%s: leaves the client with the bytes that it would have had',
    (flavour) => {
      // The sessions of one process share what they know, as in the proxy.
      const shared = mysqlShared();
      for (const capture of captures) {
        for (const [index, conversation] of conversations(capture, catalog, flavour).entries()) {
          const found = through(conversation, catalog, { shared });
          expectUnharmed(conversation, found);
          rewritten += found.session.counters.rewritten;
          for (const { kind, sql } of found.ran) if (kind === 'rewritten' || kind === 'probe') texts.add(sql);
          if (flavour === 'mariadb') note(scenarios, capture, index, found.findings);
        }
      }
      expect(rewritten).toBeGreaterThan(80);
    },
    patient,
  );

  it('is left alone where it was recorded as a trap', () => {
    const traps = captures.filter(
      ({ scenario, note: text }) => /^fb?\d/.test(scenario) || text.includes('TRAP'),
    );
    const kinds = new Set(traps.map(({ orm, scenario }) => `${orm} ${scenario}`));
    expect(kinds.size).toBeGreaterThan(25);
    const rewrittenTraps = [...kinds].filter((name) =>
      [...(scenarios.get(name)?.keys() ?? [])].some((decision) => decision.includes('rewritten')),
    );
    expect(rewrittenTraps).toEqual([
      // Recorded to see whether Rails collapses consecutive ids; it selects ids only and deletes exactly these.
      'activerecord f04_delete_consecutive_ids',
      // Not the trap, which is the DELETE of the parents: that of the grandchildren on the way, see above.
      'django f05_children_deleted_first',
    ]);
    const parents = [...texts].filter((text) => /DELETE `myapp_p` FROM .*myapp_ch/.test(text));
    expect(parents).toEqual([]);
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
    const values = (sql: string): string =>
      sql.replaceAll(/'[^']*'/g, "'…'").replaceAll(/(`\w+_id`|`id`) = \d+/g, '$1 = …');
    const lines = [...new Set([...texts].map(values))].toSorted();
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('rewritten.txt');
  });
});

describe('with the setting of the Django pack for REPEATABLE READ', () => {
  const rules = { ...everything, unlockedRead: { repeatable_read: 'rewrite' } };

  it(
    'reads are locked by the violated key, without a look at the primary key first',
    () => {
      const shared = mysqlShared();
      let locked = 0;
      for (const capture of captures) {
        for (const conversation of conversations(capture, catalog)) {
          const found = through(conversation, catalog, { rules, shared });
          expectUnharmed(conversation, found);
          expect(found.findings.map(({ reason }) => reason)).not.toContain('isolation');
          const reads = found.findings.filter(
            ({ pattern, decision }) => pattern !== 'split-delete' && decision === 'rewritten',
          );
          if (reads.length === 0 || found.ran.some(({ kind }) => kind === 'probe')) continue;
          locked += reads.length;
          const text = found.ran.find(({ kind, sql }) => kind === 'rewritten' && / FOR UPDATE;?$/.test(sql));
          expect(text?.sql, conversation.label).toMatch(/email|key/);
        }
      }
      expect(locked).toBeGreaterThan(30);
    },
    patient,
  );
});

describe('bytes that pass', () => {
  it.each(['off', 'observe'] as const)(
    'are the same in both directions in mode %s',
    (mode) => {
      let seen = 0;
      const shared = mysqlShared();
      for (const flavour of flavours) {
        for (const capture of [...curatedCaptures(), ...captures]) {
          for (const conversation of conversations(capture, catalog, flavour)) {
            const found = through(conversation, catalog, { rules: { mode, tablesNamed: true }, shared });
            expectUnharmed(conversation, found);
            const same = found.transcript.toServer.equals(direct(conversation).toServer);
            expect(same, conversation.label).toBe(true);
            expect(found.session.counters.rewritten).toBe(0);
            if (mode === 'off') expect(found.session.counters.inspected + found.findings.length).toBe(0);
            seen += found.transcript.toServer.length + found.transcript.toClient.length;
          }
        }
      }
      expect(seen).toBeGreaterThan(2_000_000);
    },
    patient,
  );
});
