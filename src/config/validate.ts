/** Checks a value against a schema and says every problem in the operator's words, at its place. */
import { z } from 'zod';
import type { Problem } from './problem.ts';
import type { Path, Source } from './source.ts';

type Issue = z.core.$ZodIssue;

/** @returns undefined when problems were added */
export function validate<T extends z.ZodType>(
  schema: T,
  source: Source,
  problems: Problem[],
): z.output<T> | undefined {
  const result = schema.safeParse(source.value ?? {}, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) problems.push(...describe(issue, [], schema, source));
  return undefined;
}

function describe(issue: Issue, above: Path, schema: z.ZodType, source: Source): Problem[] {
  const path = [...above, ...issue.path];
  const name = source.placeNamesSetting === true ? '' : shown(path);
  const at = (message: string): Problem[] => [{ where: source.where(path), message: `${name}${message}` }];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const allowed = keysAt(schema, path, source.value);
      const known = allowed.length > 0 ? `; allowed: ${allowed.join(', ')}` : '';
      return issue.keys.map((key) => ({
        where: source.where(path, key),
        message: `${name}unknown key "${key}"${known}`,
      }));
    }
    case 'invalid_type':
      if (issue.input === undefined) return at('is missing');
      // A message of the schema's own says more than the kind of value.
      return at(issue.message.startsWith('Invalid input') ? `expected ${issue.expected}` : issue.message);
    case 'invalid_value':
      return at(
        `${issue.input === undefined ? 'is missing; ' : ''}expected one of ${issue.values.map(String).join(', ')}`,
      );
    case 'invalid_union': {
      if (issue.errors.length === 0) return at(unknownOption(issue, schema, path, source));
      // The branch that got past the value's type has the more useful complaint.
      const best = issue.errors.find((branch) =>
        branch.every((one) => one.code !== 'invalid_type' || one.path.length > 0),
      );
      if (best !== undefined) return best.flatMap((one) => describe(one, path, schema, source));
      const expected = issue.errors.flatMap((branch) =>
        branch.map((one) => (one.code === 'invalid_type' ? one.expected : one.code)),
      );
      return at(issue.input === undefined ? 'is missing' : `expected ${[...new Set(expected)].join(' or ')}`);
    }
    default:
      return at(issue.message);
  }
}

/** A discriminated union whose discriminator has no known value. */
function unknownOption(issue: Issue, schema: z.ZodType, path: Path, source: Source): string {
  const union = descend(schema, path.slice(0, -1), source.value);
  if (!(union instanceof z.ZodDiscriminatedUnion)) return issue.message;
  const name = String(path.at(-1));
  const values = union.options.flatMap((option) => {
    const literal =
      option instanceof z.ZodObject ? (option.shape as Record<string, unknown>)[name] : undefined;
    return literal instanceof z.ZodLiteral ? [...literal.values].map(String) : [];
  });
  return `expected one of ${values.join(', ')}`;
}

function shown(path: Path): string {
  const text = path.reduce<string>(
    (before, step) => (typeof step === 'number' ? `${before}[${step}]` : `${before}.${String(step)}`),
    '',
  );
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}

function keysAt(schema: z.ZodType, path: Path, value: unknown): string[] {
  const found = descend(schema, path, value);
  return found instanceof z.ZodObject ? Object.keys(found.shape as object) : [];
}

/** The part of the schema that the path leads to; unions are decided by the value. */
function descend(schema: unknown, path: Path, value: unknown): unknown {
  let at: unknown = unwrap(schema);
  let here: unknown = value;
  for (const step of path) {
    at = choose(at, here);
    if (at instanceof z.ZodArray) at = unwrap(at.element);
    else if (at instanceof z.ZodObject) at = unwrap((at.shape as Record<PropertyKey, unknown>)[step]);
    else return undefined;
    here = (here as Record<PropertyKey, unknown> | undefined)?.[step];
  }
  return here !== undefined && at instanceof z.ZodDiscriminatedUnion ? choose(at, here, true) : at;
}

function choose(schema: unknown, value: unknown, orItself = false): unknown {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) {
    // `packs`: a name, or an object.
    if (!(schema instanceof z.ZodUnion) || typeof value !== 'object') return schema;
    return schema.options.find((one) => one instanceof z.ZodObject) ?? schema;
  }
  const name = schema.def.discriminator;
  const chosen = (value as Record<string, unknown> | undefined)?.[name];
  const option = schema.options.find((one) => {
    const literal = one instanceof z.ZodObject ? (one.shape as Record<string, unknown>)[name] : undefined;
    return literal instanceof z.ZodLiteral && literal.values.has(chosen as never);
  });
  return option ?? (orItself ? schema : undefined);
}

function unwrap(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault)
    at = at.def.innerType;
  return at;
}
