/**
 * Random keys, types, spellings, orders, duplicates, list forms and chunks: the DELETE is found if and only if all that
 * was sent, chunks together, is exactly the set that was read. The values are compared here as BigInt and string; the
 * encoders are the tests' own.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Parameters } from '../../../src/memory/types.ts';
import { binaryArrayOf, int, numericBytes, textArrayOf } from '../memory/encode.ts';
import { Scene } from './scene.ts';
import type { Step } from './scene.ts';
import { read } from './stories.ts';

interface Kind {
  oid: number;
  array: number;
  cast: string;
  /** Types whose values may stand for the key, with their send function. */
  binary: [oid: number, send: (value: string) => Buffer][];
  values: fc.Arbitrary<string>;
  /** Another way to write the value. */
  respell: (value: string, choice: number) => string;
  number: boolean;
}

const uuid = (value: string) => Buffer.from(value.replaceAll('-', ''), 'hex');
const integer: Pick<Kind, 'values' | 'respell' | 'number'> = {
  values: fc.integer({ min: -20, max: 20 }).map(String),
  respell: (value, choice) => (choice % 2 === 0 ? value : value.replace(/\d+/, '0$&')),
  number: true,
};
const sendInt = (width: 2 | 4 | 8) => (value: string) => int(width, BigInt(value));

const kinds: Kind[] = [
  {
    ...integer,
    oid: 23,
    array: 1007,
    cast: 'int4',
    binary: [
      [21, sendInt(2)],
      [23, sendInt(4)],
      [20, sendInt(8)],
    ],
  },
  {
    ...integer,
    oid: 20,
    array: 1016,
    cast: 'bigint',
    binary: [
      [20, sendInt(8)],
      [23, sendInt(4)],
    ],
  },
  { ...integer, oid: 21, array: 1005, cast: 'smallint', binary: [[21, sendInt(2)]] },
  {
    oid: 1700,
    array: 1231,
    cast: 'numeric',
    binary: [[1700, numericBytes]],
    values: fc.integer({ min: -20, max: 20 }).map((value) => (value / 4).toString()),
    respell: (value, choice) =>
      choice % 2 === 0 ? value : value.includes('.') ? `${value}00` : `${value}.0`,
    number: true,
  },
  {
    oid: 2950,
    array: 2951,
    cast: 'uuid',
    binary: [[2950, uuid]],
    values: fc.constantFrom(
      ...Array.from({ length: 16 }, (_, i) => `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a${i.toString(16)}1`),
    ),
    respell: (value, choice) =>
      [value, value.toUpperCase(), value.replaceAll('-', ''), `{${value}}`][choice % 4] ?? value,
    number: false,
  },
  {
    oid: 25,
    array: 1009,
    cast: 'text',
    binary: [
      [25, (value) => Buffer.from(value, 'latin1')],
      [1043, (value) => Buffer.from(value, 'latin1')],
    ],
    values: fc.constantFrom('a', 'A', ' a', '1', '01', "o'clock", 'é', '"', '\\', '{', 'NULL', '', ','),
    respell: (value) => value,
    number: false,
  },
];

/** How one DELETE writes its values. */
type Form =
  | 'literals'
  | 'quoted'
  | 'cast'
  | 'text'
  | 'binary'
  | 'declared'
  | 'array text'
  | 'array binary'
  | 'array literal'
  | 'array constructor'
  | 'or';
const forms: Form[] = [
  'literals',
  'quoted',
  'cast',
  'text',
  'binary',
  'declared',
  'array text',
  'array binary',
  'array literal',
  'array constructor',
  'or',
];

