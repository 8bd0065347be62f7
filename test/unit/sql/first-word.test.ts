/** First word and fingerprint: the cheap looks at a statement. */
import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/sql/classify.ts';
import { firstWord } from '../../../src/sql/first-word.ts';
import { bytes, harvested, mysql, postgres } from './support.ts';

const word = (text: string): string => firstWord(bytes(text), 0, bytes(text).length);

describe('first word', () => {
  it.each([
    ['SELECT 1', 'select'],
    ['sElEcT 1', 'select'],
    ['  \n\t insert into t', 'insert'],
    ['UPDATE t', 'update'],
    ['DELETE FROM t', 'delete'],
    ['WITH q AS (', 'with'],
    ['BEGIN', 'begin'],
    ['START TRANSACTION', 'start'],
    ['COMMIT;', 'commit'],
    ['END', 'end'],
    ['ROLLBACK TO x', 'rollback'],
    ['ABORT', 'abort'],
    ['SAVEPOINT x', 'savepoint'],
    ['RELEASE x', 'release'],
    ['PREPARE x', 'prepare'],
    ['SET x', 'set'],
    ['RESET x', 'reset'],
    ['SHOW x', 'show'],
    ['DEALLOCATE x', 'deallocate'],
    ['LISTEN x', 'listen'],
    ['UNLISTEN x', 'unlisten'],
    ['/* a */ -- b\n ; SELECT 1', 'select'],
    ['SELECT', 'select'],
    ['SELECT(1)', 'select'],
    ['SELECT/**/1', 'select'],
    ['', 'empty'],
    [' ; ;', 'empty'],
    ['-- SELECT 1', 'empty'],
    ['/* SELECT 1 */', 'empty'],
    ['SELECTS', 'other'],
    ['SELECT_', 'other'],
    ['SELECTé', 'other'],
    ['"SELECT"', 'other'],
    ['(SELECT 1)', 'other'],
    ['EXPLAIN SELECT 1', 'other'],
    ['COPY t FROM STDIN', 'other'],
    ['/*! SELECT 1 */', 'other'],
    ['/*M! SELECT 1 */', 'other'],
    ['/* a /* b */ SELECT 1 */ DELETE FROM t', 'other'],
    ['--SELECT 1\nDELETE FROM t', 'other'],
    ['# x\nSELECT 1', 'other'],
    ['/* never closed', 'other'],
    ['1', 'other'],
    ['\0', 'other'],
  ])('%s: %s', (text, expected) => {
    expect(word(text)).toBe(expected);
  });

  it('looks at a part of a buffer only', () => {
    const buffer = bytes('xxSELECT 1; DELETEyy');
    expect(firstWord(buffer, 2, 8)).toBe('select');
    expect(firstWord(buffer, 2, 6)).toBe('other');
    expect(firstWord(buffer, 12, 18)).toBe('delete');
    expect(firstWord(buffer, 3, 3)).toBe('empty');
    expect(firstWord(bytes('/* a */SELECT'), 0, 5)).toBe('other');
  });
});

const fingerprint = (text: string, settings = postgres): string =>
  classify(bytes(text), settings).head.fingerprint;

describe('fingerprint', () => {
  it.each([
    ['SELECT id FROM t WHERE a = 1', "select  ID from T /* c */ where a = 'x';"],
    ['SELECT id FROM t WHERE a = $1', 'SELECT id FROM t WHERE a = 5'],
    ['SELECT id FROM t WHERE a IN (1)', "SELECT id FROM t WHERE a IN ($1, 2, 'c')"],
    ['SELECT id FROM t WHERE a IN ($1::uuid)', "SELECT id FROM t WHERE a IN ('a'::uuid, $2::uuid)"],
    ['DELETE FROM t WHERE a = ANY(ARRAY[1])', 'DELETE FROM t WHERE a = ANY(ARRAY[1, 2, -3])'],
    [
      'INSERT INTO t (a, b) VALUES (1, NULL)',
      "INSERT INTO t (a, b) VALUES ('x', 2), (DEFAULT, 4), (5, TRUE)",
    ],
  ])('%s ~ %s', (one, other) => {
    expect(fingerprint(one)).toBe(fingerprint(other));
  });

  it.each([
    ['SELECT id FROM t', 'SELECT id FROM u'],
    ['SELECT id FROM t', 'SELECT id, id FROM t'],
    ['SELECT "id" FROM t', 'SELECT "Id" FROM t'],
    ['SELECT id FROM t WHERE a = 1', 'SELECT id FROM t WHERE a > 1'],
    ['SELECT id FROM t WHERE a = 1', 'SELECT id FROM t WHERE a = 1 FOR UPDATE'],
    ['SELECT id FROM t WHERE a IN (1)', 'SELECT id FROM t WHERE a IN (SELECT 1)'],
    ['SELECT f(1)', 'SELECT g(1)'],
    ['SELECT a, b', 'SELECT b, a'],
    ['SELECT a -> b', 'SELECT a ->> b'],
    ['SELECT id FROM t WHERE a IS NULL', 'SELECT id FROM t WHERE a IS TRUE'],
  ])('%s !~ %s', (one, other) => {
    expect(fingerprint(one)).not.toBe(fingerprint(other));
  });

  it('does not depend on the length of a list', () => {
    const of = (count: number): string =>
      fingerprint(`DELETE FROM t WHERE id IN (${Array.from({ length: count }, (_, i) => i).join(', ')})`);
    expect(new Set([1, 2, 100, 10_000].map(of)).size).toBe(1);
  });

  it('tells the harvested statements apart: equal only where nothing but constants and lists differ', () => {
    const normal = (sql: string): string =>
      sql
        .replace(
          /'(?:[^']|'')*'|\$(\w*)\$[^]*?\$\1\$|\$\d+|(?<![\w"])-?\d+(?:\.\d+)?\b|\b(?:null|true|false|default)\b/gi,
          '?',
        )
        .replace(/\s+|;/g, '')
        .replace(/\((?:\?,)+\?\)/g, '(?)')
        .replace(/(?:\(\?\),)+\(\?\)/g, '(?)')
        .replace(/"[^"]*"|[a-z]+/gi, (name) => (name.startsWith('"') ? name : name.toLowerCase()));
    const byText = new Map<string, Set<string>>();
    for (const { sql } of harvested) {
      const print = fingerprint(sql);
      byText.set(print, (byText.get(print) ?? new Set()).add(normal(sql)));
    }
    expect([...byText.values()].filter((texts) => texts.size > 1).map((texts) => [...texts])).toEqual([]);
    expect(byText.size).toBeGreaterThan(300);
  });

  it('MySQL texts have one too', () => {
    expect(fingerprint('SELECT `a` FROM `t` WHERE `b` = ?', mysql)).toBe(
      fingerprint('SELECT `a` FROM `t` WHERE `b` = "x"', mysql),
    );
  });
});
