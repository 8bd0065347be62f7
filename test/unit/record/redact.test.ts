/** What is taken out of statements, and what has to stay equal. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainLexer } from '../../../src/explain/dialect.ts';
import { redaction, textParameters, textValues } from '../../../src/record/redact.ts';

const hash = (text: string): string => createHmac('sha256', 'k').update(text, 'latin1').digest('hex');
const redact = redaction(hash);
const sql = (text: string, dialect: 'postgres' | 'mysql' = 'postgres'): string | undefined =>
  redact.sql(Buffer.from(text, 'utf8'), plainLexer(dialect));

describe('values', () => {
  test('the same value, however it is written, is the same placeholder', () => {
    expect(redact.value('42')).toBe(redact.value('042'));
    expect(redact.value('-42')).toBe(`-${redact.value('42')}`);
    expect(redact.value('1.50')).toBe(redact.value('1.5'));
    const uuid = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11';
    expect(redact.value(uuid)).toBe(redact.value(uuid.toLowerCase()));
    expect(redact.value(uuid)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(redact.value('{3,"4",NULL}')).toBe(`{${redact.value('3')},${redact.value('4')},NULL}`);
  });
  test('0 and 1 stand for themselves, nothing stands for nothing', () => {
    expect(['0', '1', '-1', '01', ''].map((one) => redact.value(one))).toEqual(['0', '1', '-1', '01', '']);
  });
  test('numbers are numbers that an int8 holds; no two of them meet', () => {
    const seen = new Set<string>();
    for (let n = 2; n < 20_000; n++) {
      const text = redact.value(String(n));
      expect(text).toMatch(/^\d{10,15}$/);
      seen.add(text);
    }
    expect(seen.size).toBe(19_998);
  });
});

describe('statements', () => {
  test('literals and comments go, everything else stays', () => {
    expect(
      sql('SELECT "a b" FROM t /* secret */ WHERE n = \'secret\' -- secret\n AND x IN (1, 0) LIMIT 1;'),
    ).toMatch(/^SELECT "a b" FROM t WHERE n = 's[0-9a-f]{12}' AND x IN \(1, 0\) LIMIT 1;$/);
    expect(sql("SELECT E'sec\\'ret', $x$secret$x$, X'5ec2e7', U&'s\\0065cret', N'secret'")).toMatch(
      /^SELECT ('s[0-9a-f]{12}'(, )?){5}$/,
    );
    expect(sql('SELECT "secret", `a` FROM t WHERE b = 0x5ec2e7', 'mysql')).toMatch(
      /^SELECT 's[0-9a-f]{12}', `a` FROM t WHERE b = \S+$/,
    );
    expect(sql('SELECT 0x5ec2e7', 'mysql')).not.toContain('5ec2e7');
    expect(sql("/* interlock:off, secret */ DELETE FROM t WHERE n='x'")).toMatch(
      /^\/\* interlock:off \*\/ DELETE FROM t WHERE n='s[0-9a-f]{12}'$/,
    );
  });
  test('what cannot be read is not written', () => {
    expect(sql("SELECT 'secret")).toBeUndefined();
    expect(sql('SELECT (secret')).toBeUndefined();
  });
  test('a string of the application never comes through', () => {
    // Longer than any word of SQL or placeholder.
    const secret = fc.stringMatching(/^[A-Za-z0-9 ]{5,20}$/).filter((one) => /[g-zG-Z]/.test(one.slice(1)));
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom("'", "E'", "N'", '$q$'),
        fc.constantFrom('postgres', 'mysql'),
        (text, quote, dialect) => {
          fc.pre(dialect === 'postgres' || quote === "'" || quote === "N'");
          const close = quote === '$q$' ? '$q$' : "'";
          const out = sql(`SELECT ${quote}${text}${close} /* ${text} */`, dialect as 'postgres');
          expect(out).not.toContain(text);
        },
      ),
    );
  });
});

describe('parameters and rows', () => {
  const int4 = (n: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(n);
    return bytes;
  };
  test('binary and text are the same value', () => {
    const binary = { formats: [1], values: [int4(42), null], types: [23, 23] };
    const text = { formats: [], values: [Buffer.from('42'), null], types: [] };
    expect(textParameters(binary, redact)).toEqual(textParameters(text, redact));
    const column = { name: 'id', tableId: 1, attribute: 1, type: 23, format: 1 };
    expect(textValues([int4(42).toString('latin1'), null], column, redact)).toEqual([
      redact.value('42'),
      null,
    ]);
  });
  test('a binary array becomes one of text', () => {
    const head = [1, 0, 23, 2, 1].map(int4);
    const bytes = Buffer.concat([...head, int4(4), int4(7), int4(4), int4(8)]);
    expect(textParameters({ formats: [1], values: [bytes], types: [1007] }, redact)).toEqual([
      `{${redact.value('7')},${redact.value('8')}}`,
    ]);
  });
  test('what has no text form is left out', () => {
    const column = { name: 'f', tableId: 1, attribute: 1, type: 701, format: 1 };
    expect(textValues(['\0\0\0\0\0\0\0\0'], column, redact)).toBeUndefined();
    expect(textParameters({ formats: [1], values: [Buffer.alloc(8)], types: [701] }, redact)).toEqual([null]);
  });
});
