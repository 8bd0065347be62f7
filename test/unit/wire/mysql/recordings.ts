/** Loads what record.ts wrote. */
import { readFileSync, readdirSync } from 'node:fs';
import type { Recording } from './recording.ts';

const folder = new URL('recordings/', import.meta.url);

export const recordings: readonly Recording[] = readdirSync(folder)
  .toSorted()
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Recording);

export function recording(engine: string, set: string): Recording {
  const found = recordings.find((one) => one.engine === engine && one.set === set);
  if (found === undefined) throw new Error(`no recording of ${engine} with ${set}`);
  return found;
}
