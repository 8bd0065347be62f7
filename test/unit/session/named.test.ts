/** The names a session remembers: bounded in number and in bytes, and every change can be taken back. */
import { expect, test } from 'vitest';
import { Budget } from '../../../src/memory/budget.ts';
import { Named } from '../../../src/session/postgres/prepared.ts';

const of = (bytes: number): { bytes: number } => ({ bytes });

test('a new value over the number or the bytes is not noted, and what it replaces is forgotten', () => {
  let full = 0;
  const named = new Named(3, 100, new Budget(Infinity).share(), () => (full += 1));
  named.set('a', of(60));
  named.set('b', of(40));
  named.set('c', of(1));
  expect(named.get('c')).toBeUndefined();
  named.set('a', of(61));
  expect(named.get('a')).toBeUndefined();
  named.set('a', of(10));
  named.set('c', of(10));
  named.set('d', of(10));
  expect(['a', 'b', 'c', 'd'].map((name) => named.get(name)?.bytes)).toEqual([10, 40, 10, undefined]);
  expect(full).toBe(3);
});

test('changes taken back leave the room they found', () => {
  const budget = new Budget(Infinity);
  const named = new Named(10, 100, budget.share(), () => undefined);
  const first = of(70);
  named.set('a', first);
  const undo = [named.set('a', of(90)), named.set('a', undefined), named.set('b', of(100))];
  for (const change of undo.toReversed()) change.undo();
  expect(named.get('a')).toBe(first);
  named.set('b', of(31));
  expect(named.get('b')).toBeUndefined();
  named.set('b', of(30));
  expect(named.get('b')?.bytes).toBe(30);
  named.clear();
  named.set('b', of(100));
  expect(named.get('b')?.bytes).toBe(100);
  expect(budget.used).toBe(100);
  named.clear();
  expect(budget.used).toBe(0);
});

test('without room in the share a name counts as never seen, what it replaced included', () => {
  const budget = new Budget(50);
  const named = new Named(10, 100, budget.share(), () => undefined);
  named.set('a', of(30));
  const undo = named.set('a', of(51));
  expect(named.get('a')).toBeUndefined();
  expect(budget.used).toBe(0);
  const other = budget.share();
  other.take(40);
  undo.undo();
  expect(named.get('a')).toBeUndefined();
  other.end();
  named.set('a', of(50));
  expect(budget.used).toBe(50);
});
