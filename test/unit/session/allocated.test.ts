/**
 * A statement that nothing is found in costs next to nothing. Counted in bytes on the heap, which are the same on a busy
 * machine; time is for bench/. A bound that is too low after a change on purpose is set anew, with bench/micro/session.ts.
 */
import { expect, test } from 'vitest';
import { exchanges } from '../../streams/exchanges.ts';
import { allocatedBytes } from '../../support/allocated.ts';

/** Bytes a transaction: about half as much again as was measured on Node 20, where V8 keeps most. */
const bounds: Record<string, number> = {
  'select-only, simple': 900,
  'select-only, extended': 2_400,
  'select-only, prepared': 1_300,
  'TPC-B, simple': 14_000,
  'ORM-like, simple': 12_500,
  'point select, text': 2_100,
  'point select, prepared': 3_300,
};

test.each(exchanges())('$name', { timeout: 120_000 }, ({ name, transaction }) => {
  const bytes = allocatedBytes(transaction);
  expect(bytes).toBeLessThan(bounds[name] ?? 0);
  expect(bytes).toBeGreaterThan(0);
});
