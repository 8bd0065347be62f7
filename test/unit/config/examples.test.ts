/** Examples of rules: those of every pack that ships, and what makes one fail. */
import { expect, test } from 'vitest';
import { checkExamples } from '../../../src/config/examples.ts';
import { loadText } from '../../../src/config/load.ts';
import { packNames } from '../../../src/config/rules.ts';

const listener = 'listeners: [{name: a, listen: "127.0.0.1:1", server: "postgres://db"}]\n';

test.each(packNames())(
  'pack %s: its examples come out as written, one of each kind and pattern',
  async (pack) => {
    const { examples, rules } = loadText('f.yaml', `${listener}rules: {packs: [${pack}]}\n`, {});
    await checkExamples(examples);
    for (const rule of rules.filter(({ mode }) => mode === 'rewrite')) {
      const mine = examples.filter((one) => one.rule === rule);
      expect(
        mine.some(({ example }) => example.becomes !== undefined),
        rule.id,
      ).toBe(true);
    }
    expect(examples.some(({ example }) => example.refused !== undefined)).toBe(true);
    expect(rules.map(({ id }) => id.split('/')[0])).toEqual(rules.map(() => pack));
  },
);

const outcome = async (rule: string, example: string): Promise<string> => {
  const text = `${listener}rules: {custom: [{id: x, pattern: split-delete, mode: rewrite, ${rule} examples: [{${example}}]}]}\n`;
  try {
    await checkExamples(loadText('f.yaml', text, {}).examples);
    return 'as written';
  } catch (error) {
    return (error as Error).message;
  }
};
const session = `dialect: postgres, session: ["BEGIN", "SELECT b.id FROM b JOIN a ON a.id = b.a WHERE a.n = 1 -> 3", "DELETE FROM b WHERE id IN (3)"]`;

test('a rule that does not match the table finds nothing', async () => {
  expect(await outcome('match: {tables: [c]},', `${session}, refused: no-join`)).toContain(
    'nothing is found',
  );
  expect(await outcome('match: {tables: [b]},', `${session}, refused: no-join`)).toContain(
    'found     DELETE FROM b',
  );
});
test('isolation', async () => {
  expect(await outcome('', `${session}, isolation: repeatable read, refused: isolation`)).toBe('as written');
});
test('a result that is none is part of the statement, and a statement too many is said', async () => {
  const two = session.replace('"BEGIN"', '"BEGIN; SELECT 1;"');
  expect(await outcome('', `${two}, refused: isolation`)).toContain(
    'statement 1 cannot be read: write one statement',
  );
});
