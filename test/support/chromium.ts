/**
 * A real, headless Chromium for tests of pages: the machine's own, or Debian's package unpacked into the cache. The flags keep
 * it from looking for hosts outside; whoever runs as root has no sandbox.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { NotFetched, unpacked } from './debian-packages.ts';

const installed = '/usr/bin/chromium';

/** Beside those that playwright gives. */
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic'];

/** @throws NotFetched */
export async function launchChromium(): Promise<Browser> {
  if (existsSync(installed)) return chromium.launch({ executablePath: installed, args: flags });
  const { folder } = await unpacked({
    name: 'chromium',
    suite: ownSuite(),
    closure: ['chromium', 'fonts-dejavu-core'],
  });
  return chromium.launch({
    executablePath: join(folder, 'usr/lib/chromium/chromium'),
    args: flags,
    env: {
      ...process.env,
      LD_LIBRARY_PATH: libraries(folder).join(':'),
      FONTCONFIG_SYSROOT: folder,
    },
  });
}

/** Chromium starts itself again for each of its processes, so it has to run with the machine's own dynamic linker. */
function ownSuite(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const suite = /^VERSION_CODENAME=(\w+)/m.exec(release)?.[1];
  if (suite === undefined) throw new NotFetched('chromium: this is not Debian');
  return suite;
}

function libraries(folder: string): string[] {
  return ['usr/lib', 'lib'].flatMap((parent) => {
    const at = join(folder, parent);
    const names = existsSync(at) ? readdirSync(at) : [];
    return names
      .filter((name) => name.endsWith('-linux-gnu'))
      .flatMap((name) => [join(at, name), join(at, name, 'pulseaudio')]);
  });
}
