/**
 * Microseconds of CPU per statement: first word, lexer, classifier, and the witness on a candidate it has seen and on one it
 * has not. `npx tsx bench/micro/sql.ts`
 */
import { classify } from '../../src/sql/classify.ts';
import { firstWord } from '../../src/sql/first-word.ts';
import { fingerprint } from '../../src/sql/fingerprint.ts';
import { lex } from '../../src/sql/lexer.ts';
import type { LexerSettings } from '../../src/sql/shape.ts';
import { Tokens } from '../../src/sql/tokens.ts';
import { loadWitness } from '../../src/sql/witness/postgres.ts';

const settings: LexerSettings = {
  dialect: 'postgres',
  standardConformingStrings: true,
  ansiQuotes: true,
  noBackslashEscapes: true,
};
const ids = (count: number): string =>
  Array.from({ length: count }, (_, i) => String(100_000 + i)).join(', ');
const texts: Record<string, Buffer> = {
  'simple select (pgbench)': Buffer.from('SELECT abalance FROM pgbench_accounts WHERE aid = 12345;'),
  'ORM select with join': Buffer.from(
    'SELECT "c"."id", "c"."a_id", "c"."v" FROM "c" INNER JOIN "a" ON ("c"."a_id" = "a"."id") WHERE ("a"."x" = \'foo\' AND "c"."b_id" = $1) ORDER BY "c"."id" ASC',
  ),
  'delete, 3 ids': Buffer.from('DELETE FROM "c" WHERE "c"."id" IN (1, 2, 3)'),
  'delete, 1,000 ids': Buffer.from(`DELETE FROM "c" WHERE "c"."id" IN (${ids(1_000)})`),
  'delete, 10,000 ids': Buffer.from(`DELETE FROM "c" WHERE "c"."id" IN (${ids(10_000)})`),
  insert: Buffer.from('INSERT INTO "c" ("a_id", "b_id", "v") VALUES ($1, $2, $3) RETURNING "id"'),
  savepoint: Buffer.from('SAVEPOINT "s140213_x2"'),
};

/** Best of five rounds, in CPU time of this process: a busy machine does not count. */
function measure(run: () => void): number {
  for (let i = 0; i < 500; i++) run();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = process.cpuUsage();
    const deadline = performance.now() + 100;
    let count = 0;
    do {
      for (let i = 0; i < 20; i++) run();
      count += 20;
    } while (performance.now() < deadline);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / count);
  }
  return best;
}

const tokens = new Tokens();
const witness = await loadWitness();
const show = (microseconds: number): string => microseconds.toFixed(microseconds < 10 ? 3 : 1).padStart(10);
console.log(
  'µs per statement'.padEnd(28),
  ...['first word', 'lexer', '+ hash', 'classify', 'witness'].map((h) => h.padStart(10)),
);
for (const [name, text] of Object.entries(texts)) {
  const { shape } = classify(text, settings);
  console.log(
    name.padEnd(28),
    show(measure(() => firstWord(text, 0, text.length))),
    show(measure(() => lex(text, settings, tokens))),
    show(
      measure(() => {
        lex(text, settings, tokens);
        fingerprint(tokens);
      }),
    ),
    show(measure(() => classify(text, settings))),
    show(measure(() => witness.agrees(text, shape))),
  );
}
let column = 0;
console.log(
  'candidate, never seen before'.padEnd(28),
  show(
    measure(() => {
      const text = Buffer.from(
        `SELECT "c"."id" FROM "c" INNER JOIN "a" ON ("c"."a_id" = "a"."id") WHERE "a"."x${column++}" = $1`,
      );
      witness.agrees(text, classify(text, settings).shape);
    }),
  ),
);
