/** Whatever the bytes: no exception, spans inside the text, no unbounded work. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/sql/classify.ts';
import { applyEdits } from '../../../src/sql/edits.ts';
import { firstWord } from '../../../src/sql/first-word.ts';
import { lex } from '../../../src/sql/lexer.ts';
import { deleteBySubselect, lockable, lockingRead } from '../../../src/sql/rewrites.ts';
import type { Dialect, LexerSettings } from '../../../src/sql/shape.ts';
import { T, Tokens } from '../../../src/sql/tokens.ts';
import { loadWitness } from '../../../src/sql/witness/postgres.ts';
import { bytes, harvested, keyTable, postgres, written } from './support.ts';

const settings = fc.record<LexerSettings>({
  dialect: fc.constantFrom<Dialect>('postgres', 'mysql', 'mariadb'),
  standardConformingStrings: fc.boolean(),
  ansiQuotes: fc.boolean(),
  noBackslashEscapes: fc.boolean(),
});
const statements = [...harvested.map((one) => one.sql), ...written];
const words = (
  'SELECT FROM WHERE AND OR NOT IN ( ) [ ] , . ; = = ANY SOME ALL ARRAY CAST AS :: int $1 ? \'x\' 1 -1 "Q" `q` a b t.id * ' +
  'DELETE INSERT INTO VALUES UPDATE SET JOIN LEFT RIGHT ON USING ONLY CASE WHEN END BETWEEN UNION ORDER BY LIMIT OFFSET ' +
  'FETCH FOR UPDATE WITH RETURNING GROUP HAVING OVER FILTER WITHIN LATERAL ROWS TABLE BEGIN COMMIT ROLLBACK TO SAVEPOINT ' +
  "AND CHAIN IS DISTINCT NULL DEFAULT /* */ -- # ' \" $$ $a$ \\ E' U&' @v := interlock:off"
).split(' ');
const soup = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((list) => list.join(' '));
const cut = fc
  .tuple(fc.constantFrom(...statements), fc.nat(400), fc.nat(400), fc.constantFrom(...statements))
  .map(([one, from, to, other]) => one.slice(0, from) + other.slice(to));
const whole = fc.constantFrom(...statements);
const anyText = fc.oneof(soup, cut, whole, fc.string({ unit: 'binary' })).map(bytes);
const anyBytes = fc.oneof(
  anyText,
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
);

/** Every `{ start, end }` anywhere in a value. */
function spansIn(value: unknown): { start: number; end: number }[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = value as Record<string, unknown>;
  if (typeof own['start'] === 'number' && typeof own['end'] === 'number')
    return [{ start: own['start'], end: own['end'] }];
  return Object.values(own).flatMap(spansIn);
}

