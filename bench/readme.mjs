/** Puts the table of a run into README.md, between its two marks. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('README.md', import.meta.url));
const [begin, end] = ['<!-- table -->\n', '<!-- /table -->'];

/** @param about the `about` of the result file */
export function updateReadme(text, about, { rounds, seconds }) {
  const { date, commit, node, postgres, pgbouncer, cpus, cpu } = about;
  const how = `${date.slice(0, 10)}, commit ${commit}, Node ${node}, PostgreSQL ${postgres}, ${pgbouncer ?? 'no PgBouncer'}, ${cpus} cores (${cpu}); medians of ${rounds} rounds of ${seconds} s.`;
  const old = readFileSync(file, 'utf8');
  const [head, rest] = [old.indexOf(begin) + begin.length, old.indexOf(end)];
  writeFileSync(file, `${old.slice(0, head)}\n${how}\n\n${text}\n\n${old.slice(rest)}`);
}
