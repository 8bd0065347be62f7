/**
 * MySQL and MariaDB: random courses of transactions against a model of the server, in which an error ends no transaction,
 * BEGIN inside one begins another, and with autocommit off one is always open. Whatever is found has to be true of it:
 * split-delete: at the DELETE the transaction's own writes are those that the read saw plus the chunks of the list, and
 * the chunks that are still deleted are with the list exactly what was read; the level is one that a rewrite is for.
 * unlocked read: nothing ran between the failed INSERT and the read, and an open transaction holds the lock.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { believer, Scene } from './scene.ts';
import type { Options, Step } from './scene.ts';
import { insert, read, reread } from './stories-mysql.ts';

interface Write {
  what: string;
  keys?: string[];
}

type Level = 'read committed' | 'serializable';

/** What the server would say, and what is true of its transaction. */
class Model {
  open = false;
  writes: Write[] = [];
  /** Of the present transaction, of the session, and of the next transaction alone. */
  level: Level = 'read committed';
  session: Level = 'read committed';
  /** Statements since the last read of ids, and since the failed INSERT, that did anything or were refused. */
  sinceRead: string[] = [];
  sinceInsert: string[] | undefined;
  writesAtRead: Write[] | undefined;
  private next: Level | undefined;
  private savepoints: { name: string; writes: number }[] = [];
  private readonly autocommitOff: boolean;

  constructor(autocommitOff: boolean) {
    this.autocommitOff = autocommitOff;
  }

  /** The step as it is answered; flags as the status flags have them. */
  answer(step: Step): Step {
    const kind = kindOf(step.sql);
    switch (kind) {
      case 'begin':
        this.sinceInsert?.push('begin');
        this.start();
        return step;
      case 'commit':
      case 'rollback':
        return this.end(step, kind);
      case 'savepoint':
        this.touch();
        // An older one of the same name is gone.
        this.savepoints = this.savepoints.filter((one) => one.name !== nameOf(step.sql));
        this.savepoints.push({ name: nameOf(step.sql), writes: this.writes.length });
        return this.flagged(step);
      case 'release':
      case 'rollback-to':
        return this.savepoint(step, kind);
      case 'level':
        return this.setLevel(step);
      case 'failing':
      case 'insert':
        this.touch();
        return this.refused(step, kind);
      case 'ddl':
        this.sinceRead.push('ddl');
        this.sinceInsert?.push('ddl');
        this.close();
        return { ...step, flags: 'I' };
      default:
        if (kind !== 'noise') this.touch();
        this.ran(kind, step);
        return this.flagged(step);
    }
  }

  private flagged(step: Step): Step {
    return { ...step, flags: this.open ? 'T' : 'I' };
  }

  /** With autocommit off the first statement that needs one begins a transaction. */
  private touch(): void {
    if (!this.open && this.autocommitOff) this.start();
    else if (!this.open) this.next = undefined; // a transaction of one statement
  }

  private start(): void {
    this.close();
    this.open = true;
    this.level = this.next ?? this.session;
    this.next = undefined;
  }

  private close(): void {
    this.open = false;
    this.writes = [];
    this.savepoints = [];
    this.writesAtRead = undefined;
    this.sinceRead = [];
  }

  private end(step: Step, kind: string): Step {
    const chain = step.sql.includes('CHAIN');
    const { level } = this;
    const wasOpen = this.open;
    if (!chain || kind === 'commit') this.sinceInsert?.push(kind);
    this.close();
    this.next = undefined; // used up, even where nothing had begun
    if (chain) {
      this.start();
      if (wasOpen) this.level = level;
    }
    return this.flagged(step);
  }

  private savepoint(step: Step, kind: string): Step {
    const at = this.savepoints.findLastIndex((one) => one.name === nameOf(step.sql));
    if (at < 0) return this.refused(step, 'no savepoint');
    const { writes } = this.savepoints[at] as { writes: number };
    if (kind === 'rollback-to') this.writes.length = writes;
    this.savepoints.length = kind === 'release' ? at : at + 1;
    return this.flagged(step);
  }

  private setLevel(step: Step): Step {
    const level: Level = step.sql.includes('SERIALIZABLE') ? 'serializable' : 'read committed';
    if (step.sql.includes('SESSION')) {
      this.session = level;
      if (!this.open) this.next = undefined;
      return this.flagged(step);
    }
    // ER_CANT_CHANGE_TX_CHARACTERISTICS
    if (this.open) return { ...step, error: { code: '25001', errno: 1568 } };
    this.next = level;
    return this.flagged(step);
  }

  private refused(step: Step, kind: string): Step {
    this.sinceRead.push(kind);
    this.sinceInsert?.push(kind);
    if (kind === 'insert') this.sinceInsert = this.open ? [] : ['autocommit'];
    return { ...step, error: step.error ?? { code: 'HY000', errno: 1305 } };
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
    if (kind !== 'other read' && this.open)
      this.writes.push({ what: step.sql, ...(kind === 'chunk' && { keys: keysOf(step.sql) }) });
  }
}

