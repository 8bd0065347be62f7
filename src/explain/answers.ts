/**
 * Results as people write them behind a statement: `-> 3, 4`, `-> (7, 'a@x')`, `-> DELETE 2`, `-> none`,
 * `-> !23505 account_email_key`; in plain SQL the same in a comment, `-- 3, 4`. Pure.
 */
import type { Answer } from './said.ts';

const scalar = /^(?:'(?:[^']|'')*'|[+-]?\d+(?:\.\d+)?|null|true|false|[0-9a-f]{8}-[0-9a-f-]{27})$/i;

/** @returns undefined: the text is no result */
export function readAnswer(text: string): Answer | undefined {
  const trimmed = text.trim();
  const error = /^(?:!|ERROR:?\s+)(\w{4,5})(?:\s+(\S+))?$/.exec(trimmed);
  if (error !== null)
    return {
      kind: 'error',
      code: error[1] ?? '',
      ...(error[2] !== undefined && { key: error[2] }),
    };
  if (/^(?:none|\(0 rows\)|empty set)$/i.test(trimmed)) return { kind: 'rows', count: 0, values: [] };
  const counted = /^\(?(\d+) rows?\)?$/i.exec(trimmed);
  if (counted !== null) return { kind: 'rows', count: Number(counted[1]), values: undefined };
  if (/^(?:[A-Z]+ )*[A-Z]+( \d+)*$/.test(trimmed) && !/^(?:NULL|TRUE|FALSE)$/.test(trimmed)) {
    const affected = /\d+$/.exec(trimmed)?.[0];
    return { kind: 'done', affected: affected === undefined ? undefined : Number(affected) };
  }
  const rows = readRows(trimmed);
  return rows === undefined
    ? undefined
    : { kind: 'rows', count: rows.length, values: rows.map((row) => row[0] ?? null) };
}

/** `3, 4` or `(3, 'a'), (4, 'b')` -> rows; undefined: it is neither. */
export function readRows(text: string): (string | null)[][] | undefined {
  const parts = split(text);
  if (parts === undefined || parts.length === 0) return undefined;
  const rows = parts.map((part) => {
    if (!part.startsWith('(')) return scalar.test(part) ? [readLiteral(part)] : undefined;
    const inner = part.endsWith(')') ? split(part.slice(1, -1)) : undefined;
    return inner?.every((one) => scalar.test(one)) === true ? inner.map(readLiteral) : undefined;
  });
  return rows.every((row) => row !== undefined) ? rows : undefined;
}

/** `3`, `'it''s'`, `null` -> the value in text form. */
export function readLiteral(text: string): string | null {
  if (/^null$/i.test(text)) return null;
  return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text;
}

/** At commas outside quotes and parentheses; undefined: a quote or parenthesis is left open. */
function split(text: string): string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (one === "'") quoted = !quoted;
    else if (quoted) continue;
    else if (one === '(') depth++;
    else if (one === ')') depth--;
    else if (one === ',' && depth === 0) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  if (quoted || depth !== 0) return undefined;
  return [...parts, text.slice(from).trim()];
}
