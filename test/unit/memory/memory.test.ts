/** What a transaction remembers, when it forgets, and how little it costs where nothing is remembered. */
import { describe, expect, test } from 'vitest';
import { defaultMemoryLimits } from '../../../src/memory/limits.ts';
import { TransactionMemory } from '../../../src/memory/memory.ts';
import type { Outcome, ReadResult } from '../../../src/memory/types.ts';
import { Scene, SceneStatement, column, text } from '../patterns/scene.ts';
import { deletion, read } from '../patterns/stories.ts';
import { insert, reread } from '../patterns/unlocked-read.cases.ts';

const rows = (...values: string[]): ReadResult => ({ columns: [column], rows: values.length, values });

function memory(changes = {}) {
  return new TransactionMemory({ ...defaultMemoryLimits, ...changes });
}

/** One statement and its reply, without ReadyForQuery: as inside a pipeline. */
function reply(to: TransactionMemory, sql: string, outcome: Outcome): SceneStatement {
  const statement = new SceneStatement(sql);
  to.completed(statement, outcome, 0);
  return statement;
}

describe('status, as the replies tell it', () => {
  test('BEGIN and the first statement in one pipeline (pgjdbc)', () => {
    const one = memory();
    const select = new SceneStatement(read.sql);
    expect(one.wantsRows(select)).toBe(false);
    expect(one.wantsRows(select, true)).toBe(true);
    reply(one, 'BEGIN', { tag: 'BEGIN' });
    expect(one.status).toBe('T');
    one.completed(select, { tag: 'SELECT 2', read: rows('1', '2') }, 0);
    one.ready('T', 0);
    expect(one.readsOf({ name: 'c' })[0]?.captured).toBe(true);
  });

  test('START TRANSACTION, error, ROLLBACK TO, COMMIT', () => {
    const one = memory();
    reply(one, 'START TRANSACTION', { tag: 'START TRANSACTION' });
    expect(one.status).toBe('T');
    reply(one, 'SELECT 1/0', { error: { code: '22012' } });
    expect(one.status).toBe('E');
    reply(one, 'SELECT 1', { error: { code: '25P02' } });
    reply(one, 'ROLLBACK TO s', { tag: 'ROLLBACK' });
    expect(one.status).toBe('T');
    reply(one, 'COMMIT', { tag: 'COMMIT' });
    expect(one.status).toBe('I');
  });

  test('COMMIT AND CHAIN: another transaction at once', () => {
    const one = memory();
    reply(one, 'BEGIN', { tag: 'BEGIN' });
    reply(one, read.sql, { tag: 'SELECT 1', read: rows('1') });
    reply(one, 'COMMIT AND CHAIN', { tag: 'COMMIT' });
    expect(one.status).toBe('T');
    expect(one.readsOf({ name: 'c' })).toEqual([]);
    expect(one.earlierReadOf({ name: 'c' })?.across).toBe('transactions');
  });

  test('ReadyForQuery has the last word', () => {
    const one = memory();
    reply(one, 'BEGIN', { tag: 'BEGIN' });
    reply(one, read.sql, { tag: 'SELECT 1', read: rows('1') });
    reply(one, "PREPARE TRANSACTION 'x'", { tag: 'PREPARE TRANSACTION' });
    one.ready('I', 0);
    expect(one.status).toBe('I');
    expect(one.readsOf({ name: 'c' })).toEqual([]);
    one.ready('T', 0);
    expect(one.status).toBe('T');
  });
});

