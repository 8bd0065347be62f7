import { expect, test } from 'vitest';
import { problemOf } from '../../../src/session/problem.ts';

test('a defect is told by kind and place, never by its message', () => {
  const secret = "syntax error near 'secret'\n    at secret (secret.ts:1:1)";
  const problem = problemOf(new RangeError(secret));
  expect(problem).toMatch(/^RangeError at /);
  expect(problem).toContain('problem.test.ts:');
  expect(problem).not.toContain('secret');
  expect(problemOf('secret')).toBe('a thrown string');
});
