/** The names a session remembers: bounded in number and in bytes, and every change can be taken back. */
import { expect, test } from 'vitest';
import { Named } from '../../../src/session/postgres/prepared.ts';

const of = (bytes: number): { bytes: number } => ({ bytes });

test('a new value over the number or the bytes is not noted, and what it replaces is forgotten', () => {
  const named = new Named(3, 100);
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
});

test('changes taken back leave the room they found', () => {
  const named = new Named(10, 100);
  const first = of(70);
  named.set('a', first);
  const undo = [named.set('a', of(90)), named.set('a', undefined), named.set('b', of(100))];
  for (const back of undo.toReversed()) back();
  expect(named.get('a')).toBe(first);
  named.set('b', of(31));
  expect(named.get('b')).toBeUndefined();
  named.set('b', of(30));
  expect(named.get('b')?.bytes).toBe(30);
  named.clear();
  named.set('b', of(100));
  expect(named.get('b')?.bytes).toBe(100);
});
