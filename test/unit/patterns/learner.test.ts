/** What is learnt from the ends of transactions, and when it is proposed. */
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { suggestionsPage } from '../../../src/admin/suggestions.ts';
import type { Problem } from '../../../src/config/problem.ts';
import { readYaml } from '../../../src/config/source.ts';
import { packSchema } from '../../../src/config/schema.ts';
import { endingOf } from '../../../src/patterns/anticipate/ending.ts';
import { Learner, type Ending, type Seen } from '../../../src/patterns/anticipate/learner.ts';
import { Scene, type Options, type Step } from './scene.ts';

const settings = { after: 3, halfLife: 1_000, shapes: 3 };
const seen = (ending: Ending, changes: Partial<Seen> = {}): Seen => ({
  listener: 'main',
  database: 'shop',
  table: 'cart',
  fingerprint: 'a'.repeat(16),
  ending,
  opening: true,
  text: 'SELECT id FROM cart WHERE n = ?',
  ...changes,
});

test('proposed once, when it was seen often enough and a DELETE was among it', () => {
  const learner = new Learner(settings);
  expect(learner.add(seen('empty'), 0)).toBeUndefined();
  expect(learner.add(seen('empty'), 0)).toBeUndefined();
  expect(learner.add(seen('empty'), 0)).toBeUndefined();
  expect(learner.proposals(0)).toEqual([]);
  expect(learner.add(seen('row-loop'), 0)).toMatchObject({ table: 'cart' });
  expect(learner.add(seen('by-list'), 0)).toBeUndefined();
  expect(learner.proposals(0)).toMatchObject([
    { counts: { empty: 3, 'row-loop': 1, 'by-list': 1, alone: 0 } },
  ]);
});

test('transactions that go on otherwise count where the shape is known, and propose nothing', () => {
  const learner = new Learner(settings);
  learner.add(seen('alone'), 0);
  expect(learner.knows(seen('alone'))).toBe(false);
  for (const ending of ['by-list', 'alone', 'alone', 'alone'] as const) learner.add(seen(ending), 0);
  expect(learner.proposals(0)).toEqual([]);
  for (const _ of [1, 2]) learner.add(seen('by-list'), 0);
  expect(learner.proposals(0)).toMatchObject([{ counts: { alone: 3, 'by-list': 3 } }]);
});

test('what was seen fades, and may be proposed again', () => {
  const learner = new Learner(settings);
  for (const _ of [1, 2, 3]) learner.add(seen('by-list'), 0);
  expect(learner.proposals(0)).toHaveLength(1);
  expect(learner.proposals(1_000)).toEqual([]);
  expect(learner.add(seen('by-list'), 1_000)).toMatchObject({ table: 'cart' });
});