function quote(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function deletionOf(kind: Kind, form: Form, values: string[], choice: number): Step {
  const spelled = values.map((value, at) => kind.respell(value, choice + at));
  const literal = (value: string) => (kind.number ? value : quote(value));
  const numbered = (cast = '') => values.map((_, at) => `$${at + 1}${cast}`).join(', ');
  const bytes = (texts: string[]) => texts.map((value) => Buffer.from(value, 'latin1'));
  const [oid, send] = kind.binary[choice % kind.binary.length] ?? [0, () => Buffer.alloc(0)];
  const one = (parameters: Parameters, cast = ''): Step => ({
    sql: `DELETE FROM "c" WHERE "c"."id" = ANY ($1${cast})`,
    parameters,
  });
  const isIn = (list: string, parameters?: Parameters): Step => ({
    sql: `DELETE FROM "c" WHERE "c"."id" IN (${list})`,
    ...(parameters && { parameters }),
  });
  switch (form) {
    case 'literals':
      return isIn(spelled.map(literal).join(', '));
    case 'quoted':
      return isIn(spelled.map(quote).join(', '));
    case 'cast':
      return isIn(spelled.map((value) => `${quote(value)}::${kind.cast}`).join(', '));
    case 'text':
      return isIn(numbered(), { formats: [], values: bytes(spelled), types: [] });
    case 'declared':
      return isIn(numbered(), { formats: [0], values: bytes(spelled), types: values.map(() => kind.oid) });
    case 'binary':
      return isIn(numbered(`::${kind.cast}`), {
        formats: values.map(() => 1),
        values: values.map(send),
        types: values.map(() => oid),
      });
    case 'array text':
      return one(
        { formats: [], values: bytes([textArrayOf(spelled)]), types: [] },
        choice % 2 === 0 ? '' : `::${kind.cast}[]`,
      );
    case 'array binary':
      return one({
        formats: [1],
        values: [binaryArrayOf(oid, values.map(send))],
        types: [choice % 2 === 0 ? kind.array : 0],
      });
    case 'array literal':
      return { sql: `DELETE FROM "c" WHERE "c"."id" = ANY (${quote(textArrayOf(spelled))}::${kind.cast}[])` };
    case 'array constructor':
      return { sql: `DELETE FROM "c" WHERE "c"."id" = ANY (ARRAY[${spelled.map(literal).join(', ')}])` };
    case 'or':
      if (values.length === 1) return isIn(spelled.map(literal).join(', ')); // `id = 1` alone is no list
      return {
        sql: `DELETE FROM "c" WHERE (${spelled.map((value) => `"c"."id" = ${literal(value)}`).join(' OR ')})`,
      };
  }
}

/** The read's rows as the server sends them. */
function rowsOf(kind: Kind, values: string[], format: number): string[] {
  const send = kind.binary.find(([oid]) => oid === kind.oid)?.[1];
  return values.map((value) => (format === 0 || send === undefined ? value : send(value).toString('latin1')));
}

const scenario = fc.constantFrom(...kinds).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    returned: fc.array(kind.values, { minLength: 1, maxLength: 12 }),
    format: fc.constantFrom(0, 1),
    chunks: fc.integer({ min: 1, max: 3 }),
    form: fc.array(fc.constantFrom(...forms), { minLength: 3, maxLength: 3 }),
    choice: fc.nat(100),
    seed: fc.array(fc.nat(1000), { minLength: 24, maxLength: 24 }),
    change: fc.constantFrom('none', 'none', 'drop', 'add', 'other column', 'other table') as fc.Arbitrary<
      'none' | 'drop' | 'add' | 'other column' | 'other table'
    >,
    extra: kind.values,
  }),
);

test('found if and only if the sets are equal', { timeout: 60_000 }, () => {
  let found = 0;
  let left = 0;
  fc.assert(
    fc.property(scenario, ({ kind, returned, format, chunks, form, choice, seed, change, extra }) => {
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

      const scene = new Scene({ patterns: ['split-delete'] });
      scene.run({ sql: 'BEGIN' });
      scene.run({ ...read, rows: rowsOf(kind, returned, format), columns: [{ type: kind.oid, format }] });
      const size = Math.ceil(values.length / chunks);
      const parts = Array.from({ length: chunks }, (_, i) => values.slice(i * size, (i + 1) * size)).filter(
        (part) => part.length > 0,
      );
      const steps = parts.map((part, i) => deletionOf(kind, form[i] ?? 'literals', part, choice + i));
      const last = steps.pop();
      if (last === undefined) return;
      for (const step of steps) {
        if (change === 'other table') step.sql = step.sql.replaceAll('"c"', '"k"');
        if (change === 'other column') step.sql = step.sql.replaceAll('"id"', '"c_id"');
        scene.run(step);
      }
      const before = new Set(parts.slice(0, -1).flat());
      const strayed = (change === 'other table' || change === 'other column') && steps.length > 0;
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
