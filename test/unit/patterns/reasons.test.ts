/** Each reason of each pattern: left alone, and the twin that is found. */
import { describe, expect, test } from 'vitest';
import { reasons } from '../../../src/patterns/reasons.ts';
import type { Reason } from '../../../src/patterns/reasons.ts';
import type { PatternId } from '../../../src/patterns/types.ts';
import { verdictOf } from './scene.ts';
import { splitDeleteCases } from './split-delete.cases.ts';
import type { Case } from './stories.ts';
import { unlockedReadCases } from './unlocked-read.cases.ts';

/** Given by the sessions: isolation, read-only state, encodings, errors of plans, servers. Tested there. */
const everySession: Reason[] = ['isolation', 'read-only', 'encoding', 'plan-failed'];
const bySession: Record<PatternId, Reason[]> = {
  'split-delete': [...everySession, 'guard-unsafe'],
  'unlocked-read-after-unique-violation': [...everySession, 'over-limit', 'no-row'],
};

const cases: Record<PatternId, Case[]> = {
  'split-delete': splitDeleteCases,
  'unlocked-read-after-unique-violation': unlockedReadCases,
};

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
      const covered = new Set([...list.map((one) => one.reason), ...bySession[pattern]]);
      expect(expected.filter((reason) => !covered.has(reason))).toEqual([]);
      expect([...covered].filter((reason) => !expected.includes(reason))).toEqual([]);
    });
  });
}
