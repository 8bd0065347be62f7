/**
 * How many round trips a rewrite costs beyond those of the original statement, on recorded transactions: counted in writes to
 * the server, the guard's own among them. Cold: nobody has asked for the table's facts. Warm: another session has; one that
 * has rewritten before under the same role and search path saves one more on PostgreSQL.
 */
import { describe, expect, it } from 'vitest';
import * as pg from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { everything, replay } from './replay.ts';
import { sharedState } from './session.ts';
import * as mysql from './mysql/captures.ts';
import { capturedCatalog as mysqlCatalog } from './mysql/catalog.ts';
import { conversations as mysqlConversations } from './mysql/conversation.ts';
import { mysqlShared, through } from './mysql/through.ts';

interface Played {
  findings: { pattern: string; decision: string }[];
  writes: number;
}

/** Pattern -> the different costs that were seen, over all recordings in which exactly one statement is rewritten. */
class Costs {
  readonly seen: Record<string, string[]> = {};

  add(observed: () => Played, rewritten: () => Played): void {
    const cold = rewritten();
    const [only, more] = cold.findings;
    if (only?.decision !== 'rewritten' || more !== undefined) return;
    const plain = observed().writes;
    const cost = `cold ${cold.writes - plain}, warm ${rewritten().writes - plain}`;
    const costs = (this.seen[only.pattern] ??= []);
    if (!costs.includes(cost)) costs.push(cost);
  }
}

describe('extra round trips of a rewrite', () => {
  it('PostgreSQL', () => {
    const catalog = capturedCatalog();
    const costs = new Costs();
    for (const conversation of pg.curatedCaptures().flatMap((capture) => conversations(capture, catalog))) {
      const shared = sharedState();
      costs.add(
        () => replay(conversation, catalog, { ...everything, mode: 'observe' }),
        () => replay(conversation, catalog, everything, undefined, shared),
      );
    }
    const extra = ['cold 4, warm 3', 'cold 3, warm 2'];
    expect(costs.seen).toEqual({ 'split-delete': extra, 'unlocked-read-after-unique-violation': extra });
  });

  it('MariaDB and MySQL', () => {
    const catalog = mysqlCatalog();
    const costs = new Costs();
    const all = mysql
      .curatedCaptures()
      .flatMap((capture) =>
        ['mariadb', 'mysql'].flatMap((flavour) => mysqlConversations(capture, catalog, flavour as 'mysql')),
      );
    for (const conversation of all) {
      const shared = mysqlShared();
      costs.add(
        () => through(conversation, catalog, { rules: { mode: 'observe', tablesNamed: true } }),
        () => through(conversation, catalog, { shared }),
      );
    }
    // One command after the other, and the guard is freed in one more, for which nobody waits.
    expect(costs.seen).toEqual({
      'split-delete': ['cold 5, warm 3', 'cold 6, warm 3', 'cold 7, warm 5'],
      'unlocked-read-after-unique-violation': ['cold 6, warm 5', 'cold 3, warm 2'],
    });
  });
});
