/** Statements that wait to be read are read as if they had never waited; most are never read at all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultMemoryLimits } from '../../../src/memory/limits.ts';
import { TransactionMemory } from '../../../src/memory/memory.ts';
import { Scene, SceneStatement, mysqlColumn, type Options, type Step } from '../patterns/scene.ts';

const found = (...rows: string[]): Partial<Step> => ({ rows });

/** Everything that a memory tells apart, both dialects. */
const steps: Step[] = [
  { sql: 'BEGIN' },
  { sql: 'COMMIT' },
  { sql: 'ROLLBACK' },
  { sql: 'COMMIT AND CHAIN' },
  { sql: 'ROLLBACK AND CHAIN' },
  { sql: 'SELECT id FROM c WHERE v = 1', ...found('1', '2') },
  { sql: 'SELECT id FROM c WHERE v = 1', rows: [] },
  { sql: 'SELECT id FROM c WHERE v = 2', ...found(...Array.from({ length: 40 }, (_, n) => String(n))) },
  { sql: 'SELECT id, v FROM c', ...found('1') },
  { sql: 'SELECT id FROM other', ...found('1') },
  { sql: 'SELECT f(1)', ...found('1') },
  { sql: 'SELECT id FROM c WHERE id = 5 FOR UPDATE', rows: [] },
  { sql: 'SELECT 1; SELECT 2', ...found('1') },
  { sql: 'SELECT id FROM c WHERE v = 3', ...found('1'), cut: 'suspended' },
  { sql: 'INSERT INTO c (id) VALUES (7)' },
  { sql: 'INSERT INTO c (id) VALUES (7)', error: { code: '23505', errno: 1062, table: 'c' } },
  { sql: 'INSERT INTO c (id) VALUES (7) ON CONFLICT DO NOTHING', tag: 'INSERT 0 0' },
  { sql: 'INSERT IGNORE INTO c (id) VALUES (7)', tag: 'INSERT 0' },
  { sql: 'UPDATE c SET v = 3 WHERE id = 1' },
  { sql: 'UPDATE c SET v = 3 WHERE id IN (1, 2)' },
  { sql: 'DELETE FROM c WHERE id IN (1)' },
  { sql: 'DELETE FROM other' },
  { sql: 'SAVEPOINT a' },
  { sql: 'RELEASE SAVEPOINT a' },
  { sql: 'ROLLBACK TO SAVEPOINT a' },
  { sql: 'SET CONSTRAINTS ALL DEFERRED' },
  { sql: 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED' },
  { sql: 'SHOW TABLES' },
  { sql: 'CALL p()' },
  { sql: 'WITH x AS (SELECT 1) SELECT * FROM x', ...found('1') },
];

const candidates: Step[] = [
  { sql: 'DELETE FROM c WHERE id IN (1, 2)' },
  { sql: 'DELETE FROM c WHERE id IN (2)' },
  { sql: 'SELECT id, v FROM c WHERE id = 7' },
];

function scene(dialect: 'postgres' | 'mysql', unread: number): Scene {
  const options: Options = { dialect, limits: { unread } };
  return new Scene(options);
}

function told(one: Scene, candidate: Step): unknown {
  const verdict = one.verdict(candidate);
  const { memory } = one;
  return {
    verdict,
    status: memory.status,
    isolation: memory.isolation,
    unknownEffects: memory.unknownEffects,
    untouched: memory.opening.untouched,
    setConstraints: memory.setConstraints,
    lookups: memory.lockingLookups.map(({ statement }) => statement.text.toString()),
    insert: memory.failedInsert?.statement.text.toString(),
    earlier: memory.earlierReadOf({ name: 'c' })?.statement.text.toString(),
    reads: memory.readsOf({ name: 'c' }).map((read) => ({
      sql: read.statement.text.toString(),
      rows: read.result.rows,
      keys: read.keys(),
      between: read.between,
      wrote: read.wrote,
      elsewhere: read.usedElsewhere,
      unknown: read.unknownEffect,
      held: memory.heldFor(read),
    })),
  };
}

describe.each(['postgres', 'mysql'] as const)('%s', (dialect) => {
  /** MySQL: a first column that is an expression has no origin. */
  const described = (step: Step): Step => {
    if (dialect === 'postgres' || step.rows === undefined) return step;
    return { ...step, columns: step.sql.startsWith('SELECT id FROM') ? [mysqlColumn] : [] };
  };

  test('whether they wait or not, every question has the same answer', () => {
    let rewritten = 0;
    const act = fc.record({
      step: fc.constantFrom(...steps),
      after: fc.nat(20),
      ask: fc.option(fc.constantFrom(...candidates), { freq: 5 }),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const waiting = scene(dialect, 8);
        const atOnce = scene(dialect, 0);
        for (const one of [waiting, atOnce]) one.run({ sql: 'BEGIN' });
        for (const { step, after, ask } of acts) {
          for (const one of [waiting, atOnce]) one.run({ ...described(step), after });
          expect(waiting.memory.remembers || !atOnce.memory.remembers).toBe(true);
          if (ask === null) continue;
          const answer = told(waiting, ask);
          expect(answer).toEqual(told(atOnce, ask));
          if ((answer as { verdict: string }).verdict === 'found') rewritten += 1;
        }
      }),
      { numRuns: 2_000 },
    );
    expect(rewritten).toBeGreaterThan(20);
  }, 60_000);
});

