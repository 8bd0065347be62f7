/**
 * Rules that can never apply, because an earlier rule of the same pattern matches everything that they match. Sure or
 * silent: where it is not certain for the form of the globs, nothing is said.
 */
import type { Rule, RuleMatch } from '../patterns/rule.ts';
import { fingerprintsOf } from '../patterns/anticipate/fingerprints.ts';
import { compileGlob } from './globs.ts';

/** @param count only the first `count` rules are looked at */
export function shadowed(rules: readonly Rule[], count: number): { rule: Rule; by: Rule }[] {
  return rules.slice(0, count).flatMap((rule, index) => {
    const by = rules
      .slice(0, index)
      .find((earlier) => coversStatements(earlier, rule) && covers(earlier.match, rule.match));
    return by === undefined ? [] : [{ rule, by }];
  });
}

/** Rules that anticipate name their statements, and may name the table themselves. */
function coversStatements(wide: Rule, narrow: Rule): boolean {
  if (wide.pattern !== 'anticipate' || narrow.pattern !== 'anticipate')
    return wide.pattern === narrow.pattern;
  if (wide.settings.table !== narrow.settings.table) return false;
  const known = fingerprintsOf(wide.settings.select);
  return [...fingerprintsOf(narrow.settings.select)].every((one) => known.has(one));
}

const sessionKeys = ['listeners', 'databases', 'users', 'applications'] as const;

function covers(wide: RuleMatch, narrow: RuleMatch): boolean {
  return (
    sessionKeys.every((key) => listCovers(wide[key], narrow[key], globCovers)) &&
    listCovers(wide.tables, narrow.tables, tableCovers) &&
    // What the wider rule keeps away from, the narrower one has to keep away from, too.
    (wide.not_tables ?? []).every((glob) => narrow.not_tables?.some((one) => tableCovers(one, glob)) === true)
  );
}

function listCovers(
  wide: readonly string[] | undefined,
  narrow: readonly string[] | undefined,
  one: (wide: string, narrow: string) => boolean,
): boolean {
  if (wide === undefined) return true;
  return narrow?.every((glob) => wide.some((other) => one(other, glob))) === true;
}

/** A pattern without a dot is for the table in any schema. */
function tableCovers(wide: string, narrow: string): boolean {
  return wide.includes('.')
    ? globCovers(wide, narrow)
    : globCovers(wide, narrow.slice(narrow.lastIndexOf('.') + 1));
}

/** Every name that `narrow` matches is matched by `wide`. A `*` takes any piece of the other glob, its wildcards included. */
function globCovers(wide: string, narrow: string): boolean {
  if (wide === narrow) return true;
  // What a `?` takes is one character, and no `*`.
  return !wide.includes('?') && compileGlob(wide).test(narrow);
}