describe('classify', () => {
  it('answers for any bytes in any dialect, with spans inside the text', () => {
    fc.assert(
      fc.property(anyBytes, settings, (text, how) => {
        const before = Buffer.from(text);
        const { shape, head } = classify(text, how);
        expect(text.equals(before)).toBe(true);
        expect(head.fingerprint).toMatch(/^[0-9a-f]{16}$/);
        for (const { start, end } of spansIn(shape)) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('says the same twice, whatever it looked at in between', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, settings, (text, other, how) => {
        const first = classify(text, how);
        classify(other, how);
        expect(classify(text, how)).toEqual(first);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not care for blanks and comments in front and behind', () => {
    const around = fc.constantFrom('', ' ', '\n', '/* c */', '-- c\n', ';', ' ; ', '/* a /* b */ */');
    const kept = (text: string): unknown => {
      const { shape } = classify(bytes(text), postgres);
      const cutSpans = (value: unknown): unknown => {
        if (typeof value !== 'object' || value === null) return value;
        if ('start' in value && 'end' in value) return text.slice(Number(value.start), Number(value.end));
        if (Array.isArray(value)) return value.map(cutSpans);
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cutSpans(inner)]));
      };
      return cutSpans(shape);
    };
    fc.assert(
      fc.property(fc.constantFrom(...statements), around, around, (text, before, after) => {
        expect(kept(`${before}${text}${after}`)).toEqual(kept(text));
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('lexer', () => {
  it('tokens are in order, inside the text, and parentheses know their partners', () => {
    const tokens = new Tokens(4);
    fc.assert(
      fc.property(anyBytes, settings, (text, how) => {
        lex(text, how, tokens);
        let at = 0;
        for (let i = 0; i < tokens.count; i++) {
          expect(tokens.start[i]).toBeGreaterThanOrEqual(at);
          expect(tokens.end[i]).toBeGreaterThan(tokens.start[i] ?? 0);
          at = tokens.end[i] ?? 0;
          const kind = tokens.kind[i];
          if (tokens.lexical || (kind !== T.Open && kind !== T.OpenBracket)) continue;
          const partner = tokens.partner[i] ?? 0;
          expect(partner).toBeGreaterThan(i);
          expect([tokens.kind[partner], tokens.partner[partner]]).toEqual([
            kind === T.Open ? T.Close : T.CloseBracket,
            i,
          ]);
        }
        expect(at).toBeLessThanOrEqual(text.length);
        expect(tokens.kind[tokens.count]).toBe(T.End);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('first word', () => {
  it('never throws, and never disagrees with the classifier about what it knows', () => {
    fc.assert(
      fc.property(anyBytes, settings, (text, how) => {
        const word = firstWord(text, 0, text.length);
        const { shape } = classify(text, how);
        if (shape.kind === 'select') expect(['select', 'with']).toContain(word);
        else if (shape.kind === 'insert' || shape.kind === 'update' || shape.kind === 'delete')
          expect(word).toBe(shape.kind);
        else if (word === 'empty') expect(['noise', 'other']).toContain(shape.kind);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('applyEdits', () => {
  it('equals cutting and joining by hand', () => {
    const edit = fc.tuple(fc.nat(30), fc.nat(30), fc.uint8Array({ maxLength: 5 }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(edit, { maxLength: 5 }), (array, steps) => {
        const text = Buffer.from(array);
        const edits = [];
        let expected = '';
        let at = 0;
        for (const [skip, length, insert] of steps) {
          const start = Math.min(at + skip, text.length);
          const end = Math.min(start + length, text.length);
          edits.push({ span: { start, end }, text: Buffer.from(insert) });
          expected += text.toString('hex', at, start) + Buffer.from(insert).toString('hex');
          at = end;
        }
        expected += text.toString('hex', at);
        expect(applyEdits(text, edits).toString('hex')).toBe(expected);
      }),
    );
  });
});

describe('witness and rewrites on anything', () => {
  it('no shape of any text makes them throw, and what is built can be read again', async () => {
    const witness = await loadWitness();
    let built = 0;
    fc.assert(
      fc.property(fc.oneof(anyText, whole.map(bytes)), fc.oneof(anyText, whole.map(bytes)), (one, two) => {
        const select = classify(one, postgres).shape;
        const deletion = classify(two, postgres).shape;
        witness.agrees(one, select);
        witness.agrees(two, select);
        witness.provesLockingRead(one, two);
        if (select.kind !== 'select') return;
        const out = lockingRead(one, select);
        expect(out.length).toBe(one.length + ' FOR UPDATE'.length);
        if (deletion.kind !== 'delete') return;
        const table = keyTable(select);
        const options = table !== undefined && lockable(select, table) ? { lockOf: table } : {};
        const rewritten = deleteBySubselect(two, deletion, one, select, options);
        if (rewritten === undefined) return;
        built++;
        witness.provesDelete(one, two, rewritten.text, table?.alias);
      }),
      { numRuns: 3_000 },
    );
    expect(built).toBeGreaterThan(20);
    expect(witness.traps).toBe(0);
  });
});
