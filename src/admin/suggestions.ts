/**
 * /suggestions: what was learnt, as a file of rules that a person reviews, commits and names in `rules.packs`. The rules
 * observe; the SELECTs stand in comments, with constants masked.
 */
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
    ...(text === undefined ? [] : [`  # ${text.replaceAll(/\s+/g, ' ')}`]),
    `  - id: ${idOf(table, fingerprint)}`,
    '    pattern: anticipate',
    '    mode: observe # rewrite takes the guard',
    `    match: ${JSON.stringify({ listeners: [listener], databases: [toText(database)], tables: [shown] })}`,
    '    settings:',
    `      select: [${JSON.stringify(fingerprint)}]`,
    `      table: ${JSON.stringify(shown)}`,
  ];
}

/** Ids are of small letters, digits and a few signs. */
function idOf(table: string, fingerprint: string): string {
  const name = table
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^-/, '');
  return `suggested/${name.slice(0, 50)}-${fingerprint}`;
}

/** The core's texts are bytes as latin1. */
function toText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