test.each([
  { sql: 'SELECT @@session.transaction_read_only', ...found('0') },
  { sql: 'SELECT 1', ...found('1') },
  { sql: 'SELECT id INTO @x FROM c', tag: 'SELECT 1' },
])("MySQL: the note of a transaction's last read is not that of $sql", (step) => {
  for (const unread of [0, 8]) {
    const one = scene('mysql', unread);
    one.run({ sql: 'BEGIN' });
    one.run({ sql: 'SELECT id FROM c WHERE v = 1', ...found('1', '2'), columns: [mysqlColumn] });
    one.run({ ...step, columns: [] });
    one.run({ sql: 'COMMIT' });
    one.run({ sql: 'BEGIN' });
    expect([unread, one.verdict({ sql: 'DELETE FROM c WHERE id IN (1, 2)' })]).toEqual([
      unread,
      'across-transactions',
    ]);
  }
});

test('a transaction in which nobody asks is never read, however it ends', () => {
  const memory = new TransactionMemory(defaultMemoryLimits);
  const said: SceneStatement[] = [];
  const say = (sql: string, tag: string): void => {
    const statement = new SceneStatement(sql);
    said.push(statement);
    memory.completed(statement, { tag }, 0);
  };
  memory.completed(new SceneStatement('BEGIN'), { tag: 'BEGIN' }, 0);
  memory.ready('T', 0);
  say('SELECT a, b FROM c', 'SELECT 3');
  say('SAVEPOINT x', 'SAVEPOINT');
  say('INSERT INTO c (a) VALUES (1)', 'INSERT 0 1');
  say('RELEASE SAVEPOINT x', 'RELEASE');
  say('UPDATE c SET a = 2 WHERE b = 3', 'UPDATE 1');
  memory.completed(new SceneStatement('COMMIT'), { tag: 'COMMIT' }, 0);
  memory.ready('I', 0);
  expect(said.map(({ lexed }) => lexed)).toEqual([0, 0, 0, 0, 0]);
});

test.each([
  ['number', { unread: 3 }],
  ['bytes', { unreadBytes: 60 }],
])('no more than so many wait: %s', (_, limits) => {
  const memory = new TransactionMemory({ ...defaultMemoryLimits, ...limits });
  memory.completed(new SceneStatement('BEGIN'), { tag: 'BEGIN' }, 0);
  const said = Array.from({ length: 10 }, () => new SceneStatement('UPDATE c SET a = 2'));
  for (const statement of said) memory.completed(statement, { tag: 'UPDATE 1' }, 0);
  const waiting = said.filter(({ lexed }) => lexed === 0).length;
  expect(waiting).toBeGreaterThan(0);
  expect(waiting).toBeLessThanOrEqual(3);
});
