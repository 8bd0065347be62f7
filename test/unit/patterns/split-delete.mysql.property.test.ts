/**
 * MySQL and MariaDB: random keys, types, spellings, orders, duplicates and chunks. The DELETE is found if and only if all
 * that was sent, chunks together, is exactly the set that was read. Values are compared here as BigInt and string.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ResultColumn } from '../../../src/memory/types.ts';
import { Scene, mysqlColumn } from './scene.ts';
import type { Step } from './scene.ts';
import { bound, read } from './stories-mysql.ts';

interface Kind {
  column: Partial<ResultColumn>;
  values: fc.Arbitrary<string>;
  /** As the server shows the value. */
  shown: (value: string) => string;
  /** As an app may write it into the text. */
  written: ((value: string) => string)[];
  /** As the session hands over a parameter. */
  sent: ((value: string) => string)[];
}

const origin = { schema: 'shop', table: 'c', column: 'id', collation: 63 };
const quote = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
const hex = (value: string): string => Buffer.from(value, 'latin1').toString('hex');
const same = (value: string): string => value;
const zeros = (value: string): string => value.replace(/\d+/, (digits) => digits.padStart(4, '0'));
const words = [
  'a',
  'A',
  ' a',
  'a ',
  '1',
  '01',
  "o'clock",
  'caf\xc3\xa9',
  '"',
  '\\',
  '\\n',
  'NULL',
  '%',
  '',
  ',',
];

const kinds: Kind[] = [
  {
    column: { type: 3 },
    values: fc.integer({ min: -20, max: 20 }).map(String),
    shown: same,
    written: [same, quote, zeros],
    sent: [same, zeros],
  },
  {
    column: { type: 8 }, // BIGINT UNSIGNED ZEROFILL: zeros in text, none in binary rows and parameters
    values: fc.bigInt({ min: 2n ** 64n - 20n, max: 2n ** 64n - 1n }).map(String),
    shown: (value) => value.padStart(24, '0'),
    written: [same, quote],
    sent: [same],
  },
  {
    column: { type: 246 },
    values: fc.integer({ min: -20, max: 20 }).map((value) => (value / 4).toString()),
    shown: (value) => Number(value).toFixed(3),
    written: [same, quote, (value) => Number(value).toFixed(2)],
    sent: [same, (value) => Number(value).toFixed(4)],
  },
  {
    column: { type: 253, origin: { ...origin, collation: 255 } },
    values: fc.constantFrom(...words),
    shown: same,
    written: [quote],
    sent: [same],
  },
  {
    column: { type: 254, origin },
    values: fc.constantFrom(...words, '\0', '\xff\0', '\0\xff'),
    shown: same,
    written: [
      quote,
      (value) => `_binary${quote(value)}`,
      (value) => `X'${hex(value)}'`,
      (value) => (value === '' ? "x''" : `0x${hex(value)}`),
    ],
    sent: [same],
  },
];

type Form = 'literals' | 'parameters' | 'or';

function deletionOf(kind: Kind, form: Form, values: string[], choice: number): Step {
  const spelled = (spellings: ((value: string) => string)[], value: string, at: number): string =>
    (spellings[(choice + at) % spellings.length] ?? same)(value);
  const literals = values.map((value, at) => spelled(kind.written, value, at));
  if (form === 'parameters') {
    const parameters = bound(...values.map((value, at) => spelled(kind.sent, value, at)));
    return {
      sql: `DELETE FROM \`c\` WHERE \`c\`.\`id\` IN (${values.map(() => '?').join(', ')})`,
      parameters,
    };
  }
  // `id = 1` alone is no list
  if (form === 'literals' || values.length === 1)
    return { sql: `DELETE FROM \`c\` WHERE \`c\`.\`id\` IN (${literals.join(', ')})` };
  return { sql: `DELETE FROM \`c\` WHERE (${literals.map((one) => `\`c\`.\`ID\` = ${one}`).join(' OR ')})` };
}

const scenario = fc.constantFrom(...kinds).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    returned: fc.array(kind.values, { minLength: 1, maxLength: 12 }),
    chunks: fc.integer({ min: 1, max: 3 }),
    forms: fc.array(fc.constantFrom<Form>('literals', 'parameters', 'or'), { minLength: 3, maxLength: 3 }),
    choice: fc.nat(100),
    seed: fc.array(fc.nat(1000), { minLength: 24, maxLength: 24 }),
    change: fc.constantFrom<'none' | 'drop' | 'add' | 'other column' | 'other table' | 'other case'>(
      'none',
      'none',
      'drop',
      'add',
      'other column',
      'other table',
      'other case',
    ),
    extra: kind.values,
    dialect: fc.constantFrom<'mysql' | 'mariadb'>('mysql', 'mariadb'),
    autocommitOff: fc.boolean(),
  }),
);

const strays: Record<string, [string, string]> = {
  'other table': ['`c`', '`k`'],
  'other column': ['`c`.`id`', '`c`.`c_id`'],
  'other case': ['`c`', '`C`'],
};

test('found if and only if the sets are equal', { timeout: 60_000 }, () => {
  let found = 0;
  let left = 0;
  fc.assert(
    fc.property(scenario, ({ kind, returned, chunks, forms, choice, seed, change, extra, ...options }) => {
      const set = new Set(returned);
      let sent = [...returned, ...returned.slice(0, choice % 3)].map((value, at) => ({
        value,
        at: seed[at] ?? 0,
      }));
      sent.sort((a, b) => a.at - b.at);
      if (change === 'drop') sent = sent.filter(({ value }) => value !== sent[0]?.value);
      if (change === 'add') sent.push({ value: extra, at: 0 });
      const values = sent.map(({ value }) => value);
      fc.pre(values.length > 0);

      const scene = new Scene({ ...options, patterns: ['split-delete'] });
      scene.run({ sql: 'START TRANSACTION' });
      scene.run({ ...read, rows: returned.map(kind.shown), columns: [{ ...mysqlColumn, ...kind.column }] });
      const size = Math.ceil(values.length / chunks);
      const parts = Array.from({ length: chunks }, (_, i) => values.slice(i * size, (i + 1) * size)).filter(
        (part) => part.length > 0,
      );
      const steps = parts.map((part, i) => deletionOf(kind, forms[i] ?? 'literals', part, choice + i));
      const last = steps.pop();
      if (last === undefined) return;
      const [from, to] = strays[change] ?? ['', ''];
      for (const step of steps) {
        if (from !== '')
          step.sql = step.sql.replaceAll(from, to).replaceAll('`ID`', '`id`').replaceAll(from, to);
        scene.run(step);
      }
      const before = new Set(parts.slice(0, -1).flat());
      const strayed = from !== '' && steps.length > 0;
      // A list that was complete before its last chunk has been deleted: nothing is left to prove.
      const complete = before.size === set.size && [...before].every((value) => set.has(value));
      const expected = sameSet(new Set(values), set) && !strayed && !complete;
      const verdict = scene.verdict(last);
      expect(verdict === 'found', `${verdict}: ${last.sql}`).toBe(expected);
      if (expected) found++;
      else left++;
    }),
    { numRuns: 2000 },
  );
  expect(Math.min(found, left)).toBeGreaterThan(300); // both sides of the "if and only if" were tried
});

function sameSet(a: Set<string>, b: Set<string>): boolean {
  return a.size === b.size && [...a].every((value) => b.has(value));
}