describe('wantsRows', () => {
  const open = memory();
  reply(open, 'BEGIN', { tag: 'BEGIN' });
  const wanted = (sql: string) => open.wantsRows(new SceneStatement(sql));

  test.each([
    'SELECT id FROM c',
    'SELECT c.id AS x FROM c JOIN a ON true',
    'SELECT DISTINCT id FROM c ORDER BY 1',
    'SELECT id FROM c GROUP BY id HAVING count(*) > 1',
    'SELECT id FROM c OFFSET $1',
    'SELECT id FROM c WHERE t < now()',
  ])('yes: %s', (sql) => {
    expect(wanted(sql)).toBe(true);
  });

  test.each([
    'SELECT id, v FROM c',
    'SELECT * FROM c',
    'SELECT c.* FROM c',
    'SELECT id + 1 FROM c',
    'SELECT 1',
    'SELECT id FROM c LIMIT 10',
    'SELECT id FROM c FETCH FIRST ROW ONLY',
    'SELECT id FROM c FOR UPDATE',
    'SELECT id FROM c UNION SELECT id FROM d',
    'SELECT id FROM c WHERE random() < 0.5',
    'SELECT id INTO x FROM c',
    'WITH x AS (SELECT 1) SELECT id FROM c',
    'SELECT id FROM f(1) AS c',
    'SELECT id FROM c /* interlock:off */',
    'DELETE FROM c',
    'SELECT 1; SELECT id FROM c',
  ])('no: %s', (sql) => {
    expect(wanted(sql)).toBe(false);
  });

  test('outside a transaction nothing is captured and nothing is lexed', () => {
    const one = memory();
    const select = new SceneStatement(read.sql);
    expect(one.wantsRows(select)).toBe(false);
    one.completed(select, { tag: 'SELECT 3', read: rows('1', '2', '3') }, 0);
    const update = new SceneStatement('UPDATE c SET v = 1');
    one.completed(update, { tag: 'UPDATE 1' }, 0);
    expect([select.lexed, update.lexed]).toEqual([0, 0]);
  });
});

describe('a statement that completes nothing is not lexed by detect', () => {
  test('in a fresh session and at the start of a transaction', () => {
    const scene = new Scene();
    for (const prepare of [() => undefined, () => scene.run({ sql: 'BEGIN' })]) {
      prepare();
      const statement = new SceneStatement(deletion.sql);
      expect(scene.detectStatement(statement)).toBeUndefined();
      expect(statement.lexed).toBe(0);
    }
  });
});

describe('the note of an earlier read', () => {
  const across = (...steps: (string | { sql: string; rows: string[] })[]) => {
    const scene = new Scene();
    for (const step of steps) scene.run(typeof step === 'string' ? { sql: step } : step);
    return scene.memory.earlierReadOf({ name: 'c' })?.across;
  };
  const reading = { sql: 'SELECT id FROM c', rows: ['1'] };

  test('autocommit, then BEGIN', () => {
    expect(across(reading, 'BEGIN')).toBe('begin');
    expect(across(reading, 'SET statement_timeout = 0', 'BEGIN')).toBe('begin');
    expect(across(reading, 'BEGIN', 'INSERT INTO z VALUES (1)')).toBe('begin');
  });

  test('only the last one, and only of the table', () => {
    expect(across({ sql: 'SELECT id FROM d', rows: ['1'] }, 'BEGIN')).toBeUndefined();
    expect(across(reading, 'UPDATE z SET v = 1', 'BEGIN')).toBeUndefined();
    expect(across(reading, { sql: 'SELECT id FROM d', rows: ['1'] }, 'BEGIN')).toBeUndefined();
  });

  test('an earlier transaction', () => {
    expect(across('BEGIN', reading, 'COMMIT', 'BEGIN')).toBe('transactions');
    expect(across('BEGIN', reading, 'COMMIT', 'BEGIN', 'COMMIT', 'BEGIN')).toBeUndefined();
  });
});

describe('bounds', () => {
  test('reads, locking look-ups', () => {
    const scene = new Scene({ limits: { reads: 2, lockingLookups: 3 } });
    scene.run({ sql: 'BEGIN' });
    for (let i = 0; i < 10; i++) {
      scene.run({ sql: `SELECT id FROM c WHERE id = ${i}`, rows: [String(i)] });
      scene.run({ sql: `SELECT id FROM d WHERE id = ${i} FOR UPDATE`, rows: [] });
    }
    expect(scene.memory.readsOf({ name: 'c' }).length).toBe(1);
    expect(scene.memory.lockingLookups.map(({ statement }) => statement.text.toString())).toEqual([
      'SELECT id FROM d WHERE id = 7 FOR UPDATE',
      'SELECT id FROM d WHERE id = 8 FOR UPDATE',
      'SELECT id FROM d WHERE id = 9 FOR UPDATE',
    ]);
  });

  test("the transaction's end and reset", () => {
    const scene = new Scene();
    for (const end of ['COMMIT', 'ROLLBACK']) {
      scene.run({ sql: 'BEGIN' });
      scene.run({ sql: 'SET CONSTRAINTS ALL DEFERRED' });
      scene.run({ sql: 'CALL p()' });
      scene.run({ sql: 'SELECT id FROM c WHERE id = 1 FOR UPDATE', rows: [] });
      const { memory: during } = scene;
      expect([during.setConstraints, during.unknownEffects, during.lockingLookups.length]).toEqual([
        true,
        true,
        1,
      ]);
      scene.run({ sql: end });
      expect([during.setConstraints, during.unknownEffects, during.lockingLookups.length]).toEqual([
        false,
        false,
        0,
      ]);
    }
    scene.run({ sql: 'BEGIN' });
    scene.run(insert);
    scene.memory.reset();
    expect(scene.memory.remembers).toBe(false);
    expect(scene.memory.status).toBe('I');
  });
});

