/**
 * Kinds of statement against the grammar, on statements put together from pieces of others: whatever is not 'other' has
 * to be what it says, and must not hide a write.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { classify } from '../../../src/sql/classify.ts';
import { Parser } from '../../../src/sql/witness/parser.ts';
import type { Node } from '../../../src/sql/witness/parser.ts';
import { bytes, postgres } from './support.ts';

const seeds =
  `BEGIN|BEGIN WORK ISOLATION LEVEL SERIALIZABLE , READ ONLY|START TRANSACTION|COMMIT|COMMIT AND CHAIN|
COMMIT PREPARED 'x'|END WORK|ROLLBACK|ROLLBACK AND NO CHAIN|ROLLBACK TO SAVEPOINT a|ROLLBACK TRANSACTION TO b|
ROLLBACK PREPARED 'x'|ABORT WORK|SAVEPOINT a|RELEASE a|RELEASE SAVEPOINT b|PREPARE TRANSACTION 'x'|PREPARE p AS SELECT 1|
SET a = 1|SET LOCAL work_mem TO 1|SET SESSION statement_timeout = 1|SET TRANSACTION READ ONLY|SET TRANSACTION SNAPSHOT 'x'|
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY|SET TIME ZONE 'x'|SET ROLE x|SET SESSION AUTHORIZATION x|
SET CONSTRAINTS ALL DEFERRED|SET application_name FROM CURRENT|RESET work_mem|RESET ALL|SHOW ALL|DEALLOCATE ALL|LISTEN x|
UNLISTEN *|NOTIFY x|DISCARD ALL|LOCK TABLE t|EXPLAIN SELECT 1|COPY t TO STDOUT|CREATE TABLE t AS SELECT 1|SELECT a , b FROM t|
WITH q AS ( SELECT 1 ) SELECT 1|WITH q AS ( DELETE FROM t RETURNING 1 ) SELECT 1|DELETE FROM t WHERE a IN ( 1 , 2 )|
UPDATE t SET a = 1 WHERE b|INSERT INTO t ( a ) VALUES ( 1 )|VALUES ( 1 )|TABLE t|( SELECT 1 )|DECLARE c CURSOR FOR SELECT 1|
FETCH 1 FROM c|EXECUTE x|CALL f ( )|MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE|SELECT 1 INTO t|TRUNCATE t|
CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING|REFRESH MATERIALIZED VIEW t|ALTER TABLE t ADD a int`
    .split('|')
    .map((text) => text.trim().split(/\s+/));
const pieces = fc.oneof(
  fc.constantFrom(...new Set(seeds.flat())).map((word) => [word]),
  fc
    .tuple(fc.constantFrom(...seeds), fc.nat(8), fc.nat(8))
    .map(([seed, from, length]) => seed.slice(from, from + length + 1)),
);
const mutation = fc.record({ at: fc.nat(12), remove: fc.nat(2), insert: fc.oneof(pieces, fc.constant([])) });
const text = fc
  .tuple(fc.constantFrom(...seeds), fc.array(mutation, { maxLength: 3 }))
  .map(([seed, mutations]) => {
    const words = [...seed];
    for (const { at, remove, insert } of mutations) words.splice(at % (words.length + 1), remove, ...insert);
    return words.join(' ');
  });

const nodes: Record<string, string[]> = {
  noise: ['VariableSetStmt', 'VariableShowStmt', 'DeallocateStmt', 'ListenStmt', 'UnlistenStmt'],
  select: ['SelectStmt'],
  insert: ['InsertStmt'],
  update: ['UpdateStmt'],
  delete: ['DeleteStmt'],
  // `SET constraints = 1` sets a variable of that name, which does not exist
  'set-constraints': ['ConstraintsSetStmt', 'VariableSetStmt'],
};
const transactions: Record<string, string[]> = {
  begin: ['TRANS_STMT_BEGIN', 'TRANS_STMT_START'],
  commit: ['TRANS_STMT_COMMIT'],
  rollback: ['TRANS_STMT_ROLLBACK'],
  savepoint: ['TRANS_STMT_SAVEPOINT'],
  release: ['TRANS_STMT_RELEASE'],
  'rollback-to': ['TRANS_STMT_ROLLBACK_TO'],
};

it('are what the grammar says, and hide no write', async () => {
  const parser = await Parser.create();
  const compared: Record<string, number> = {};
  fc.assert(
    fc.property(text, (sql) => {
      const node = sql === '' ? undefined : parser.parse(sql);
      const { shape } = classify(bytes(sql), postgres);
      if (node === undefined || shape.kind === 'other') return;
      compared[shape.kind] = (compared[shape.kind] ?? 0) + 1;
      const [type = ''] = Object.keys(node);
      const fields = node[type] as Node;
      if (shape.kind in transactions) {
        expect(type).toBe('TransactionStmt');
        expect(transactions[shape.kind]).toContain(fields['kind']);
        if ('chain' in shape) expect(shape.chain).toBe(fields['chain'] === true);
        if ('savepoint' in shape) expect(shape.savepoint).toBe(fields['savepoint_name']);
        return;
      }
      expect(nodes[shape.kind]).toContain(type);
      const writes = JSON.stringify(node).match(/"(?:Delete|Insert|Update|Merge)Stmt"/g) ?? [];
      expect(writes.length).toBe(
        type === 'DeleteStmt' || type === 'UpdateStmt' || type === 'InsertStmt' ? 1 : 0,
      );
      if (shape.kind === 'select') expect(shape.into).toBe('intoClause' in fields);
    }),
    { numRuns: 8_000 },
  );
  expect(Object.keys(compared).length).toBeGreaterThan(8);
});
