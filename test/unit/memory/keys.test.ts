/** Typed keys: what is the same value, what is not, and what is not understood. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { binaryArray, textArray } from '../../../src/memory/arrays.ts';
import { keyOfBinary, keyOfText, typeOfCast } from '../../../src/memory/keys.ts';
import type { KeyFamily } from '../../../src/memory/keys.ts';
import { numericBytes, textArrayOf } from './encode.ts';

const same: [KeyFamily, ...string[]][] = [
  ['integer', '1', '01', '+1', '0001'],
  ['integer', '0', '-0', '00', '+0'],
  ['integer', '-12', '-012'],
  ['integer', '9223372036854775807', '09223372036854775807'],
  [
    'uuid',
    'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11',
    '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
    'a0eebc999c0b4ef8bb6d6bb9bd380a11',
  ],
  ['numeric', '1', '1.0', '01.000', '+1.', '1.00'],
  ['numeric', '0', '-0.0', '.0', '0.'],
  ['numeric', '-.5', '-0.50'],
  ['text', 'a'],
];

test.each(same)('%s: one value, however written', (family, ...spellings) => {
  expect(new Set(spellings.map((spelling) => keyOfText(family, spelling))).size).toBe(1);
  expect(keyOfText(family, spellings[0] ?? '')).toBeDefined();
});

const different: [KeyFamily, string, string][] = [
  ['integer', '1', '10'],
  ['integer', '1', '-1'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'],
  ['numeric', '1', '10'],
  ['numeric', '1.01', '1.1'],
  ['numeric', '0.1', '-0.1'],
  ['text', 'a', 'A'],
  ['text', 'a', 'a '],
  ['text', '1', '01'],
];

test.each(different)('%s: %s is not %s', (family, a, b) => {
  expect(keyOfText(family, a)).not.toBe(keyOfText(family, b));
});

const notUnderstood: [KeyFamily, string][] = [
  ['integer', ''],
  ['integer', '-'],
  ['integer', '1.0'],
  ['integer', '1e3'],
  ['integer', '0x10'],
  ['integer', '1_000'],
  ['integer', ' 1'],
  ['integer', '1\n'],
  ['numeric', ''],
  ['numeric', '.'],
  ['numeric', '1e3'],
  ['numeric', 'NaN'],
  ['numeric', 'Infinity'],
  ['uuid', 'a0eebc99'],
  ['uuid', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
];

test.each(notUnderstood)('%s: %j has no key', (family, text) => {
  expect(keyOfText(family, text)).toBeUndefined();
});

test.each(['varchar(3)', 'numeric(10,2)', 'bpchar', 'float8', 'regclass', 'int4[]', 'my.int4'])(
  'a cast to %s may change the value',
  (cast) => {
    expect(typeOfCast(cast)).toBeUndefined();
  },
);

describe('binary', () => {
  test('int2, int4 and int8 of one value are one key, and that of its text', () => {
    fc.assert(
      fc.property(fc.integer({ min: -32768, max: 32767 }), (value) => {
        const int2 = Buffer.alloc(2);
        int2.writeInt16BE(value);
        const int4 = Buffer.alloc(4);
        int4.writeInt32BE(value);
        const int8 = Buffer.alloc(8);
        int8.writeBigInt64BE(BigInt(value));
        const keys = [
          keyOfBinary('integer', 21, int2),
          keyOfBinary('integer', 23, int4),
          keyOfBinary('integer', 20, int8),
        ];
        expect(new Set([...keys, keyOfText('integer', String(value))])).toEqual(new Set([String(value)]));
      }),
    );
  });

  test('numeric as numeric_send writes it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(20), (digits, scale) => {
        const text = decimal(digits, scale);
        expect(keyOfBinary('numeric', 1700, numericBytes(text))).toBe(keyOfText('numeric', text));
      }),
    );
  });

  test('NaN, infinity and what is cut off have no key', () => {
    const nan = Buffer.from([0, 0, 0, 0, 0xc0, 0, 0, 0]);
    const infinity = Buffer.from([0, 0, 0, 0, 0xd0, 0, 0, 0]);
    for (const bytes of [nan, infinity, numericBytes('12345.6').subarray(0, 9)]) {
      expect(keyOfBinary('numeric', 1700, bytes)).toBeUndefined();
    }
    expect(keyOfBinary('integer', 23, Buffer.alloc(8))).toBeUndefined();
    expect(keyOfBinary('uuid', 2950, Buffer.alloc(15))).toBeUndefined();
    expect(keyOfBinary('text', 23, Buffer.alloc(4))).toBeUndefined();
    expect(keyOfBinary('integer', 701, Buffer.alloc(8))).toBeUndefined();
  });
});

function decimal(digits: bigint, scale: number): string {
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, '0');
  const whole = text.slice(0, text.length - scale);
  return `${negative ? '-' : ''}${whole}${scale === 0 ? '' : `.${text.slice(-scale)}`}`;
}

describe('arrays', () => {
  test('text literals round-trip', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string({ unit: 'binary-ascii' }))), (elements) => {
        expect(textArray(textArrayOf(elements))).toEqual(elements);
      }),
    );
  });

  test.each([
    ['{}', []],
    [' { } ', []],
    ['{1,2}', ['1', '2']],
    ['{ 1 , 2 }', ['1', '2']],
    ['{NULL,null,"NULL"}', [null, null, 'NULL']],
    ['{"a,b","c\\"d","e\\\\"}', ['a,b', 'c"d', 'e\\']],
    ['{a b}', ['a b']],
    ['{""}', ['']],
  ])('%s', (text, elements) => {
    expect(textArray(text)).toEqual(elements);
  });

  test.each([
    '',
    '1,2',
    '{1,2',
    '{1,}',
    '{,1}',
    '{{1},{2}}',
    '[0:1]={1,2}',
    '{a"b"}',
    '{"a"b}',
    '{a\\b}',
    '{1}{2}',
    '{1,,2}',
  ])('%j is not understood', (text) => {
    expect(textArray(text)).toBeUndefined();
  });

  test('a million of them, without a deep stack', () => {
    const many = `{${Array.from({ length: 200_000 }, (_, i) => `"${i}"`).join(',')}}`;
    expect(textArray(many)?.length).toBe(200_000);
    expect(textArray(`{"${'x'.repeat(1_000_000)}"}`)?.[0]?.length).toBe(1_000_000);
    expect(textArray(`{${' '.repeat(50_000)}x`)).toBeUndefined();
    expect(textArray(`{a${' '.repeat(20_000)}"`)).toBeUndefined();
    expect(textArray(`{a${' '.repeat(20_000)}"}`)).toBeUndefined();
  });

  test('binary, cut anywhere, is not understood', () => {
    const whole = Buffer.from([
      0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 23, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7, 0xff, 0xff, 0xff,
      0xff,
    ]);
    expect(binaryArray(whole)).toEqual({ type: 23, elements: [Buffer.from([0, 0, 0, 7]), null] });
    for (let end = 0; end < whole.length; end++) expect(binaryArray(whole.subarray(0, end))).toBeUndefined();
    expect(binaryArray(Buffer.concat([whole, Buffer.alloc(1)]))).toBeUndefined();
    expect(binaryArray(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 23]))).toEqual({
      type: 23,
      elements: [],
    });
    const two = Buffer.from(whole);
    two[3] = 2;
    expect(binaryArray(two)).toBeUndefined();
  });
});
