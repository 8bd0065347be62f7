/** The circuit breaker by itself: what opens it, what closes it, one trial at a time. */
import { expect, test } from 'vitest';
import { Breaker } from '../../../src/session/breaker.ts';

const settings = { failures: 3, window: 100, pause: 1000 };
const rule = 'a/rule';

function opened(): Breaker {
  const breaker = new Breaker(settings);
  expect([1, 2, 3].map((now) => breaker.failed(rule, now))).toEqual([false, false, true]);
  return breaker;
}

test('so many failures within the window open it, for this rule only', () => {
  const breaker = opened();
  expect(breaker.allows(rule, 4)).toBe(false);
  expect(breaker.allows('another/rule', 4)).toBe(true);
  expect([...breaker.states()]).toEqual([
    [rule, 'open'],
    ['another/rule', 'closed'],
  ]);
});

test('failures further apart than the window do not', () => {
  const breaker = new Breaker(settings);
  for (let now = 0; now < 1000; now += 50) expect(breaker.failed(rule, now)).toBe(false);
  expect(breaker.allows(rule, 1000)).toBe(true);
});

test('after the pause one rewrite is tried, and the others wait for its end', () => {
  const breaker = opened();
  expect(breaker.allows(rule, 1002)).toBe(false);
  expect(breaker.allows(rule, 1003)).toBe(true);
  expect(breaker.states().get(rule)).toBe('half-open');
  expect(breaker.allows(rule, 1004)).toBe(false);
  expect(breaker.succeeded(rule)).toBe(true);
  expect(breaker.states().get(rule)).toBe('closed');
  expect(breaker.allows(rule, 1005)).toBe(true);
  // It has forgotten the failures of before.
  expect(breaker.failed(rule, 1006)).toBe(false);
});

test('a trial that fails opens it for another pause', () => {
  const breaker = opened();
  breaker.allows(rule, 1003);
  expect(breaker.failed(rule, 1010)).toBe(true);
  expect(breaker.allows(rule, 2009)).toBe(false);
  expect(breaker.allows(rule, 2010)).toBe(true);
});

test('a trial without a verdict lets the next one try; one that is never heard of does so after a pause', () => {
  const breaker = opened();
  breaker.allows(rule, 1003);
  breaker.undecided(rule);
  expect(breaker.allows(rule, 1004)).toBe(true);
  expect(breaker.allows(rule, 2003)).toBe(false);
  expect(breaker.allows(rule, 2004)).toBe(true);
});

test('what was under way when it opened changes nothing', () => {
  const breaker = opened();
  expect(breaker.failed(rule, 10)).toBe(false);
  expect(breaker.succeeded(rule)).toBe(false);
  expect(breaker.states().get(rule)).toBe('open');
});
