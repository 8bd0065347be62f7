/** Rows deleted one by one: reported once, and only where they are rows of the SELECT. */
import { expect, test } from 'vitest';
import { verdictOf, type Step } from './scene.ts';

const keys: Step = { sql: 'SELECT c.id FROM c WHERE c.v > 5', rows: ['1', '2', '3'] };
const whole: Step = {
  sql: 'SELECT c.* FROM c WHERE c.v > 5',
  rows: ['1', '2'],
  columns: [{}, { name: 'v' }],
};
const one = (id: number, table = 'c', column = 'id'): string =>
  `DELETE FROM ${table} WHERE ${column} = ${id}`;

test.each<[string, (Step | string)[]]>([
  ['the first row', [keys, one(1)]],
  ['the third row', [keys, one(1), one(2), one(3)]],
  ['other rows', [keys, one(7), one(8)]],
  ['one of them and another', [keys, one(7), one(1)]],
  ['another table', [keys, one(1, 'k'), one(2, 'k')]],
  ['another column', [keys, one(1), one(2, 'c', 'parent_id')]],
  ['the only row', [{ ...keys, rows: ['1'] }, one(1), one(1)]],
  ['with other conditions', [keys, one(1), `${one(2)} AND version = 1`]],
  ['rows of a joined table', [{ ...whole, sql: 'SELECT a.* FROM a JOIN c ON c.a = a.id' }, one(1), one(2)]],
  ['in a transaction that is over', [keys, one(1), 'COMMIT', one(2)]],
])('nothing to report: %s', (_, steps) => {
  expect(verdictOf(['BEGIN', ...steps])).toBe('nothing');
});

test.each<[string, (Step | string)[]]>([
  ['the second row', [keys, one(3), one(1)]],
  ['of whole rows', [whole, one(1), one(2)]],
])('reported: %s', (_, steps) => {
  expect(verdictOf(['BEGIN', ...steps])).toBe('row-loop');
});
