/** Command line clients of other Debian suites than the machine's: unpacked into the cache, not installed (debian-packages.ts). */
import { join } from 'node:path';
import { NotFetched, unpacked, type Wanted } from './debian-packages.ts';

export type CommandLineClient = 'mariadb-11.8' | 'mysql-9.7';

const wanted: Record<CommandLineClient, Wanted & { program: string; options(folder: string): string[] }> = {
  'mariadb-11.8': {
    name: 'mariadb-client-11.8',
    suite: 'trixie',
    closure: ['mariadb-client-core'],
    program: 'usr/bin/mariadb',
    options: (folder) => [`--plugin-dir=${join(folder, 'usr/lib/x86_64-linux-gnu/libmariadb3/plugin')}`],
  },
  'mysql-9.7': {
    name: 'mysql-client-9.7',
    suite: 'sid',
    closure: ['mysql-client-core'],
    program: 'usr/bin/mysql',
    options: () => [],
  },
};

/** Undefined, announced on standard error, when it cannot be had; in CI that is an error. */
export async function commandLineClient(
  name: CommandLineClient,
): Promise<((...args: string[]) => { file: string; args: string[] }) | undefined> {
  const client = wanted[name];
  try {
    const files = await unpacked(client);
    const options = client.options(files.folder);
    return (...args) => files.command(client.program, '--no-defaults', ...options, ...args);
  } catch (error) {
    if (!(error instanceof NotFetched) || process.env.CI === 'true') throw error;
    process.stderr.write(`\n*** NOT TESTED: client ${name}: ${error.message}\n\n`);
    return undefined;
  }
}
