/** Whatever is thrown at it: a report, or an error that says why not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { explain } from '../../../src/explain/explain.ts';
import { readInput } from '../../../src/explain/read.ts';
import { render } from '../../../src/explain/render.ts';
import { UnreadableInput } from '../../../src/explain/said.ts';
import { reasons } from '../../../src/patterns/reasons.ts';
import { loadWitnesses } from '../../../src/sql/witness/load.ts';
import { anybody, ruleSet } from '../../streams/session.ts';

const witness = await loadWitnesses(['postgres', 'mysql']);
const rules = ruleSet({ mode: 'rewrite', tablesNamed: true }).forSession(anybody);

const pieces = [
  'BEGIN;',
  'SELECT id FROM t JOIN u ON u.id = t.u WHERE u.n = 1; -- 3, 4',
  'DELETE FROM t WHERE id IN (3, 4);',
  "INSERT INTO t (k) VALUES ('a'); -> !23505 t_k_key",
  "SELECT id FROM t WHERE k = 'a' FOR UPDATE; -> none",
  'ROLLBACK TO s;',
  '2026-11-25 04:15:06.001 UTC [71] LOG:  statement: BEGIN',
  "2026-11-25 04:15:06.001 UTC [71] DETAIL:  parameters: $1 = '3'",
  '2026-11-25 04:15:06.001 UTC [71] ERROR:  duplicate key value violates unique constraint "k"',
  '2026-11-25 04:15:06.001 UTC,"a","b",71,"c",1.2,1,"SELECT",t,3/7,0,LOG,00000,"statement: BEGIN",,,,,,,,,"psql"',
  '\t\t     8 Query\tSET autocommit=0',
  '\t\t     8 Execute\tDELETE FROM `t` WHERE `id` IN (3, 4)',
  '{"c":1,"m":"Query","sql":"BEGIN"}',
  '{"c":1,"m":"rows","n":2,"sample":[[3],[4]],"oids":[23]}',
  '{"c":1,"m":"Bind","portal":"","stmt":"","params":[{"bin":"00"}]}',
  '{"c":1,"m":"Execute","portal":""}',
  '{"timestamp":"t","error_severity":"LOG","message":"statement: BEGIN","pid":7}',
  "'",
  '$$',
  '/*',
  '-- 3, 4',
  '-> (',
];

test('no input breaks it', () => {
  let read = 0;
  const line = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...pieces) }, fc.string());
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.nat(40), fc.boolean(), (lines, cut, colours) => {
      const text = lines.join('\n').slice(cut % 3 === 0 ? cut : 0);
      try {
        const input = readInput(text);
        const found = explain(input, { dialect: input.dialect, witness: witness(input.dialect), rules });
        expect(found).toHaveLength(input.said.length);
        render(input, found, { colours, findingsOnly: false, reasons });
        read++;
      } catch (error) {
        expect(error).toBeInstanceOf(UnreadableInput);
      }
    }),
    { numRuns: process.env.INTERLOCK_TEST_LONG === '1' ? 20_000 : 500 },
  );
  expect(read).toBeGreaterThan(100);
}, 120_000);
