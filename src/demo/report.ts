/** What the demo prints: one race, step by step, directly and through Interlock side by side. Text in, text out. */
import type { StepRecord } from './schedule.ts';
import type { LoggedStatement } from './server-log.ts';

export interface Paint {
  bold: (text: string) => string;
  red: (text: string) => string;
  green: (text: string) => string;
  faint: (text: string) => string;
}

const code =
  (on: boolean, start: number, end: number) =>
  (text: string): string =>
    on ? `\u001B[${start}m${text}\u001B[${end}m` : text;

export const painter = (colours: boolean): Paint => ({
  bold: code(colours, 1, 22),
  red: code(colours, 31, 39),
  green: code(colours, 32, 39),
  faint: code(colours, 2, 22),
});

const widths = { session: 4, statement: 50, note: 27 };

/** Cut or filled to exactly `width` characters. */
const column = (text: string, width: number): string =>
  text.length > width - 1 ? `${text.slice(0, width - 2)}… ` : text.padEnd(width);

/** The middle of a long statement says the least: its beginning and the last `end` characters stay. */
export function short(text: string, width: number, end: number): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length < width ? line : `${line.slice(0, width - end - 3)}…${line.slice(-end)}`;
}

function outcome(record: StepRecord | undefined): string {
  if (record === undefined) return '(rolled back)';
  const end = record.error === undefined ? record.note : `ERROR ${record.error}`;
  return record.waited ? `waits, then ${end}` : end;
}

/** One line a step that sent something on either side. */
export function comparison(
  direct: readonly StepRecord[],
  proxied: readonly StepRecord[],
  paint: Paint,
): string[] {
  const { session, statement, note } = widths;
  const header =
    ' '.repeat(session) + column('sends', statement) + column('directly', note) + 'through Interlock';
  const steps = proxied.length >= direct.length ? proxied : direct;
  const lines = steps.flatMap(({ step, sent }) => {
    const one = direct.find((record) => record.step === step);
    const other = proxied.find((record) => record.step === step);
    const begins = sent.length === 0 || step.endsWith('.B');
    if (begins) return [];
    const left = column(outcome(one), note);
    const main = sent.find((text) => /^(SELECT|INSERT|UPDATE|DELETE)/.test(text)) ?? sent[0] ?? '';
    const what = column(step.split('.')[0] ?? '', session) + column(short(main, statement, 18), statement);
    const bad = one?.error !== undefined || one === undefined;
    return [what + (bad ? paint.red(left) : left) + outcome(other)];
  });
  return [paint.faint(header), ...lines];
}

/** What the server got from a session beside the application's own texts, each once, with a count. */
export function added(
  log: readonly LoggedStatement[],
  pid: number,
  sent: readonly string[],
): Map<string, number> {
  const own = [...sent];
  const counts = new Map<string, number>();
  for (const { text } of log.filter((entry) => entry.pid === pid)) {
    const index = own.indexOf(text);
    if (index >= 0) own.splice(index, 1);
    else counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** The statements of a plan that say little as text. */
const kinds: [RegExp, string][] = [
  [/pg_try_advisory_xact_lock/, 'SELECT … pg_try_advisory_xact_lock …, the guard of the table'],
  [/current_setting\('transaction_isolation'\)/, 'SELECT … isolation level, read-only state'],
  [/^WITH RECURSIVE target/, 'SELECT … keys, constraints and privileges of the table from the catalog'],
];

/** One line for a statement of Interlock's own. */
export const named = (text: string): string =>
  kinds.find(([form]) => form.test(text))?.[1] ?? short(text, 104, 58);

/** Breaks at spaces; every line indented. */
export function wrapped(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = '  ' + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
