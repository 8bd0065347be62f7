/** The figures as a Markdown table: readable in a terminal and in the README. */

const number = (value, digits) => value.toFixed(digits);
const ratio = (figure) =>
  figure === undefined
    ? ''
    : `${number(figure.median, 2)} (${number(figure.min, 2)}–${number(figure.max, 2)})`;

const columns = [
  ['workload, clients', (row) => row.workload],
  ['leg', (row) => row.leg],
  ['TPS', (row) => number(row.tps.median, 0)],
  ['TPS ÷ PgBouncer', (row) => ratio(row.ratios.pgbouncer?.tps)],
  ['TPS ÷ direct', (row) => ratio(row.ratios.direct?.tps)],
  ['CPU µs/tx', (row) => (row.cpu.median > 0 ? number(row.cpu.median, 1) : '')],
  ['of it system', (row) => (row.cpu.median > 0 ? number(row.system.median, 1) : '')],
  ['CPU ÷ PgBouncer', (row) => ratio(row.ratios.pgbouncer?.cpu)],
];

/** @param results workload name -> leg name -> summary */
export function table(results) {
  const rows = Object.entries(results).flatMap(([workload, legs]) =>
    Object.entries(legs).map(([leg, summary], i) => ({ workload: i === 0 ? workload : '', leg, ...summary })),
  );
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const line = (texts) => `| ${texts.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`;
  const [head, ...body] = cells.map(line);
  return [head, line(widths.map((width) => '-'.repeat(width))), ...body].join('\n');
}
