/** The short form: flags instead of a file, checked by the same schema. Problems name the flag. */
import type { ConfigFiles } from './files.ts';
import { load, type Config } from './load.ts';
import type { Path, Source } from './source.ts';

export interface Flags {
  server?: string | undefined;
  listen?: string | undefined;
  /** Comma-separated names of packs. */
  rules?: string | undefined;
  /** Comma-separated globs, each occurrence. */
  tables?: string[] | undefined;
  mode?: string | undefined;
  admin?: string | undefined;
  workers?: string | undefined;
  'log-level'?: string | undefined;
}

export const defaultListen = '127.0.0.1:6432';

const flagAt: [Path, string][] = [
  [['listeners', 0, 'server'], '--server'],
  [['listeners', 0, 'listen'], '--listen'],
  [['rules', 'packs'], '--rules'],
  [['rules', 'tables'], '--tables'],
  [['rules', 'mode'], '--mode'],
  [['admin'], '--admin'],
  [['workers'], '--workers'],
  [['log', 'level'], '--log-level'],
];

/** @throws ConfigError */
export function loadFlags(flags: Flags, folder: string, files?: ConfigFiles): Config {
  const source: Source = {
    value: {
      listeners: [{ name: 'default', listen: flags.listen ?? defaultListen, server: flags.server }],
      rules: {
        ...(flags.rules !== undefined && { packs: list(flags.rules) }),
        ...(flags.tables !== undefined && { tables: flags.tables.flatMap(list) }),
        ...(flags.mode !== undefined && { mode: flags.mode }),
      },
      ...(flags.admin !== undefined && { admin: { listen: flags.admin } }),
      ...(flags.workers !== undefined && {
        workers: flags.workers === 'auto' ? flags.workers : Number(flags.workers),
      }),
      ...(flags['log-level'] !== undefined && { log: { level: flags['log-level'] } }),
    },
    placeNamesSetting: true,
    where: (path) =>
      flagAt.find(([prefix]) => prefix.every((step, index) => path[index] === step))?.[1] ?? 'command line',
  };
  return load(source, folder, files);
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
