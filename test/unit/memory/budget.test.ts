import { expect, test } from 'vitest';
import { Budget } from '../../../src/memory/budget.ts';

test('what one share has the others cannot take, and it comes back', () => {
  const budget = new Budget(100);
  let full = 0;
  const one = budget.share(() => (full += 1));
  const other = budget.share(() => (full += 1));
  expect(one.take(60)).toBe(true);
  expect(other.take(41)).toBe(false);
  expect(full).toBe(1);
  expect(other.take(40)).toBe(true);
  one.give(10);
  expect(budget.used).toBe(90);
  expect(other.take(10)).toBe(true);
  one.end();
  one.end();
  expect(budget.used).toBe(50);
});
