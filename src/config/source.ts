/** YAML text -> plain value, with the place of every node kept, and `${NAME}` taken from the environment. */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parse,
  parseDocument,
  Scalar,
  visit,
  type Document,
  type Node,
} from 'yaml';
import type { Problem } from './problem.ts';

export type Path = readonly PropertyKey[];

/** Something with a place for each of its parts: a file, or the command line. */
export interface Source {
  value: unknown;
  /** Where the value at the path is, or the innermost part of the path that exists; with `key`, where the key itself is. */
  where(path: Path, key?: string): string;
  /** True where the place alone says which setting is meant. */
  placeNamesSetting?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** @param file as shown in messages */
export function readYaml(file: string, text: string, environment: Environment, problems: Problem[]): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  for (const error of [...document.errors, ...document.warnings])
    problems.push({ where: place(error.pos[0]), message: error.message });
  const where = (path: Path, key?: string) => place(offsetOf(document, path, key));
  if (document.errors.length > 0) return { value: undefined, where };
  visit(document, {
    Scalar(position, node) {
      if (position === 'key' || typeof node.value !== 'string') return;
      const complain = (message: string) => problems.push({ where: place(node.range?.[0] ?? 0), message });
      node.value = expand(node, node.value, environment, complain);
    },
  });
  try {
    return { value: document.toJS() as unknown, where };
  } catch (error) {
    problems.push({ where: place(0), message: (error as Error).message });
    return { value: undefined, where };
  }
}

/** `${NAME}`, `${NAME:-default}` (also for an empty variable), `$$` for a dollar sign. */
function expand(
  node: Scalar,
  text: string,
  environment: Environment,
  complain: (message: string) => void,
): unknown {
  if (!text.includes('$')) return text;
  const expanded = text.replaceAll(/\$\$|\$\{([^}]*)\}/g, (whole, inside: string | undefined) => {
    if (inside === undefined) return '$';
    const [, name = '', fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside) ?? [];
    const value = environment[name];
    if (name === '') complain(`${whole} is not a variable: write \${NAME} or \${NAME:-default}`);
    else if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    else if (fallback === undefined)
      complain(`the environment has no variable ${name}; a default is written \${${name}:-default}`);
    return fallback ?? '';
  });
  // An unquoted ${PORT} is as good as the number itself; anything that is not a plain scalar stays text.
  if (node.type !== Scalar.PLAIN) return expanded;
  try {
    const value: unknown = parse(expanded);
    return typeof value === 'number' || typeof value === 'boolean' ? value : expanded;
  } catch {
    return expanded;
  }
}

function offsetOf(document: Document, path: Path, key?: string): number {
  let node: unknown = document.contents;
  let offset = start(node);
  for (const [index, step] of [...path, ...(key === undefined ? [] : [key])].entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const last = key !== undefined && index === path.length;
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === step);
      next = last ? pair?.key : (pair?.value ?? pair?.key);
    } else if (isSeq(node)) {
      next = node.items[Number(step)];
    }
    if (next === undefined || next === null) break;
    node = next;
    offset = start(node, offset);
  }
  return offset;
}

function start(node: unknown, otherwise = 0): number {
  return (node as Node | null)?.range?.[0] ?? otherwise;
}
