/**
 * Random courses of transactions against a model of the server that knows savepoints, own writes and aborted
 * transactions. Whatever is found has to be true of the model:
 * split-delete: at the DELETE the transaction's own writes are those that the read saw plus the chunks of the list, and
 * the chunks that are still deleted are with the list exactly what was read;
 * unlocked read: nothing ran between the failed INSERT and the read, and an open transaction holds the lock.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { believer, Scene } from './scene.ts';
import type { Step } from './scene.ts';
import { read } from './stories.ts';
import { insert, reread } from './unlocked-read.cases.ts';

interface Write {
  what: string;
  keys?: string[];
}

/** What the server would say, and what is true of its transaction. */
class Model {
  open = false;
  aborted = false;
  writes: Write[] = [];
  private savepoints: { name: string; writes: number }[] = [];
  /** Statements since the last read of ids, and since the failed INSERT, that did anything or were refused. */
  sinceRead: string[] = [];
  sinceInsert: string[] | undefined;
  writesAtRead: Write[] | undefined;
  constraintsSet = false;

  /** The step as it is answered. */
  answer(step: Step): Step {
    const kind = kindOf(step.sql);
    if (this.aborted && !['rollback', 'rollback-to', 'commit'].includes(kind))
      return this.refused(step, '25P02');
    switch (kind) {
      case 'begin':
        if (!this.open) this.start();
        return step;
      case 'commit':
      case 'rollback':
        return this.end(step, kind);
      case 'savepoint':
        if (!this.open) return this.refused(step, '25P01');
        this.savepoints.push({ name: nameOf(step.sql), writes: this.writes.length });
        return step;
      case 'release':
      case 'rollback-to':
        return this.savepoint(step, kind);
      case 'failing':
      case 'insert':
        return this.refused(step, step.error?.code ?? '22012');
      default:
        this.ran(kind, step);
        return step;
    }
  }

  private start(): void {
    this.open = true;
    this.aborted = false;
    this.writes = [];
    this.savepoints = [];
    this.writesAtRead = undefined;
    this.constraintsSet = false;
    this.sinceRead = [];
    this.sinceInsert?.push('begin');
  }

  private end(step: Step, kind: string): Step {
    const chain = step.sql.includes('CHAIN');
    if (chain && !this.open) return this.refused(step, '25P01');
    this.open = false;
    this.writesAtRead = undefined;
    if (!chain || kind === 'commit') this.sinceInsert?.push(kind);
    if (chain) {
      const { sinceInsert } = this;
      this.start();
      this.sinceInsert = sinceInsert?.filter((what) => what !== 'begin');
    }
    this.aborted = false;
    return step;
  }

  private savepoint(step: Step, kind: string): Step {
    const at = this.savepoints.findLastIndex((one) => one.name === nameOf(step.sql));
    if (!this.open || at < 0) return this.refused(step, '3B001');
    const { writes } = this.savepoints[at] as { writes: number };
    if (kind === 'rollback-to') {
      this.writes.length = writes;
      this.aborted = false;
    }
    this.savepoints.length = kind === 'release' ? at : at + 1;
    return step;
  }

  private refused(step: Step, code: string): Step {
    if (this.open) this.aborted = true;
    if (code !== '25P02') {
      this.sinceRead.push(code);
      this.sinceInsert?.push(code);
      if (code === '23505') this.sinceInsert = this.open ? [] : ['autocommit'];
    }
    return { ...step, error: { ...step.error, code } };
  }

  private ran(kind: string, step: Step): void {
    if (kind === 'noise') return;
    this.sinceInsert?.push(kind);
    if (kind === 'read') {
      this.writesAtRead = this.open ? [...this.writes] : undefined;
      this.sinceRead = [];
      return;
    }
    this.sinceRead.push(kind);
    if (kind === 'constraints') this.constraintsSet = this.open;
    else if (kind !== 'other read' && this.open)
      this.writes.push({ what: step.sql, ...(kind === 'chunk' && { keys: keysOf(step.sql) }) });
  }
}

function kindOf(sql: string): string {
  if (sql.startsWith('BEGIN')) return 'begin';
  if (sql.startsWith('COMMIT')) return 'commit';
  if (sql.startsWith('ROLLBACK TO')) return 'rollback-to';
  if (sql.startsWith('ROLLBACK')) return 'rollback';
  if (sql.startsWith('SAVEPOINT')) return 'savepoint';
  if (sql.startsWith('RELEASE')) return 'release';
  if (sql === read.sql) return 'read';
  if (sql.startsWith('SELECT 1/0')) return 'failing';
  if (sql.startsWith('SELECT')) return 'other read';
  if (sql === insert.sql) return 'insert';
  if (sql.startsWith('DELETE FROM "c" WHERE "c"."id" IN')) return 'chunk';
  if (sql.startsWith('SET CONSTRAINTS')) return 'constraints';
  if (/^(DEALLOCATE|SET statement_timeout|;|$)/.test(sql)) return 'noise';
  return 'write';
}

