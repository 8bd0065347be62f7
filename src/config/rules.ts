/** Collects the rules: the operator's own first, then the packs in the order named, general packs last. */
import { readdirSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Rule } from '../patterns/rule.ts';
import type { RuleExample } from './examples.ts';
import type { ConfigFiles } from './files.ts';
import type { Problem } from './problem.ts';
import { packSchema, type ConfigFile, type RuleEntry } from './schema.ts';
import { shadowed } from './shadowed.ts';
import { readYaml, type Path, type Source } from './source.ts';
import { validate } from './validate.ts';

/** Two levels up from both src/config and dist/config. */
const packFolder = fileURLToPath(new URL('../../rules/', import.meta.url));

interface Located {
  entry: RuleEntry;
  where: string;
  /** Of the example with this index. */
  example: (index: number) => string;
  /** Written by the operator: tables in `match` are then the operator's word. */
  own: boolean;
}

export interface CollectedRules {
  rules: Rule[];
  examples: RuleExample[];
  /** Rules that can never apply. No mistake, but seldom meant. */
  warnings: Problem[];
}

/** @param folder that paths of packs are relative to */
export function collectRules(
  config: ConfigFile,
  source: Source,
  folder: string,
  files: ConfigFiles,
  problems: Problem[],
): CollectedRules {
  const general: Located[] = [];
  const located: Located[] = config.rules.custom.map((entry, index) =>
    locate(entry, source, ['rules', 'custom', index], true),
  );
  for (const [index, named] of config.rules.packs.entries()) {
    const where = source.where(['rules', 'packs', index]);
    const { pack: name, match } = typeof named === 'string' ? { pack: named, match: {} } : named;
    const pack = readPack(name, folder, files, where, problems);
    if (pack === undefined) continue;
    const rules = pack.rules.map((one) => forSessions(one, match, where, problems));
    (pack.general ? general : located).push(...rules);
  }
  const all = [...located, ...general];
  const seen = new Map<string, string>();
  for (const { entry, where } of all) {
    const before = seen.get(entry.id);
    if (before !== undefined)
      problems.push({ where, message: `rule id "${entry.id}" is taken by ${before}` });
    seen.set(entry.id, where);
  }
  const rules = all.map(({ entry, own }) => toRule(entry, own, config.rules.mode));
  const examples = all.flatMap(({ entry, example }, at) => {
    const rule = rules[at];
    return rule === undefined
      ? []
      : entry.examples.map((one, index) => ({ rule, example: one, where: example(index) }));
  });
  // That a general pack stands behind another is what it is for.
  const warnings = shadowed(rules, located.length).map(({ rule, by }) => ({
    where: all[rules.indexOf(rule)]?.where ?? '',
    message: `rule "${rule.id}" never applies: "${by.id}" (${all[rules.indexOf(by)]?.where ?? ''}) comes first and matches everything that it matches`,
  }));
  return { rules, examples, warnings };
}

function locate(entry: RuleEntry, source: Source, path: Path, own: boolean): Located {
  return {
    entry,
    where: source.where([...path, 'id']),
    example: (index) => source.where([...path, 'examples', index]),
    own,
  };
}

/** What the config says of a pack's sessions counts for its rules, which then may not say so themselves. */
function forSessions(
  located: Located,
  match: RuleEntry['match'],
  where: string,
  problems: Problem[],
): Located {
  const { entry } = located;
  for (const key of Object.keys(match) as (keyof typeof match)[])
    if (match[key] !== undefined && entry.match[key] !== undefined)
      problems.push({ where, message: `rule "${entry.id}" of the pack has ${key} of its own` });
  return { ...located, entry: { ...entry, match: { ...entry.match, ...match } } };
}

function readPack(
  name: string,
  folder: string,
  files: ConfigFiles,
  where: string,
  problems: Problem[],
): { general: boolean; rules: Located[] } | undefined {
  const own = /[/\\]/.test(name);
  const file = own ? resolve(folder, name) : resolve(packFolder, `${name}.yaml`);
  if (!own && !packNames().includes(name)) {
    problems.push({
      where,
      message: `unknown rule pack "${name}"; available: ${packNames().join(', ')}, or a path with a slash`,
    });
    return undefined;
  }
  let text: string;
  try {
    text = files.read(file);
  } catch (error) {
    problems.push({
      where,
      message: `cannot read ${name}: ${(error as NodeJS.ErrnoException).code ?? 'error'}`,
    });
    return undefined;
  }
  const shownAs = own ? name : `rules/${relative(packFolder, file)}`;
  const before = problems.length;
  const source = readYaml(shownAs, text, {}, problems);
  if (problems.length > before) return undefined;
  const pack = validate(packSchema, source, problems);
  if (pack === undefined) return undefined;
  const rules = pack.rules.map((entry, index) => locate(entry, source, ['rules', index], own));
  return { general: pack.general, rules };
}

/** The packs that ship with Interlock. */
export function packNames(): string[] {
  return readdirSync(dirname(resolve(packFolder, 'x')))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.replace(/\.yaml$/, ''))
    .toSorted();
}

function toRule(located: RuleEntry, own: boolean, override: ConfigFile['rules']['mode']): Rule {
  const { examples: _, ...entry } = located;
  const match = Object.fromEntries(Object.entries(entry.match).filter(([, list]) => list !== undefined));
  const tablesNamed = override === 'rewrite' || (own && entry.match.tables !== undefined);
  return { ...entry, mode: override ?? entry.mode, match, tablesNamed } as Rule;
}
