/**
 * The notation of the cases in this folder. One statement a line, with what the server answers behind the arrow:
 *
 *     BEGIN
 *     SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = {'foo'} -> 3, 4
 *     DELETE FROM book WHERE id IN ({3}, {4}) -> DELETE 2
 *     INSERT INTO account (email) VALUES ({'a@x'}) -> !23505 account_email_key
 *     SELECT id, email FROM account WHERE email = {'a@x'} -> (7, 'a@x')
 *
 * Rows are values (one column) or tuples; `-> none` is an empty result. A tag stands as it is, an error as `!SQLSTATE` and
 * the constraint's name. Without an arrow the tag follows from the first word. `{value}` is inlined in the simple protocol
 * and a parameter in the extended one.
 * In front of a statement: `[after 3s]` the app takes that long; `[with previous]` sent in one batch with the statement
 * before, without waiting; `[rows 1]` Execute asks for that many rows at a time and goes on to the end; `[first 1]` it
 * never fetches the rest; `[name s1]` prepared under that name, `[again s1]` bound again without Parse.
 */
import { readRows } from '../../src/explain/answers.ts';

export interface Line {
  sql: string;
  /** Literals by position; with them, `sql` has $1, $2, … */
  values: string[];
  /** The statement with its values inlined. */
  inlined: string;
  answer: string | undefined;
  after: number;
  withPrevious: boolean;
  maxRows: number;
  fetchRest: boolean;
  prepared: string;
  again: boolean;
}

export type Outcome =
  | { kind: 'rows'; rows: (string | null)[][] }
  | { kind: 'tag'; tag: string }
  | { kind: 'error'; code: string; constraint: string | undefined };

const durations: Record<string, number> = { ms: 1, s: 1000 };

export function readTranscript(text: string): Line[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(readLine);
}

/** Not the braces of an array literal, which stand inside quotes. */
const braces = /(?<!')\{((?:'[^']*'|[^{}'])*)\}/g;

function readLine(text: string): Line {
  const [, flags = '', rest = ''] = /^((?:\[[^\]]*\]\s*)*)(.*)$/s.exec(text) ?? [];
  const arrow = rest.lastIndexOf(' -> ');
  const statement = arrow < 0 ? rest : rest.slice(0, arrow);
  const values: string[] = [];
  const sql = statement.replaceAll(braces, (_, value: string) => {
    values.push(value);
    return `$${values.length}`;
  });
  const flag = (name: string): string | undefined => new RegExp(`\\[${name} ([^\\]]+)\\]`).exec(flags)?.[1];
  const [, amount = '0', unit = 'ms'] = /^(\d+)(ms|s)$/.exec(flag('after') ?? '0ms') ?? [];
  const again = flag('again');
  return {
    sql,
    values,
    inlined: statement.replaceAll(braces, '$1'),
    answer: arrow < 0 ? undefined : rest.slice(arrow + 4).trim(),
    after: Number(amount) * (durations[unit] ?? 1),
    withPrevious: flag('with') === 'previous',
    maxRows: Number(flag('rows') ?? flag('first') ?? 0),
    fetchRest: flag('first') === undefined,
    prepared: again ?? flag('name') ?? '',
    again: again !== undefined,
  };
}

export function outcome(line: Line): Outcome {
  const { answer } = line;
  if (answer === undefined) return { kind: 'tag', tag: defaultTag(line.sql) };
  const error = /^!(\w{5})(?:\s+(\w+))?$/.exec(answer);
  if (error !== null) return { kind: 'error', code: error[1] ?? '', constraint: error[2] };
  if (answer === 'none') return { kind: 'rows', rows: [] };
  if (/^[A-Z]+( [A-Z]+)*( \d+)*$/.test(answer)) return { kind: 'tag', tag: answer };
  const rows = readRows(answer);
  if (rows === undefined) throw new Error(`no result: ${answer}`);
  return { kind: 'rows', rows };
}

export { readLiteral as literal } from '../../src/explain/answers.ts';

function defaultTag(sql: string): string {
  const words = /^\s*(\w+)(?:\s+(\w+))?/.exec(sql.toUpperCase()) ?? [];
  if (words[1] === 'START') return 'START TRANSACTION';
  if (words[1] === 'SET' && words[2] === 'CONSTRAINTS') return 'SET CONSTRAINTS';
  if (['CREATE', 'DROP', 'ALTER'].includes(words[1] ?? '')) return `${words[1]} ${words[2]}`;
  return words[1] ?? '';
}
