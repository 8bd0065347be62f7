/** Answers live for their lifetime, are bounded, and are forgotten on demand. */
import { expect, test } from 'vitest';
import { FactsCache, defaultFactsCacheLimits } from '../../../src/facts/cache.ts';
import type { FactsQuestion } from '../../../src/facts/types.ts';
import { factsOf } from '../patterns/facts.ts';

const question: FactsQuestion = { target: { name: 'c' }, tables: [{ name: 'c' }], functions: [] };
const facts = factsOf();

test('a lifetime of a minute', () => {
  const cache = new FactsCache();
  cache.set('e', question, facts, 1000);
  expect(cache.get('e', { ...question }, 1000 + defaultFactsCacheLimits.lifetime - 1)).toBe(facts);
  expect(cache.get('e', question, 1000 + defaultFactsCacheLimits.lifetime)).toBeUndefined();
  expect(defaultFactsCacheLimits.lifetime).toBe(60_000);
});

test('every part of the question counts', () => {
  const cache = new FactsCache();
  cache.set('e', question, facts, 0);
  const others: FactsQuestion[] = [
    { ...question, targetId: 1 },
    { ...question, target: { schema: 's', name: 'c' } },
    { ...question, tables: [{ name: 'c' }, { name: 'a' }] },
    { ...question, functions: ['lower'] },
    { ...question, constraint: { schema: 's', table: 'c', name: 'k' } },
    { target: { name: '' }, tables: [{ name: 'c' }, { name: 'c' }], functions: [] },
  ];
  for (const other of others) expect(cache.get('e', other, 0)).toBeUndefined();
  expect(cache.get('f', question, 0)).toBeUndefined();
});

test('bounded: the oldest goes first', () => {
  const cache = new FactsCache({ lifetime: 1000, entries: 3 });
  for (let i = 0; i < 10; i++) cache.set(`e${i % 2}`, { ...question, targetId: i }, facts, 0);
  expect(cache.size).toBe(3);
  expect(cache.get('e1', { ...question, targetId: 9 }, 0)).toBe(facts);
  expect(cache.get('e0', { ...question, targetId: 0 }, 0)).toBeUndefined();
  cache.set('e1', { ...question, targetId: 9 }, facts, 500);
  expect(cache.size).toBe(3);
});

test('forgotten in one environment or in all', () => {
  const cache = new FactsCache();
  cache.set('e', question, facts, 0);
  cache.set('f', question, facts, 0);
  cache.forget('e');
  expect([cache.get('e', question, 0), cache.get('f', question, 0), cache.size]).toEqual([
    undefined,
    facts,
    1,
  ]);
  cache.forget();
  expect([cache.get('f', question, 0), cache.size]).toEqual([undefined, 0]);
});
