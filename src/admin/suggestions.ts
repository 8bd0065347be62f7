/**
 * /suggestions: what was learnt, as a file of rules that a person reviews, commits and names in `rules.packs`. The rules
 * observe; the SELECTs stand in comments, with constants masked.
 */
import { createHash } from 'node:crypto';
import type { Learner, Shape } from '../patterns/anticipate/learner.ts';

/** As of now. */
export function suggestionsOf(learner: Learner): string {
  return suggestionsPage(learner.proposals(performance.now()));
}

export function suggestionsPage(shapes: readonly Shape[]): string {
  const head = [
    '# Proposed by Interlock from the traffic of this process. Review each rule before you use the file: docs/anticipate.md.',
    'pack: suggested',
    'description: Transactions that delete what they found and insert again, or delete row by row.',
  ];
  if (shapes.length === 0) return `${[...head, 'rules: []'].join('\n')}\n`;
  return `${[...head, 'rules:', ...shapes.flatMap(rule)].join('\n')}\n`;
}

function rule(shape: Shape): string[] {
  const { listener, database, table, fingerprint, counts, opening, text } = shape;
  const shown = toText(table);
  const times = (count: number): number => Math.round(count);
  const total = counts['by-list'] + counts['row-loop'] + counts.empty;
  return [
    `  # Of ${times(total)} transactions: ${times(counts['by-list'])} deleted what it returned by list, ${times(counts['row-loop'])} row by row,`,
    `  # ${times(counts.empty)} found nothing and inserted. ${times(counts.alone)} more did neither: they would wait for the guard in vain.`,
    `  # It was the first to read or write in ${times(opening)} of them (needed above READ COMMITTED on MySQL and MariaDB).`,
    ...(text === undefined ? [] : [`  # ${text.replaceAll(unprintable, ' ')}`]),
    `  - id: ${idOf(shape)}`,
    '    pattern: anticipate',
    '    mode: observe # rewrite takes the guard',
    `    match: ${quoted({ listeners: [listener], databases: [toText(database)], tables: [shown] })}`,
    '    settings:',
    `      select: [${quoted(fingerprint)}]`,
    `      table: ${quoted(shown)}`,
  ];
}

/** Names are the application's: blanks, and what moves a terminal's cursor or turns a line's direction. */
const unprintable = /[\s\p{Cc}\p{Cf}]+/gu;

/** JSON is YAML; a dollar sign would be the beginning of a variable. */
function quoted(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('$', '$$$$')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) =>
      one.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    );
}

/** Ids are of small letters, digits and a few signs. The same SELECT in another database is another rule. */
function idOf({ listener, database, table, fingerprint }: Shape): string {
  const name = table
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^-/, '');
  const where = createHash('sha256').update([listener, database, table].join('\0')).digest('hex');
  return `suggested/${name.slice(0, 40)}-${fingerprint}-${where.slice(0, 8)}`;
}

/** The core's texts are bytes as latin1. */
function toText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