describe('the failed INSERT', () => {
  const after = (...steps: (string | { sql: string; error?: { code: string }; rows?: string[] })[]) => {
    const scene = new Scene();
    scene.run({ sql: 'BEGIN' });
    scene.run({ sql: 'SAVEPOINT s' });
    scene.run(insert);
    for (const step of steps) scene.run(typeof step === 'string' ? { sql: step } : step);
    return scene.memory.failedInsert !== undefined;
  };

  test('survives noise, savepoints and what the aborted transaction refused', () => {
    expect(after()).toBe(true);
    expect(
      after(
        { sql: 'DEALLOCATE x', error: { code: '25P02' } },
        'ROLLBACK TO s',
        'RELEASE s',
        ';',
        'SAVEPOINT t',
      ),
    ).toBe(true);
    expect(after({ sql: 'SELECT 1', error: { code: '25P02' } }, 'ROLLBACK TO s')).toBe(true);
  });

  test('is forgotten with the next statement', () => {
    expect(after('ROLLBACK TO s', { sql: reread.sql, rows: ['1'] })).toBe(false);
    expect(after('ROLLBACK TO s', { sql: 'SELECT 1', rows: ['1'] })).toBe(false);
    expect(after('ROLLBACK TO s', 'UPDATE c SET v = 1')).toBe(false);
    expect(after('ROLLBACK TO s', { sql: 'UPDATE c SET v = 1', error: { code: '23514' } })).toBe(false);
    expect(after('ROLLBACK', 'BEGIN')).toBe(false);
  });

  test('another error of an INSERT is nothing', () => {
    const scene = new Scene();
    scene.run({ sql: 'BEGIN' });
    scene.run({ sql: 'INSERT INTO c (key) VALUES (1)', error: { code: '23503' } });
    expect(scene.memory.failedInsert).toBeUndefined();
  });
});

describe('the time that the app holds the ids', () => {
  test('gaps count, the work of the server does not', () => {
    const one = memory();
    const held = () => one.heldFor(one.readsOf({ name: 'c' })[0] as never);
    one.completed(new SceneStatement('BEGIN'), { tag: 'BEGIN' }, 0);
    one.ready('T', 0);
    one.arriving(1000); // the app thinks for a second before it reads
    one.completed(new SceneStatement('SELECT id FROM c'), { tag: 'SELECT 1', read: rows('1') }, 1500);
    one.ready('T', 1500);
    expect(held()).toBe(0);
    one.arriving(1700);
    one.completed(new SceneStatement('SAVEPOINT s'), { tag: 'SAVEPOINT' }, 9000);
    one.ready('T', 9000);
    expect(held()).toBe(200);
    one.arriving(9100);
    one.arriving(9900); // pipelined: the server is not idle
    expect(held()).toBe(300);
  });

  test('a reply that no statement asked for (Parse and Sync, PING) does not end the time that the ids are held', () => {
    const one = memory();
    reply(one, 'BEGIN', { tag: 'BEGIN' });
    one.completed(new SceneStatement(read.sql), { tag: 'SELECT 2', read: rows('1', '2') }, 0);
    one.ready('T', 0);
    one.ready('T', 5_000);
    one.arriving(5_001);
    const [kept] = one.readsOf({ name: 'c' });
    expect(kept === undefined ? undefined : one.heldFor(kept)).toBe(5_001);
  });
});

test('parameters of the DELETE belong to the DELETE, those of the SELECT to the SELECT', () => {
  const scene = new Scene({ patterns: ['split-delete'] });
  scene.run({ sql: 'BEGIN' });
  const sql = 'SELECT c.id FROM c JOIN a ON a.id = c.a_id WHERE a.name = $1';
  scene.run({ sql, parameters: text('7'), rows: ['1', '2'] });
  expect(scene.verdict({ sql: 'DELETE FROM c WHERE id IN ($1, $2)', parameters: text('2', '1') })).toBe(
    'found',
  );
});
