/** The text of the question, and answers that are not understood. What servers say to it: test/same/facts.test.ts. */
import { expect, test } from 'vitest';
import { factsQuery, readFacts } from '../../../src/facts/postgres.ts';
import type { FactsQuestion } from '../../../src/facts/types.ts';

const question: FactsQuestion = {
  targetId: 4_294_967_295,
  target: { schema: 's', name: 'c' },
  tables: [{ name: `o'cl"o\\ck` }],
  functions: ['pg_catalog.lower', 'now'],
  constraint: { schema: 's', table: 'c', name: 'k' },
};

test('constants are escaped, also for standard_conforming_strings off', () => {
  const sql = factsQuery(question);
  expect(sql).toContain(`E'"o''cl""o\\\\ck"'`);
  expect(sql).toContain('4294967295::pg_catalog.oid');
  expect(sql).toContain(`ARRAY['lower', 'now']`);
});

test('no operator, and nothing that looks one up, without its schema', () => {
  const bare = factsQuery(question)
    .replace(/'(?:[^']|'')*'/g, "''")
    .replaceAll(/OPERATOR\(pg_catalog\.(=|<>|>)\)/g, '');
  expect(bare).not.toMatch(/[=<>+*/|~!@#%^&-]/);
  expect(bare).not.toMatch(/\b(IN|LIKE|BETWEEN|NULLIF|CASE|USING|DISTINCT)\b/);
  for (const [, name] of bare.matchAll(/::(\S+?)[[),\s]/g)) expect(name).toMatch(/^pg_catalog\./);
  const calls = [...bare.matchAll(/([a-z_.]+)\(/g)].map(([, name]) => name);
  expect(calls.filter((name) => name?.startsWith('pg_catalog.') !== true && name !== 'u')).toEqual([]);
  const relations = [...bare.matchAll(/\b(?:FROM|JOIN)\s+([a-z_.]+)\b/g)].map(([, name]) => name);
  const own = new Set(['target', 'relations', 'closure', 'written']);
  expect(
    relations.filter((name) => !own.has(name ?? '') && name?.startsWith('pg_catalog.') !== true),
  ).toEqual([]);
});

test('one statement', () => {
  expect(factsQuery(question)).not.toContain(';');
});

test.each(['', 'null', '{}', '[]', '{"targetResolves":true}', 'not json'])('%j is no answer', (answer) => {
  expect(readFacts(answer)).toBeUndefined();
});
