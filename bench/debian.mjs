/** Programs from Debian packages: found, or installed when this is root. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin'];
const find = (program) => folders.map((folder) => `${folder}/${program}`).find(existsSync);

/** The program's path. Throws when it cannot be had. */
export function installed(program, packageName) {
  const present = find(program);
  if (present !== undefined) return present;
  if (process.getuid?.() !== 0) throw new Error(`missing; apt-get install ${packageName} takes root`);
  process.stderr.write(`Installing ${packageName} …\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', packageName]]) {
    const { status, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`apt-get ${args[0]}: ${stderr?.trim().split('\n').at(-1)}`);
  }
  const fresh = find(program);
  if (fresh === undefined) throw new Error(`${packageName} does not bring ${program}`);
  return fresh;
}
