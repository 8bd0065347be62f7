/** Whatever the bytes, on MySQL and MariaDB: no exception, spans inside the text, and what is built says what was meant. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify } from '../../../../src/sql/classify.ts';
import {
  derivedDelete,
  keyProbe,
  lockByKey,
  lockingReadMysql,
  multiTableDelete,
} from '../../../../src/sql/rewrites-mysql.ts';
import { lockable } from '../../../../src/sql/rewrites.ts';
import type { Dialect, LexerSettings } from '../../../../src/sql/shape.ts';
import { loadMysqlWitness } from '../../../../src/sql/witness/mysql.ts';
import { bytes, harvested, mysql } from './support.ts';

const settings = fc.record<LexerSettings>({
  dialect: fc.constantFrom<Dialect>('mysql', 'mariadb'),
  standardConformingStrings: fc.constant(true),
  ansiQuotes: fc.boolean(),
  noBackslashEscapes: fc.boolean(),
});
const words = (
  'SELECT SELECT FROM FROM WHERE WHERE AND OR XOR NOT IN ( ) ( ) , . ; = <=> != || && := @a @@x ? ? \'x\' "y" `q` 1 -1 0x0f ' +
  "X'00' _binary a b t t.id `t`.`id` id * DELETE INSERT IGNORE INTO VALUES UPDATE SET JOIN LEFT RIGHT STRAIGHT_JOIN ON USING " +
  'NATURAL CASE WHEN END BETWEEN UNION ORDER BY LIMIT OFFSET FOR LOCK SHARE MODE WITH RETURNING GROUP HAVING DISTINCT ' +
  'DISTINCTROW SQL_NO_CACHE USE FORCE INDEX KEY PARTITION INTERVAL DIV REGEXP BINARY COLLATE NULL DEFAULT NOW() ROW AS ' +
  'ON DUPLICATE TRANSACTION ISOLATION LEVEL READ COMMITTED SESSION autocommit NAMES utf8mb4 /* */ /*! /*+ -- # \' " ` \\'
).split(' ');
const statements = harvested.map((one) => one.sql);
const soup = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((list) => list.join(' '));
const begun = fc
  .tuple(
    fc.constantFrom('SELECT id FROM t WHERE ', 'DELETE FROM t WHERE id IN (1, 2) ', 'SET ', 'INSERT INTO t '),
    soup,
  )
  .map(([front, rest]) => front + rest);
const spliced = fc
  .tuple(fc.constantFrom(...statements), fc.nat(300), fc.nat(300), fc.constantFrom(...statements))
  .map(([one, from, to, other]) => one.slice(0, from) + other.slice(to));
const inserted = fc
  .tuple(fc.constantFrom(...statements), fc.nat(300), fc.constantFrom(...words))
  .map(([text, at, word]) => `${text.slice(0, at)} ${word} ${text.slice(at)}`);
const anyText = fc
  .oneof(soup, begun, spliced, inserted, fc.constantFrom(...statements), fc.string({ unit: 'binary' }))
  .map(bytes);

function spansIn(value: unknown): { start: number; end: number }[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('start' in value && 'end' in value) return [{ start: Number(value.start), end: Number(value.end) }];
  return Object.values(value).flatMap(spansIn);
}

describe('classify', () => {
  it('answers for any bytes, with spans inside the text and parameters that there are', () => {
    fc.assert(
      fc.property(anyText, settings, (text, how) => {
        const { shape, head } = classify(text, how);
        for (const { start, end } of spansIn(shape)) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(text.length);
        }
        for (const [, index] of JSON.stringify(shape).matchAll(/"kind":"parameter","index":(\d+)/g)) {
          expect(Number(index)).toBeLessThanOrEqual(head.parameters);
        }
      }),
      { numRuns: 6_000 },
    );
  });

  it('does not care for blanks and comments in front and behind', () => {
    const around = fc.constantFrom('', ' ', '\n', '/* c */', '-- c\n', '# c\n', ';', ' ; ');
    const kept = (text: string): string => {
      const cut = (value: unknown): unknown => {
        if (typeof value !== 'object' || value === null) return value;
        if ('start' in value && 'end' in value) return text.slice(Number(value.start), Number(value.end));
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cut(inner)]));
      };
      return JSON.stringify(cut(classify(bytes(text), mysql).shape));
    };
    fc.assert(
      fc.property(fc.constantFrom(...statements), around, around, (text, before, after) => {
        expect(kept(`${before}${text}${after}`)).toBe(kept(text));
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('what is built', () => {
  const deletion = bytes('DELETE FROM t WHERE id IN (?, ?)');
  const marks = (text: Buffer, how: LexerSettings): number => classify(text, how).head.parameters;

  it('never throws; where the witness agrees, it keeps the question marks and is of the kind that was meant', () => {
    fc.assert(
      fc.property(anyText, settings, fc.boolean(), (text, how, known) => {
        const { shape } = classify(text, how);
        const target = shape.kind === 'select' ? shape.tables[0] : undefined;
        const deleted = classify(deletion, how).shape;
        if (shape.kind !== 'select' || target === undefined || deleted.kind !== 'delete') return;
        const options = { marker: 'split-delete', ...(known && { settings: how }) };
        const sound = known && loadMysqlWitness('mysql').agrees(text, shape, how);
        for (const built of [
          multiTableDelete(deletion, deleted, text, shape, target, options),
          derivedDelete(deletion, deleted, text, shape, target, 'id', options),
        ]) {
          if (built === undefined || !sound) continue;
          const { shape: out } = classify(built.text, how);
          // the classifier does not take apart every FROM that it copies
          if (out.kind === 'delete') expect(out).toMatchObject({ other: true, table: { name: target.name } });
          else expect(out).toEqual({ kind: 'other', why: 'unknown' });
          expect(marks(built.text, how)).toBe(marks(text, how));
        }
        for (const built of [
          lockByKey(text, shape, target, 'id', '5', options),
          lockable(shape, target) ? { text: lockingReadMysql(text, shape, options) } : undefined,
        ]) {
          if (built === undefined || !sound) continue;
          expect(classify(built.text, how).shape).toMatchObject({ kind: 'select', locking: true });
          expect(marks(built.text, how)).toBe(marks(text, how));
        }
        const probe = keyProbe(text, shape, target, 'id', options);
        if (probe !== undefined && sound) expect(marks(probe.text, how)).toBe(marks(text, how));
      }),
      { numRuns: 4_000 },
    );
  });
});

describe('the witness', () => {
  it('never throws', () => {
    fc.assert(
      fc.property(anyText, anyText, settings, (text, other, how) => {
        const witness = loadMysqlWitness(how.dialect === 'mysql' ? 'mysql' : 'mariadb');
        witness.agrees(text, classify(text, how).shape, how);
        witness.agrees(other, classify(text, how).shape);
        expect(witness.provesLockingRead(text, text, undefined, how)).toBe(false);
        expect(witness.provesDelete(text, other, text, undefined, how)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('agrees with the classifier, or the grammar rejects: differences are kept to the known ones', () => {
    // counted, not asserted to be none: the grammar is not the server's own
    let agreed = 0;
    let looked = 0;
    fc.assert(
      fc.property(fc.oneof(spliced, inserted).map(bytes), (text) => {
        const { shape } = classify(text, mysql);
        if (shape.kind !== 'select' && shape.kind !== 'delete') return;
        looked++;
        if (loadMysqlWitness('mysql').agrees(text, shape, mysql)) agreed++;
      }),
      { numRuns: 2_000, seed: 1 },
    );
    expect(agreed).toBeGreaterThan(looked / 10);
  });
});
