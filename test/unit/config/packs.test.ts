/** Every pack has its page, and the pages promise only what exists. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { packNames } from '../../../src/config/rules.ts';
import { reasons } from '../../../src/patterns/reasons.ts';

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
const ormPacks = packNames().filter((name) => name !== 'generic');

test('a page for each pack, and no other', () => {
  const pages = readdirSync(new URL('../../../docs/orms/', import.meta.url)).filter(
    (name) => name !== 'README.md',
  );
  expect(pages.toSorted()).toEqual(ormPacks.map((name) => `${name}.md`).toSorted());
  for (const name of ormPacks) {
    expect(read('docs/orms/README.md')).toContain(`[${name}](${name}.md)`);
    expect(read(`rules/${name}.yaml`)).toContain(`docs/orms/${name}.md`);
    expect(read(`docs/orms/${name}.md`)).toContain(`Pack \`${name}\``);
  }
});

test('packs and pages say what is left, and name reasons that exist', () => {
  const codes = Object.keys(reasons);
  for (const name of ormPacks) {
    const page = read(`docs/orms/${name}.md`).split('## What it leaves')[1] ?? '';
    const named = [...page.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)]
      .map((one) => one[1])
      .filter((code) => code !== 'after-locking-lookup');
    expect(named.length, name).toBeGreaterThan(2);
    for (const code of named) expect(codes, `${name}: ${code ?? ''}`).toContain(code);
    expect(read(`rules/${name}.yaml`)).toMatch(/^fixes:\n {2}- [\s\S]*^leaves:\n {2}- /m);
  }
});

test('the rules of docs/rules.md load, and its examples come out', async () => {
  const { checkExamples } = await import('../../../src/config/examples.ts');
  const { loadText } = await import('../../../src/config/load.ts');
  const [, pack = ''] = /```yaml\n([\s\S]*?)```/.exec(read('docs/rules.md')) ?? [];
  const rules = pack.slice(pack.indexOf('rules:\n') + 'rules:\n'.length);
  const text = `listeners: [{name: a, listen: "127.0.0.1:1", server: "postgres://db"}]\nrules:\n  custom:\n${rules.replaceAll(/^/gm, '  ')}`;
  const config = loadText('f.yaml', text, {});
  expect(config.rules.map(({ id }) => id)).toContain('shop/cart');
  await checkExamples(config.examples);
});
