/**
 * The files that a configuration was read from, and what they said: a change can be told from a touch, and the worker
 * processes get the same texts as the one that has checked them, whatever happens to the files meanwhile.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Absolute path -> text; undefined: it could not be read. */
export type Texts = Readonly<Record<string, string | undefined>>;

export class ConfigFiles {
  readonly #texts: Record<string, string | undefined> = {};
  readonly #given: Texts | undefined;

  /** @param given in place of what the disk has */
  constructor(given?: Texts) {
    this.#given = given;
  }

  get texts(): Texts {
    return this.#texts;
  }

  /** @throws NodeJS.ErrnoException */
  read(path: string): string {
    const file = resolve(path);
    this.#texts[file] = undefined;
    const text = this.#given === undefined ? readFileSync(file, 'utf8') : this.#given[file];
    if (text === undefined) throw Object.assign(new Error(`cannot read ${file}`), { code: 'ENOENT' });
    return (this.#texts[file] = text);
  }
}

/** What the disk has now for each of these files. */
export function present(paths: Iterable<string>): Texts {
  const files = new ConfigFiles();
  for (const path of paths) {
    try {
      files.read(path);
    } catch {
      // Gone, or not yet there: that is noted.
    }
  }
  return files.texts;
}

export function sameTexts(one: Texts, other: Texts): boolean {
  const paths = Object.keys(one);
  return paths.length === Object.keys(other).length && paths.every((path) => one[path] === other[path]);
}
