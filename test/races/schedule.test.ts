/** The harness itself: that it waits when it must, sees who waits, and says so when nothing moves. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppSession } from '../../src/demo/app-session.ts';
import { Observer, runSchedule, verdict, waits, type Actor } from '../../src/demo/schedule.ts';
import { availableVersions, startPostgres, type Postgres } from '../support/postgres.ts';

function actor(name: string, pid: number, steps: Actor['steps']): Actor {
  return { name, pid, sent: [], steps, rollback: async () => 'ok', end: async () => undefined };
}

describe('with sessions of its own', () => {
  test('a step is not issued before the others are idle or waiting', async () => {
    const log: string[] = [];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const one = actor('A', 1, {
      a: async () => {
        await gate;
        log.push('A.a ends');
        return 'ok';
      },
    });
    const two = actor('B', 2, { b: async () => String(log.push('B.b')) });
    let asked = 0;
    const observer = {
      waiting: async () => {
        // At work, not waiting: B may not start, however often one asks.
        if (++asked === 5) release();
        return new Set<number>();
      },
    };
    await runSchedule('A.a B.b', [one, two], observer);
    expect(log).toEqual(['A.a ends', 'B.b']);
  });

  test('the step of a waiting session is passed over until it goes on', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const one = actor('A', 1, { a: () => gate.then(() => 'ok'), c: async () => 'ok' });
    const two = actor('B', 2, {
      b: async () => {
        release();
        return 'ok';
      },
    });
    const records = await runSchedule('A.a A.c B.b', [one, two], { waiting: async () => new Set([1]) });
    expect(records.map((record) => record.step)).toEqual(['A.a', 'B.b', 'A.c']);
    expect(waits(records)).toEqual(['A.a']);
  });

  test('after an error the session skips its other steps', async () => {
    const fails = async (): Promise<string> => {
      throw Object.assign(new Error('no'), { code: '23505' });
    };
    const records = await runSchedule(
      'A.a A.b B.b',
      [actor('A', 1, { a: fails, b: fails }), actor('B', 2, { b: async () => 'ok' })],
      {
        waiting: async () => new Set<number>(),
      },
    );
    expect(verdict(records)).toBe('23505@A.a');
    expect(records.map((record) => record.step)).toEqual(['A.a', 'B.b']);
  });

  test('a schedule in which nothing moves fails and says where', async () => {
    const stuck = actor('A', 1, { a: () => new Promise(() => undefined), b: async () => 'ok' });
    await expect(runSchedule('A.a A.b', [stuck], { waiting: async () => new Set([1]) }, 50)).rejects.toThrow(
      'issued A.a; at work or waiting: A; left: A.b',
    );
  });

  test('an unknown step is an error', async () => {
    await expect(runSchedule('A.x', [], { waiting: async () => new Set() })).rejects.toThrow(
      'no such step: A.x',
    );
  });
});

describe.each(availableVersions([18]))('PostgreSQL %i: who waits', (version) => {
  let server: Postgres;
  let holder: AppSession;
  let other: AppSession;
  beforeAll(async () => {
    server = await startPostgres({ version });
    holder = await AppSession.connect(server.url, 'holder');
    other = await AppSession.connect(server.url, 'other');
  });
  afterAll(async () => {
    await Promise.all([holder.end(), other.end()]);
    await server.stop();
  });

  test('a session that waits for a lock, and not any more when it is granted', async () => {
    const observer = await Observer.connect(server.url);
    await holder.query('BEGIN');
    await holder.query('SELECT pg_advisory_xact_lock(1)');
    const blocked = other.query('SELECT pg_advisory_lock(1), pg_advisory_unlock(1)');
    while (!(await observer.waiting([other.pid])).has(other.pid));
    await holder.query('COMMIT');
    expect(await observer.waiting([other.pid])).toEqual(new Set());
    await blocked;
    await observer.end();
  });

  test('a session that polls the guard waits only while an idle session holds one', async () => {
    let polling = 1;
    const observer = await Observer.connect(server.url, async () => polling);
    expect(await observer.waiting([other.pid]), 'nobody holds a guard').toEqual(new Set());
    await holder.query('BEGIN');
    await holder.query('SELECT pg_try_advisory_xact_lock(1, 2)');
    expect(await observer.waiting([other.pid])).toEqual(new Set([other.pid]));
    expect(await observer.waiting([other.pid, holder.pid]), 'the holder is at work').toEqual(new Set());
    polling = 0;
    expect(await observer.waiting([other.pid]), 'nobody polls').toEqual(new Set());
    await holder.query('COMMIT');
    await observer.end();
  });
});
