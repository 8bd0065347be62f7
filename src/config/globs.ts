/** Glob patterns over names: `*` any run of characters, `?` one. No other character is special. */
import type { Name } from '../sql/shape.ts';

export function compileGlob(pattern: string): RegExp {
  const source = pattern.replaceAll(/[\s\S]/g, (one) =>
    one === '*' ? '.*' : one === '?' ? '.' : one.replace(/[\\^$.|+()[\]{}/-]/, '\\$&'),
  );
  return new RegExp(`^${source}$`, 's');
}

export type NameTest = (name: string) => boolean;

/** No patterns: everything. */
export function anyOf(patterns: readonly string[] | undefined): NameTest {
  if (patterns === undefined) return () => true;
  const compiled = patterns.map(compileGlob);
  return (name) => compiled.some((one) => one.test(name));
}

export type TableTest = (table: Name) => boolean;

/**
 * A pattern without a dot is for the table in any schema. One with a dot needs the schema: a statement that does not
 * name it matches only when `unknownSchema` says so, that is where the pattern keeps Interlock away from a table.
 */
export function tableTest(patterns: readonly string[], unknownSchema: boolean): TableTest {
  const tests = patterns.map((pattern): TableTest => {
    const dot = pattern.lastIndexOf('.');
    if (dot < 0) {
      const name = compileGlob(pattern);
      return (table) => name.test(table.name);
    }
    const whole = compileGlob(pattern);
    const last = compileGlob(pattern.slice(dot + 1));
    return (table) =>
      table.schema === undefined
        ? unknownSchema && last.test(table.name)
        : whole.test(`${table.schema}.${table.name}`);
  });
  return (table) => tests.some((test) => test(table));
}
