/** Every type as text and as binary, as a result and as a parameter. */
import { step, type Conversation } from '../conversation.ts';
import { bind, describePortal, describeStatement, execute, parse, query, sync } from '../messages.ts';

/** type, then values as the server prints them. */
const values: [string, ...string[]][] = [
  ['bool', 't', 'f'],
  ['int2', '-32768', '32767'],
  ['int4', '-2147483648', '0'],
  ['int8', '-9223372036854775808', '9223372036854775807'],
  ['float4', '1.5', 'NaN', '-Infinity'],
  ['float8', '1e-300', 'Infinity', '0.1'],
  ['numeric', '0', '-1234567890.123456789', 'NaN', '1e100'],
  ['numeric(10,2)', '99.999'],
  ['money', '$1,234.50'],
  ['text', '', 'a', 'ünïcödé 日本語 🙂', "quote ' and \\ backslash"],
  ['varchar(5)', 'abcde'],
  ['char(5)', 'ab'],
  ['"char"', 'x'],
  ['name', 'a_name'],
  ['bytea', '\\x', '\\x00ff10', '\\x5c27'],
  ['date', '2026-02-28', 'infinity', '0044-03-15 BC'],
  ['time', '23:59:59.999999'],
  ['timetz', '12:00:00+02'],
  ['timestamp', '2026-02-28 12:34:56.789', '-infinity'],
  ['timestamptz', '2026-02-28 12:34:56+05:30'],
  ['interval', '1 year 2 mons -3 days 04:05:06.7'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['json', '{"a": [1, null, "x"]}'],
  ['jsonb', '{"b": 1, "a": {"c": "\\u00e9"}}', 'null'],
  ['jsonpath', '$."a"[*]'],
  ['xid', '12'],
  ['oid', '4294967295'],
  ['regclass', 'numbered'],
  ['inet', '192.168.0.1/24', '::1'],
  ['cidr', '10.0.0.0/8'],
  ['macaddr', '08:00:2b:01:02:03'],
  ['bit(4)', '1010'],
  ['varbit', '', '101'],
  ['point', '(1,-2.5)'],
  ['box', '(1,1),(0,0)'],
  ['path', '[(0,0),(1,1)]'],
  ['polygon', '((0,0),(1,0),(1,1))'],
  ['circle', '<(0,0),2>'],
  ['int4range', '[1,10)', 'empty'],
  ['tstzrange', '["2026-01-01 00:00:00+00",)'],
  ['int4multirange', '{[1,3),[5,7)}'],
  ['tsvector', "'a':1 'cat':2"],
  ['tsquery', "'a' & 'b'"],
  ['mood', 'happy'],
  ['pair', '(1,"a b")', '(,)'],
  ['positive', '7'],
  ['int4[]', '{1,NULL,3}', '{}', '{{1,2},{3,4}}', '[2:3]={5,6}'],
  ['text[]', '{a,"b c","d\\"e",NULL,"NULL"}'],
  ['uuid[]', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'],
  ['mood[]', '{sad,fine}'],
  ['pair[]', '{"(1,x)","(2,)"}'],
  ['pg_lsn', '16/B374D848'],
  ['refcursor', 'c1'],
];

const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`;

function ofOneType([type, ...samples]: [string, ...string[]]): Conversation {
  const list = samples.map((v) => `${literal(v)}::${type}`).join(', ');
  const sql = `SELECT $1::${type} AS v, pg_typeof($1::${type})`;
  const asText = samples.map((v) => bind({ values: [v], resultFormats: [0] }));
  const asBinary = samples.map((v) => bind({ values: [v], formats: [0], resultFormats: [1, 0] }));
  return {
    name: `type ${type}`,
    steps: [
      step('Z', query(`SELECT ${list}, NULL::${type}`)),
      step(
        'Z',
        parse('', sql),
        describeStatement(),
        ...asText.flatMap((b) => [b, describePortal(), execute()]),
        sync,
      ),
      step('Z', parse('', sql), ...asBinary.flatMap((b) => [b, describePortal(), execute()]), sync),
      step(
        'Z',
        parse('', sql),
        bind({ values: [null], resultFormats: [1] }),
        describePortal(),
        execute(),
        sync,
      ),
    ],
  };
}

const hex = (s: string): Buffer => Buffer.from(s, 'hex');

/** type, OID, binary value. */
const binaryParameters: [string, number, Buffer][] = [
  ['bool', 16, hex('01')],
  ['int2', 21, hex('ffff')],
  ['int4', 23, hex('0000002a')],
  ['int8', 20, hex('7fffffffffffffff')],
  ['float8', 701, hex('3ff8000000000000')],
  ['text', 25, Buffer.from('é\n')],
  ['bytea', 17, hex('00ff00')],
  ['uuid', 2950, hex('a0eebc999c0b4ef8bb6d6bb9bd380a11')],
  ['date', 1082, hex('00002000')],
  ['timestamptz', 1184, hex('0002000000000000')],
  ['numeric', 1700, hex('0002000000000002000c0d80')],
  ['jsonb', 3802, Buffer.from('\u0001{"a":1}')],
  [
    'int4[]',
    1007,
    hex(
      '00000001' +
        '00000000' +
        '00000017' +
        '00000002' +
        '00000001' +
        '0000000400000005' +
        '00000004000000ff',
    ),
  ],
];

const asBinaryParameter = ([type, oid, value]: [string, number, Buffer]): Conversation => ({
  name: `binary parameter ${type}`,
  steps: [
    step(
      'Z',
      parse('p', 'SELECT $1', [oid]),
      describeStatement('p'),
      bind({ statement: 'p', values: [value], formats: [1], resultFormats: [0] }),
      execute(),
      bind({ statement: 'p', values: [value], formats: [1], resultFormats: [1] }),
      execute(),
      // One byte short: most types refuse it.
      bind({ statement: 'p', values: [value.subarray(1)], formats: [1] }),
      execute(),
      sync,
    ),
  ],
});

export const types: Conversation[] = [...values.map(ofOneType), ...binaryParameters.map(asBinaryParameter)];
