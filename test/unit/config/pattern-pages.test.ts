/** What the pages of the patterns show is what comes out: every block of SQL in them is played as a rule's example. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkExamples } from '../../../src/config/examples.ts';
import { loadText } from '../../../src/config/load.ts';

interface Block {
  title: string;
  text: string;
}

function blocks(page: string): Block[] {
  const text = readFileSync(new URL(`../../../docs/patterns/${page}.md`, import.meta.url), 'utf8');
  return [...text.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, block = '']) => ({
    title: block.split('\n').slice(-3).join(' ').slice(0, 100),
    text: block,
  }));
}

/** `-- dialect, isolation`, statements, then `-- becomes` and a statement, or `-- left alone: reason`. */
function example(block: string): object {
  const [, dialect, isolation, session = '', becomes, refused] =
    /^-- (\w+), ([\w ]+)\n([\s\S]*?)-- (?:becomes\n([\s\S]*)|left alone: ([\w-]+)\n)$/.exec(block) ?? [];
  const statements = session
    .trim()
    .split('\n')
    .map((line) => line.replace(/;(?= ->|$)/, ''));
  return {
    dialect,
    isolation,
    session: statements,
    ...(refused ? { refused } : { becomes: becomes?.trim() }),
  };
}

describe.each([
  ['split-delete', 'split-delete', {}],
  ['unlocked-read', 'unlocked-read-after-unique-violation', { when: 'always' }],
])('%s', (page, pattern, settings) => {
  const all = blocks(page);
  test('there are some', () => expect(all.length).toBeGreaterThan(3));
  test.each(all)('$title', async ({ text }) => {
    const rule = { id: 'page', pattern, mode: 'rewrite', settings, examples: [example(text)] };
    const config = {
      listeners: [{ name: 'main', listen: '127.0.0.1:1', server: 'postgres://db' }],
      rules: { packs: [], custom: [rule] },
    };
    await checkExamples(loadText('page.yaml', JSON.stringify(config), {}).examples);
  });
});
