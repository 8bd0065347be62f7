/** Links in the pages lead somewhere, and the configurations that the operating guide shows are accepted. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadText } from '../../src/config/load.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  'bench/README.md',
];

/** As GitHub makes them: lower case, blanks to hyphens, other signs gone. */
function anchors(page: string): Set<string> {
  const headings = read(page)
    .replaceAll(/```[\s\S]*?```/g, '')
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

test.each(pages)('%s', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  for (const link of links.filter((one) => !/^[a-z]+:/.test(one))) {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : relative(root, join(root, dirname(page), path));
    expect(existsSync(join(root, target)), link).toBe(true);
    if (anchor !== undefined && target.endsWith('.md')) expect([...anchors(target)], link).toContain(anchor);
  }
});

test('the steps of the operating guide are configurations', () => {
  const blocks = [...read('docs/operating.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    ([, text = '']) => text,
  );
  const [whole = '', observe = '', canary = ''] = blocks;
  const listeners = whole.slice(0, whole.indexOf('rules:'));
  const modes = [whole, listeners + observe, `${listeners}rules:\n  custom:\n${canary}`].map((text) => {
    const [first] = loadText('c.yaml', text, {}).rules;
    return [first?.id, first?.mode, first?.canary];
  });
  expect(modes).toEqual([
    ['generic/split-delete', 'observe', undefined],
    ['shop-lines', 'observe', undefined],
    ['shop-lines', 'rewrite', 0.1],
  ]);
});