function nameOf(sql: string): string {
  return sql.split(' ').at(-1) ?? '';
}

function keysOf(sql: string): string[] {
  return /IN \((.*)\)/.exec(sql)?.[1]?.split(', ') ?? [];
}

const ids = ['1', '2', '3'];
const chunk = fc
  .subarray(ids, { minLength: 1 })
  .map((keys) => ({ sql: `DELETE FROM "c" WHERE "c"."id" IN (${keys.join(', ')})` }));
const savepoint = fc.tuple(
  fc.constantFrom('SAVEPOINT', 'RELEASE', 'ROLLBACK TO', 'ROLLBACK TO SAVEPOINT'),
  fc.constantFrom('x', 'y'),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: savepoint.map(([verb, name]) => ({ sql: `${verb} ${name}` })) },
  { weight: 5, arbitrary: fc.constant({ ...read, rows: ids }) },
  { weight: 4, arbitrary: chunk },
  { weight: 3, arbitrary: fc.constant(insert) },
  { weight: 3, arbitrary: fc.constant({ sql: 'BEGIN' }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      { sql: 'DEALLOCATE p' },
      { sql: 'SET statement_timeout = 5' },
      { sql: ';' },
      { sql: 'COMMIT' },
      { sql: 'ROLLBACK' },
      { sql: 'ROLLBACK AND CHAIN' },
      { sql: 'COMMIT AND CHAIN' },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Step>(
      { sql: 'UPDATE "c" SET "v" = 1' },
      { sql: 'UPDATE "k" SET "v" = 1 WHERE "c_id" IN (1, 2)' },
      { sql: 'DELETE FROM "k" WHERE "c_id" IN (1, 2, 3)' },
      { sql: 'DELETE FROM "k" WHERE "c_id" = 2' },
      { sql: 'INSERT INTO "z" ("v") VALUES (1)' },
      { sql: 'SET search_path TO other' },
      { sql: 'SELECT 1; UPDATE "c" SET "v" = 1' },
      { sql: 'SELECT "v" FROM "z"', rows: ['9'] },
      { sql: 'SELECT 1/0' },
      { sql: 'SET CONSTRAINTS ALL IMMEDIATE' },
    ),
  },
);

function played(steps: Step[]): { scene: Scene; model: Model } {
  const scene = new Scene({ witness: believer });
  const model = new Model();
  for (const one of steps) scene.run(model.answer(one));
  return { scene, model };
}

const course = fc.array(step, { minLength: 1, maxLength: 9 }).map((steps) => [{ sql: 'BEGIN' }, ...steps]);

test('a split delete that is found is one', { timeout: 60_000 }, () => {
  let found = 0;
  fc.assert(
    fc.property(course, chunk, (steps, last) => {
      const { scene, model } = played(steps);
      if (scene.verdict(last) !== 'found') return;
      found++;
      expect(model.open && !model.aborted && !model.constraintsSet).toBe(true);
      const before = model.writesAtRead ?? [{ what: 'no read in this transaction' }];
      expect(model.writes.slice(0, before.length)).toEqual(before);
      const chunks = model.writes.slice(before.length);
      expect(chunks.every(({ keys }) => keys !== undefined)).toBe(true);
      expect(model.sinceRead.filter((what) => what !== 'chunk')).toEqual([]);
      expect(model.sinceRead.length).toBe(chunks.length);
      const deleted = new Set([...chunks.flatMap(({ keys }) => keys ?? []), ...keysOf(last.sql)]);
      expect([...deleted].toSorted()).toEqual(ids);
    }),
    { numRuns: 15_000 },
  );
  expect(found).toBeGreaterThan(300);
});

/** So that the INSERT has failed more often than by chance. */
const lost = fc
  .array(step, { maxLength: 4 })
  .map((steps) => [{ sql: 'BEGIN' }, { sql: 'SAVEPOINT x' }, insert, { sql: 'ROLLBACK TO x' }, ...steps]);

test('an unlocked read that is found comes right behind its INSERT', { timeout: 60_000 }, () => {
  let found = 0;
  fc.assert(
    fc.property(fc.oneof(course, lost), (steps) => {
      const { scene, model } = played(steps);
      if (scene.verdict(reread) !== 'found') return;
      found++;
      expect(model.open && !model.aborted).toBe(true);
      expect(model.sinceInsert).toEqual([]);
    }),
    { numRuns: 15_000 },
  );
  expect(found).toBeGreaterThan(300);
});
