/** Rules that can never apply. Property: whoever is said to be shadowed is never chosen. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadText } from '../../../src/config/load.ts';
import { ruleSet } from '../../../src/config/rule-set.ts';
import { shadowed } from '../../../src/config/shadowed.ts';
import type { Rule, RuleMatch } from '../../../src/patterns/rule.ts';
import { splitDeleteSettings } from '../../../src/patterns/split-delete/settings.ts';
import { anybody } from '../../streams/session.ts';

const rule = (id: string, match: RuleMatch): Rule => ({
  id,
  pattern: 'split-delete',
  mode: 'rewrite',
  match,
  settings: splitDeleteSettings.parse({}),
  tablesNamed: true,
});
const hidden = (first: RuleMatch, second: RuleMatch): boolean =>
  shadowed([rule('a', first), rule('b', second)], 2).length > 0;

test.each<[RuleMatch, RuleMatch, boolean]>([
  [{}, {}, true],
  [{}, { tables: ['cart'] }, true],
  [{ tables: ['cart'] }, {}, false],
  [{ tables: ['cart_*'] }, { tables: ['cart_item', 'cart_line_*'] }, true],
  [{ tables: ['cart_*'] }, { tables: ['cart*'] }, false],
  [{ tables: ['cart_?'] }, { tables: ['cart_*'] }, false],
  [{ tables: ['cart'] }, { tables: ['shop.cart'] }, true],
  [{ tables: ['shop.cart'] }, { tables: ['cart'] }, false],
  [{ not_tables: ['outbox'] }, { tables: ['cart'] }, false],
  [{ not_tables: ['outbox'] }, { not_tables: ['*box'] }, true],
  [{ users: ['app'] }, { users: ['app'], databases: ['shop'] }, true],
  [{ users: ['app'] }, { databases: ['shop'] }, false],
  [{ applications: ['gunicorn*'] }, { applications: ['gunicorn: w*'] }, true],
])('%o before %o: %s', (first, second, expected) => expect(hidden(first, second)).toBe(expected));

test('another pattern is not in the way', () => {
  const other = { ...rule('b', {}), pattern: 'unlocked-read-after-unique-violation' } as unknown as Rule;
  expect(shadowed([rule('a', {}), other], 2)).toEqual([]);
});

test('who is shadowed is never chosen', () => {
  const letter = fc.constantFrom('a', 'b', '*', '?', '.');
  const glob = fc.array(letter, { minLength: 1, maxLength: 4 }).map((all) => all.join(''));
  const globs = fc.option(fc.array(glob, { minLength: 1, maxLength: 2 }), { nil: undefined });
  const match = fc.record({ tables: globs, not_tables: globs }).map((one) => {
    const { tables, not_tables: not } = one;
    return { ...(tables && { tables }), ...(not && { not_tables: not }) };
  });
  const part = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
    .map((all) => all.join(''));
  let seen = 0;
  fc.assert(
    fc.property(match, match, part, fc.option(part, { nil: undefined }), (first, second, name, schema) => {
      if (!hidden(first, second)) return;
      seen++;
      const table = schema === undefined ? { name } : { name, schema };
      const found = ruleSet([rule('a', first), rule('b', second)], undefined)
        .forSession(anybody)
        .ruleFor('split-delete', table);
      expect(found?.id).not.toBe('b');
    }),
    { numRuns: 3000 },
  );
  expect(seen).toBeGreaterThan(50);
});

test('a second pack for the same sessions is a warning at its place; a general one is not', () => {
  const text = (packs: string): string =>
    `listeners: [{name: a, listen: "127.0.0.1:1", server: "postgres://db"}]\nrules: {packs: [${packs}]}\n`;
  const { warnings } = loadText('f.yaml', text('django, rails, generic'), {});
  expect(warnings.map(({ where, message }) => `${where}: ${message}`)).toEqual([
    expect.stringMatching(
      /^rules\/rails\.yaml:\d+:\d+: rule "rails\/split-delete" never applies: "django\/split-delete" \(rules\/django\.yaml:\d+:\d+\) comes first/,
    ),
    expect.stringMatching(/rails\/unlocked-read/),
  ]);
  expect(loadText('f.yaml', text('generic, django'), {}).warnings).toEqual([]);
});
