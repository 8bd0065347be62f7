/** The reference pages are made from the code; this fails when somebody forgot `npm run docs`. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { reasons } from '../../src/patterns/reasons.ts';

const file = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

it('docs/ is what the built code says', () => {
  const { status, stderr } = spawnSync(process.execPath, [file('scripts/docs.mjs'), '--check'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('every reason is on the page of reasons', () => {
  const page = readFileSync(file('docs/reasons.md'), 'utf8');
  for (const code of Object.keys(reasons)) expect(page).toContain(`\`${code}\``);
});
