/** One statement must not stop the sessions of all others: a run of signs is read in linear time. */
import { expect, test } from 'vitest';
import { classify } from '../../../src/sql/classify.ts';
import { endOfOperator } from '../../../src/sql/operators.ts';
import type { LexerSettings } from '../../../src/sql/shape.ts';

const postgres: LexerSettings = {
  dialect: 'postgres',
  standardConformingStrings: true,
  ansiQuotes: true,
  noBackslashEscapes: true,
};

/** How many bytes were looked at to find all operators of the text. */
function looks(text: string): number {
  let count = 0;
  const bytes = new Proxy(Buffer.from(text, 'latin1'), {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) count += 1;
      return Reflect.get(target, key, target) as unknown;
    },
  });
  for (let at = 0; at < text.length;) at = endOfOperator(bytes, at);
  return count;
}

test.each(['+', '+-', '*+'])('a run of %s', (sign) => {
  const short = looks(sign.repeat(500));
  const long = looks(sign.repeat(5_000));
  expect(long).toBeLessThan(11 * short);
});

test('signs are operators of their own, and a long run of them is still a query', () => {
  expect(endOfOperator(Buffer.from('*+-+1'), 0)).toBe(1);
  expect(endOfOperator(Buffer.from('@+-+1'), 0)).toBe(4);
  const { shape } = classify(Buffer.from(`SELECT ${'+'.repeat(1_000)}1 AS n FROM t`), postgres);
  expect(shape).toMatchObject({ kind: 'select', tablesRead: [{ name: 't' }] });
});
