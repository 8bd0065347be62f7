/** A report for people: one line a statement, a block a finding, and what was assumed. Pure: colours are the caller's choice. */
import type { ExplainedStatement, Finding } from './explain.ts';
import type { Input } from './read.ts';

export interface RenderOptions {
  colours: boolean;
  /** Leave out statements in which nothing was found. */
  findingsOnly: boolean;
  /** Reason code -> what it means. */
  reasons: Readonly<Record<string, { text: string }>>;
}

const widest = 110;
const ansi = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
type Paint = (style: keyof typeof ansi, text: string) => string;

export function render(
  input: Pick<Input, 'format' | 'dialect' | 'lacks'>,
  statements: readonly ExplainedStatement[],
  options: RenderOptions,
): string {
  const paint: Paint = (style, text) => (options.colours ? `\u001B[${ansi[style]}m${text}\u001B[0m` : text);
  const out = [`Read as ${input.format}, ${input.dialect}: ${statements.length} statements.`];
  if (input.lacks !== undefined)
    out.push(`It holds no ${input.lacks}; what had to be assumed is said where it was.`);
  out.push('');
  const sessions = new Set(statements.map(({ session }) => session)).size > 1;
  for (const statement of statements) {
    if (options.findingsOnly && statement.finding === undefined) continue;
    out.push(line(statement, sessions, paint));
    if (statement.presumed !== undefined) out.push(paint('yellow', `        if ${statement.presumed}`));
    if (statement.finding !== undefined) out.push(...block(statement.finding, options, paint), '');
  }
  return `${[...out, ...summary(statements)].join('\n')}\n`;
}

function line(
  { session, line: at, shape, status, sql }: ExplainedStatement,
  sessions: boolean,
  paint: Paint,
): string {
  const where = `${sessions ? `${session} ` : ''}${at}`.padStart(sessions ? 12 : 5);
  const flat = sql.replaceAll(/\s+/g, ' ').trim();
  const shown = flat.length > widest ? `${flat.slice(0, widest - 1)}…` : flat;
  return `${paint('dim', where)}  ${paint('dim', status)} ${shape.padEnd(15)} ${shown}`;
}

function outcome({ pattern, decision, reason }: Finding): string {
  switch (decision) {
    case 'refused':
      return `left alone: ${reason ?? ''}`;
    case 'observed':
      return pattern === 'anticipate'
        ? 'the guard would be taken in front of it, if the rule were in mode rewrite'
        : 'would be rewritten, if the rule were in mode rewrite';
    case 'guarded':
      return 'the guard is taken in front of it';
    default:
      return decision;
  }
}

function block(finding: Finding, { reasons }: RenderOptions, paint: Paint): string[] {
  const { pattern, rule, table, decision, reason, guard, before, after, assumed } = finding;
  const indent = ' '.repeat(8);
  const style = decision === 'refused' ? 'red' : 'green';
  const out = [
    `${indent}${paint('bold', pattern)} on ${table}, rule ${rule}: ${paint(style, outcome(finding))}`,
  ];
  if (reason !== undefined) out.push(`${indent}${reasons[reason]?.text ?? ''}`);
  if (after !== undefined) out.push(`${indent}${paint('dim', 'before')}  ${before.trim()}`);
  for (const [index, text] of (after ?? []).entries())
    out.push(`${indent}${paint('dim', index === 0 ? 'after ' : '      ')}  ${text}`);
  if (guard !== undefined) out.push(`${indent}${paint('dim', 'guard ')}  ${guard}, one per table`);
  for (const one of assumed) out.push(`${indent}${paint('dim', `assuming ${one}`)}`);
  return out;
}

function summary(statements: readonly ExplainedStatement[]): string[] {
  const counts = new Map<string, number>();
  for (const { finding } of statements) {
    if (finding === undefined) continue;
    const { pattern, decision, reason } = finding;
    const key = `${pattern}: ${decision}${reason === undefined ? '' : ` (${reason})`}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  if (counts.size === 0) return ['Nothing was found.'];
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, count]) => `${String(count).padStart(5)}  ${key}`);
}
