/**
 * Rules are read anew while the process runs: on a signal at once, and when the files have changed. They are looked at
 * every few seconds by their paths, so that it makes no difference whether a file is written, renamed over, or exchanged
 * together with the folder that its path leads through (a Kubernetes ConfigMap, a link to a release); what counts is what
 * they say. All or nothing: whatever is wrong, the old rules stay.
 */
import { unwatchFile, watchFile } from 'node:fs';
import { checkExamples } from './examples.ts';
import { ConfigFiles, present, sameTexts, type Texts } from './files.ts';
import type { Config } from './load.ts';
import { ConfigError, type Problem } from './problem.ts';

/** A configuration and the files that it was read from. */
export interface Loaded {
  config: Config;
  texts: Texts;
}

export type Reloaded =
  | {
      done: true;
      rules: number;
      /** False: the files say what they said. */
      changed: boolean;
      /** Keys of the file that differ from those in use and are read at start only. */
      needRestart: string[];
    }
  | { done: false; problems: Problem[] };

export interface ReloadOptions {
  /** In use since the start. */
  first: Loaded;
  /** @throws ConfigError */
  load: (files: ConfigFiles) => Config;
  /** Puts the new rules to use. */
  apply: (loaded: Loaded) => void;
  told: (outcome: Reloaded) => void;
}

const everyMs = 2_000;
/** Files that are still being written differ from one look to the next. */
const settleMs = 250;

export class Reload {
  readonly #options: ReloadOptions;
  readonly #watched = new Set<string>();
  #texts: Texts;
  /** What was looked at last, whatever came of it. */
  #seen: Texts;
  #last: Promise<void> = Promise.resolve();
  #interval = everyMs;
  #settling: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#texts = this.#seen = options.first.texts;
  }

  watch(interval = everyMs): void {
    this.#interval = interval;
    this.#follow(this.#texts);
  }

  /** One after the other. Resolves when it has been told. */
  now(): Promise<void> {
    this.#last = this.#last.then(() => this.#read());
    return this.#last;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#settling);
    for (const path of this.#watched) unwatchFile(path, this.#changed);
    this.#watched.clear();
  }

  readonly #changed = (): void => {
    if (this.#stopped) return;
    clearTimeout(this.#settling);
    const before = present(this.#watched);
    this.#settling = setTimeout(() => {
      const after = present(this.#watched);
      if (!sameTexts(before, after)) this.#changed();
      else if (!sameTexts(after, this.#seen)) void this.now();
    }, settleMs);
    this.#settling.unref();
  };

  async #read(): Promise<void> {
    if (this.#stopped) return;
    const { first, load, apply, told } = this.#options;
    const files = new ConfigFiles();
    try {
      const config = load(files);
      await checkExamples(
        config.examples,
        first.config.listeners.map(({ protocol }) => protocol),
      );
      const { texts } = files;
      const changed = !sameTexts(texts, this.#texts);
      this.#texts = texts;
      if (changed) apply({ config, texts });
      const needRestart = differing(config.fixed, first.config.fixed);
      told({ done: true, rules: config.rules.length, changed, needRestart });
    } catch (error) {
      // A defect must not end a process that serves with rules that are good.
      const defect = { where: 'defect', message: String(error) };
      told({ done: false, problems: error instanceof ConfigError ? error.problems : [defect] });
    } finally {
      this.#follow(files.texts);
      const seen = { ...this.#seen, ...files.texts };
      this.#seen = Object.fromEntries([...this.#watched].map((path) => [path, seen[path]]));
    }
  }

  /** Also those that the present rules are from: one that is gone may come back. */
  #follow(texts: Texts): void {
    if (this.#stopped) return;
    const wanted = new Set([...Object.keys(texts), ...Object.keys(this.#texts)]);
    for (const path of this.#watched) if (!wanted.has(path)) unwatchFile(path, this.#changed);
    const more = [...wanted].filter((path) => !this.#watched.has(path));
    for (const path of more) watchFile(path, { interval: this.#interval, persistent: false }, this.#changed);
    this.#watched.clear();
    for (const path of wanted) this.#watched.add(path);
    // They may have changed since they were read, and a watch tells only of what comes behind its own first look.
    if (more.length > 0) this.#changed();
  }
}

function differing(one: Config['fixed'], other: Config['fixed']): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((key) => one[key] !== other[key]);
}