test('bounded: what was seen least goes', () => {
  const learner = new Learner(settings);
  for (const table of ['a', 'a', 'b', 'c', 'c', 'd']) learner.add(seen('by-list', { table }), 0);
  expect(['a', 'b', 'c', 'd'].map((table) => learner.knows(seen('by-list', { table })))).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test('a worker passes on what it sees, but for what nobody counts', () => {
  const told: Seen[] = [];
  const learner = new Learner(settings, (one) => told.push(one));
  learner.add(seen('alone'), 0);
  learner.add(seen('by-list'), 0);
  learner.add(seen('alone'), 0);
  expect(told.map(({ ending }) => ending)).toEqual(['by-list', 'alone']);
});

test('the page is a file of rules, whatever tables are called', () => {
  const learner = new Learner(settings);
  const tables = ['cart', 'Shop."x": {#', 'a\n- b', ''];
  for (const table of tables.slice(0, 3))
    for (const _ of [1, 2, 3]) learner.add(seen('by-list', { table, text: 'SELECT 1\n- id: x' }), 0);
  const { rules } = packSchema.parse(parse(suggestionsPage(learner.proposals(0))));
  expect(rules.map(({ match }) => String(match.tables?.[0])).toSorted()).toEqual(
    tables.slice(0, 3).toSorted(),
  );
  expect(rules.every(({ mode }) => mode === 'observe')).toBe(true);
  expect(packSchema.parse(parse(suggestionsPage([]))).rules).toEqual([]);
});

test('the page can be named in rules.packs: no id twice, no variables, nothing for a terminal', () => {
  // The same in two databases, and names that mean something to YAML, to the configuration or to a terminal.
  const names = ['shop', 'cart', '${A:-*}', 'a$$b', 'a\u001b[2Kb', '\u202ecart', 'a\u0085b', '\u007f'];
  for (const table of names) {
    const shapes = new Learner({ ...settings, after: 1 });
    const text = `SELECT id FROM "${table}"`;
    for (const database of ['shop', 'shop2'])
      shapes.add(seen('by-list', { table: Buffer.from(table).toString('latin1'), database, text }), 0);
    const page = suggestionsPage(shapes.proposals(0));
    expect(page).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
    const problems: Problem[] = [];
    const { value } = readYaml('suggested.yaml', page, {}, problems);
    expect(problems).toEqual([]);
    const { rules } = packSchema.parse(value);
    expect(rules.map(({ match }) => match.tables)).toEqual([[table], [table]]);
    expect(rules.map((rule) => 'table' in rule.settings && rule.settings.table)).toEqual([table, table]);
    expect(new Set(rules.map(({ id }) => id)).size).toBe(2);
  }
});

const keys: Step = { sql: "SELECT c.id FROM c JOIN a ON a.id = c.a_id WHERE a.name = 'x'", rows: ['1', '2'] };
const whole: Step = {
  sql: 'SELECT c.* FROM c WHERE c.v > 1',
  rows: ['1', '2'],
  columns: [{}, { name: 'v' }],
};
const insert = 'INSERT INTO c (a_id) VALUES (1)';
const one = (id: number): string => `DELETE FROM c WHERE id = ${id}`;

test.each<[string, (Step | string)[], Ending | undefined, Options?]>([
  ['by list', [keys, 'DELETE FROM c WHERE id IN (1, 2)', insert], 'by-list'],
  ['a part of the list', [keys, 'DELETE FROM c WHERE id IN (1)'], 'by-list'],
  ['whole rows by list', [whole, 'DELETE FROM c WHERE id IN (1, 2)'], 'by-list'],
  ['other rows', [keys, 'DELETE FROM c WHERE id IN (8, 9)'], 'alone'],
  ['another table', [keys, 'DELETE FROM d WHERE c_id IN (1, 2)'], 'alone'],
  ['row by row', [keys, one(1), one(2)], 'row-loop'],
  ['whole rows, row by row', [whole, one(1), 'SAVEPOINT s', one(2)], 'row-loop'],
  ['one row', [whole, one(1)], 'alone'],
  ['other rows, one by one', [keys, one(8), one(9)], 'alone'],
  ['nothing found', [{ ...keys, rows: [] }, insert], 'empty'],
  ['nothing found, inserted elsewhere', [{ ...keys, rows: [] }, 'INSERT INTO d (id) VALUES (1)'], 'alone'],
  ['nothing found, nothing done', [{ ...keys, rows: [] }], 'alone'],
  ['whose rows they are is not known', [{ ...keys, sql: keys.sql.replace('c.id', 'id') }, one(1)], undefined],
])('how it went on: %s', (_, steps, ending) => {
  for (const dialect of ['postgres', 'mariadb'] as const) {
    const scene = new Scene({ dialect });
    const ends: (Ending | undefined)[] = [];
    scene.memory.ended = (reads) => ends.push(...reads.map((read) => endingOf(read, dialect)?.ending));
    for (const step of ['BEGIN', ...steps, 'COMMIT'])
      scene.run(typeof step === 'string' ? { sql: step } : step);
    expect(ends, dialect).toEqual([ending]);
  }
});