function kindOf(sql: string): string {
  if (sql.startsWith('START')) return 'begin';
  if (sql.startsWith('COMMIT')) return 'commit';
  if (sql.startsWith('ROLLBACK TO')) return 'rollback-to';
  if (sql.startsWith('ROLLBACK')) return 'rollback';
  if (sql.startsWith('SAVEPOINT')) return 'savepoint';
  if (sql.startsWith('RELEASE')) return 'release';
  if (sql === read.sql) return 'read';
  if (sql.includes('nonsense')) return 'failing';
  if (sql.includes('ISOLATION')) return 'level';
  if (sql.startsWith('SELECT')) return 'other read';
  if (sql === insert.sql) return 'insert';
  if (sql.startsWith('TRUNCATE')) return 'ddl';
  if (sql.startsWith('DELETE FROM `c` WHERE `c`.`id` IN')) return 'chunk';
  if (/^(SHOW|SET autocommit|SET NAMES|;|$)/.test(sql)) return 'noise';
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
  .map((keys) => ({ sql: `DELETE FROM \`c\` WHERE \`c\`.\`id\` IN (${keys.join(', ')})` }));
const savepoint = fc.tuple(
  fc.constantFrom('SAVEPOINT', 'RELEASE SAVEPOINT', 'ROLLBACK TO', 'ROLLBACK TO SAVEPOINT'),
  fc.constantFrom('x', 'y'),
);
const levels = fc
  .tuple(fc.constantFrom('', 'SESSION '), fc.constantFrom('SERIALIZABLE', 'READ COMMITTED'))
  .map(([scope, level]) => ({ sql: `SET ${scope}TRANSACTION ISOLATION LEVEL ${level}` }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: savepoint.map(([verb, name]) => ({ sql: `${verb} ${name}` })) },
  { weight: 6, arbitrary: fc.constant({ ...read, rows: ids }) },
  { weight: 4, arbitrary: chunk },
  { weight: 3, arbitrary: fc.constant(insert) },
  { weight: 3, arbitrary: fc.constant({ sql: 'START TRANSACTION' }) },
  { weight: 2, arbitrary: levels },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>(
      { sql: 'SHOW WARNINGS', rows: [] },
      { sql: 'SET NAMES utf8mb4' },
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
      { sql: 'UPDATE `c` SET `v` = 1' },
      { sql: 'UPDATE `k` SET `v` = 1 WHERE `c_id` IN (1, 2)' },
      { sql: 'DELETE FROM `k` WHERE `c_id` IN (1, 2, 3)' },
      { sql: 'DELETE FROM `C` WHERE `id` IN (1)' },
      { sql: 'INSERT INTO `z` (`v`) VALUES (1)' },
      { sql: 'USE other' },
      { sql: 'TRUNCATE TABLE `z`' },
      { sql: 'SELECT `v` FROM `z`', rows: ['9'] },
      { sql: 'SELECT nonsense', error: { code: '42S22', errno: 1054 } },
    ),
  },
);

function played(steps: Step[], options: Options): { scene: Scene; model: Model } {
  const model = new Model(options.autocommitOff === true);
  const server = { isolation: model.session };
  const scene = new Scene({ ...options, witness: believer, server });
  for (const one of steps) scene.run(model.answer(one));
  server.isolation = model.session;
  return { scene, model };
}

const course = fc
  .array(step, { minLength: 1, maxLength: 9 })
  .map((steps) => [{ sql: 'START TRANSACTION' }, ...steps]);
const options = fc.record({
  dialect: fc.constantFrom<'mysql' | 'mariadb'>('mysql', 'mariadb'),
  autocommitOff: fc.boolean(),
});

test('a split delete that is found is one', { timeout: 60_000 }, () => {
  let found = 0;
  fc.assert(
    fc.property(course, chunk, options, (steps, last, chosen) => {
      const { scene, model } = played(steps, chosen);
      if (scene.verdict(last) !== 'found') return;
      found++;
      expect(model.open).toBe(true);
      expect(model.level).toBe('read committed');
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
  .map((steps) => [{ sql: 'START TRANSACTION' }, { sql: 'SAVEPOINT x' }, insert, ...steps]);

test('an unlocked read that is found comes right behind its INSERT', { timeout: 60_000 }, () => {
  let found = 0;
  fc.assert(
    fc.property(fc.oneof(course, lost), options, (steps, chosen) => {
      const { scene, model } = played(steps, chosen);
      if (scene.verdict(reread) !== 'found') return;
      found++;
      expect(model.open).toBe(true);
      expect(model.level).toBe('read committed');
      expect(model.sinceInsert).toEqual([]);
    }),
    { numRuns: 15_000 },
  );
  expect(found).toBeGreaterThan(300);
});
