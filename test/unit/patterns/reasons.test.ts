/** Each reason of each pattern: left alone, and the twin that is found. */
import { describe, expect, test } from 'vitest';
import { reasons } from '../../../src/patterns/reasons.ts';
import type { Reason } from '../../../src/patterns/reasons.ts';
import type { PatternId } from '../../../src/patterns/types.ts';
import { anticipateCases, anticipateMysqlCases } from './anticipate.cases.ts';
import { verdictOf } from './scene.ts';
import { splitDeleteCases } from './split-delete.cases.ts';
import { splitDeleteMysqlCases } from './split-delete.mysql.cases.ts';
import type { Case } from './stories.ts';
import { unlockedReadCases } from './unlocked-read.cases.ts';
import { unlockedReadMysqlCases } from './unlocked-read.mysql.cases.ts';

/** Given by the sessions: isolation, read-only state, encodings, errors of plans, servers. Tested there. */
const everySession: Reason[] = [
  'isolation',
  'read-only',
  'encoding',
  'plan-failed',
  'database-changed',
  'breaker',
  'defect',
];
/** Of evidence: test/races/evidence*.test.ts. */
const ofLooks: Reason[] = ['snapshot', 'look-visible', 'look-failed'];
const bySession: Record<PatternId, Reason[]> = {
  'split-delete': [...everySession, ...ofLooks, 'guard-unsafe'],
  'unlocked-read-after-unique-violation': [...everySession, ...ofLooks, 'over-limit', 'no-row'],
  anticipate: [...everySession.filter((reason) => reason !== 'plan-failed'), 'guard-unsafe', 'guard-not-had'],
};

const cases: Record<PatternId, Case[]> = {
  'split-delete': splitDeleteCases,
  'unlocked-read-after-unique-violation': unlockedReadCases,
  anticipate: anticipateCases,
};

const mysqlCases: Record<PatternId, Case[]> = {
  'split-delete': splitDeleteMysqlCases,
  'unlocked-read-after-unique-violation': unlockedReadMysqlCases,
  anticipate: anticipateMysqlCases,
};

/** What cannot happen on MySQL and MariaDB. */
const postgresOnly: Reason[] = [
  'set-constraints',
  'row-security',
  'outer-join',
  'no-privilege',
  'deferred-closure',
];

for (const [pattern, list] of Object.entries(cases) as [PatternId, Case[]][]) {
  describe(pattern, () => {
    test.each(list)('the twin of $reason is found: $what', ({ found }) => {
      expect(verdictOf(found.steps, { ...found.options, patterns: [pattern] })).toBe('found');
    });

    test.each(list)('left alone because $reason: $what', ({ reason, refused }) => {
      expect(verdictOf(refused.steps, { ...refused.options, patterns: [pattern] })).toBe(reason);
    });

    test('every reason of the pattern has a case', () => {
      const expected = (Object.keys(reasons) as Reason[]).filter((reason) =>
        (reasons[reason].patterns as readonly PatternId[]).includes(pattern),
      );
      const covered = new Set([
        ...[...list, ...mysqlCases[pattern]].map((one) => one.reason),
        ...bySession[pattern],
      ]);
      expect(expected.filter((reason) => !covered.has(reason))).toEqual([]);
      expect([...covered].filter((reason) => !expected.includes(reason))).toEqual([]);
    });
  });
}

describe.each(['mysql', 'mariadb'] as const)('%s', (dialect) => {
  for (const [pattern, list] of Object.entries(mysqlCases) as [PatternId, Case[]][]) {
    test.each(list)(`${pattern}: the twin of $reason is found: $what`, ({ found }) => {
      expect(verdictOf(found.steps, { ...found.options, dialect, patterns: [pattern] })).toBe('found');
    });

    test.each(list)(`${pattern}: left alone because $reason: $what`, ({ reason, refused }) => {
      expect(verdictOf(refused.steps, { ...refused.options, dialect, patterns: [pattern] })).toBe(reason);
    });
  }

  test.each(Object.keys(mysqlCases) as PatternId[])('every reason of %s has a case', (pattern) => {
    const expected = (Object.keys(reasons) as Reason[]).filter((reason) =>
      (reasons[reason].patterns as readonly PatternId[]).includes(pattern),
    );
    const known = [...mysqlCases[pattern].map((one) => one.reason), ...bySession[pattern], ...postgresOnly];
    expect(expected.filter((reason) => !known.includes(reason))).toEqual([]);
  });
});
