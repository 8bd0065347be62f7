import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Certificates, type Certified } from '../../../src/proxy/certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'interlock-watch-'));
const path = (name: string): string => join(folder, name);
let certificates: Certificates | undefined;
afterEach(() => {
  certificates?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a file behind a symbolic link is exchanged: the legs that use it are read anew, failures are told', async () => {
  for (const [name, text] of [
    ['one.pem', '1'],
    ['two.pem', '2'],
    ['other.pem', 'x'],
  ] as const)
    writeFileSync(path(name), text);
  symlinkSync('one.pem', path('live.pem'));
  const told: string[] = [];
  const leg = (listener: string, cert: string, reload: () => void): Certified => ({
    listener,
    side: 'client',
    files: { cert },
    reload,
  });
  const broken = () => {
    throw new Error('broken');
  };
  certificates = new Certificates(
    [
      leg('good', path('live.pem'), () => undefined),
      leg('bad', path('live.pem'), broken),
      leg('not concerned', path('other.pem'), broken),
      { listener: 'without files', side: 'server', files: {}, reload: broken },
    ],
    (listener, _, problem) => told.push(`${listener}: ${problem ?? 'done'}`),
  );
  certificates.watch(10);
  // As Kubernetes does it: the link is replaced, in one step. What is there when the watch begins is not known from outside.
  let turn = 0;
  await vi.waitUntil(
    () => {
      if (told.length > 0) return true;
      symlinkSync(turn++ % 2 === 0 ? 'two.pem' : 'one.pem', path('next.pem'));
      renameSync(path('next.pem'), path('live.pem'));
      return false;
    },
    { interval: 100, timeout: 20_000 },
  );
  expect(told.slice(0, 2)).toEqual(['good: done', 'bad: broken']);
  told.length = 0;
  certificates.reload();
  expect(told).toEqual(['good: done', 'bad: broken', 'not concerned: broken']);
}, 30_000);
