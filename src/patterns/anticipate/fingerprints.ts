/** The SELECTs that a rule names, as sessions compare them. Step 6 of the flow. */
import { classify } from '../../sql/classify.ts';
import type { LexerSettings } from '../../sql/shape.ts';

const plain = { standardConformingStrings: true, ansiQuotes: false, noBackslashEscapes: false };

/** An example does not say in which dialect it is written, and quotes mean something else in each. */
const readings: readonly LexerSettings[] = [
  { ...plain, dialect: 'postgres' },
  { ...plain, dialect: 'mysql' },
  { ...plain, dialect: 'mysql', ansiQuotes: true },
  { ...plain, dialect: 'mariadb' },
];

/** @param selects fingerprints, or statements that have them */
export function fingerprintsOf(selects: readonly string[]): ReadonlySet<string> {
  return new Set(
    selects.flatMap((select) =>
      /^[0-9a-f]{16}$/.test(select)
        ? [select]
        : readings.map((lexer) => classify(Buffer.from(select, 'utf8'), lexer).head.fingerprint),
    ),
  );
}
