/**
 * What the interleavings of ../schedules.ts come to on InnoDB without Interlock, observed alike on MariaDB 10.11, 11.8 and
 * MySQL 9.7; the tests repeat the observation. `1062@R2.I`: session R2 failed at its INSERT.
 *
 * Two behaviours, not two isolation levels: without innodb_snapshot_isolation a write in REPEATABLE READ acts on the
 * newest row, as in READ COMMITTED. With it (MariaDB 11.8) the write fails, as in PostgreSQL.
 */
import {
  splitDeleteSchedules,
  updateOrCreateSchedules,
  type Outcome,
} from '../../../src/verify/schedules.ts';
import type { Isolation } from '../../../src/verify/mysql/session.ts';

export type Level = Isolation | 'REPEATABLE READ, snapshot isolation';

const codes: Record<string, string> = { '23505': '1062', '40001': '1020' };
const inMysql = (outcome: Outcome): Outcome => ({
  ...outcome,
  verdict: outcome.verdict.replaceAll(/\d{5}(?=@)/g, (state) => codes[state] ?? state),
});

/**
 * The waits, the start and the outsider's statement are the same as on PostgreSQL. So is what becomes of it through
 * Interlock, in READ COMMITTED and in REPEATABLE READ without snapshot isolation; with it, nothing changes.
 */
export const splitDeletes = splitDeleteSchedules.map((schedule) => ({
  id: schedule.id,
  story: schedule.story,
  order: schedule.order,
  start: schedule.start,
  waits: schedule.waits,
  ...(schedule.outsider === undefined ? {} : { outsider: schedule.outsider }),
  direct: {
    'READ COMMITTED': inMysql(schedule.direct),
    'REPEATABLE READ': inMysql(schedule.direct),
    'REPEATABLE READ, snapshot isolation': inMysql(schedule.repeatableRead),
  } satisfies Record<Level, Outcome>,
  proxied: inMysql(schedule.proxied),
}));

interface Expected extends Outcome {
  /** Undefined where they differ by engine, or by chance (a deadlock, see Run). */
  waits: string[] | undefined;
}

export interface UpdateOrCreate {
  id: string;
  story: string;
  order: string;
  outsider?: string;
  direct: Record<Level, Expected>;
  /** Through Interlock, READ COMMITTED. */
  proxied: Expected;
}

const ok = (rows: string, ...waits: string[]): Expected => ({ verdict: 'ok', rows, waits });
const failed = (verdict: string, rows: string, ...waits: string[]): Expected => ({ verdict, rows, waits });

/** By the key of the only row: MySQL does not read the table that it updates in a subquery (1093). */
const add = 'UPDATE shop_page SET hits = hits + 100 WHERE id = 1';

const same = (readCommitted: Expected, repeatableRead: Expected): Record<Level, Expected> => ({
  'READ COMMITTED': readCommitted,
  'REPEATABLE READ': repeatableRead,
  'REPEATABLE READ, snapshot isolation': repeatableRead,
});

/**
 * Two first look-ups lock the same gap in REPEATABLE READ, and of the INSERTs that then wait for each other one is a
 * deadlock's victim: there is no duplicate to handle.
 */
const gapLocked = (verdict: string, rows: string): Expected => ({ verdict, rows, waits: undefined });

const lookedUp: Record<string, Record<Level, Expected>> = {
  a: same(ok('/home=11'), gapLocked('1213@L.I', '/home=110')),
  b: same(ok('/home=11', 'L.I'), gapLocked('1213@L.I', '/home=110')),
  // The failed INSERT left a lock on the row it collided with: nobody can delete it.
  c: same(ok('', 'X.W'), gapLocked('1213@L.I', '')),
  d: same(ok('/home=11'), gapLocked('1213@K.I 1213@L.I', '/home=10')),
  e: {
    'READ COMMITTED': ok('/home=11', 'L.I'),
    // No look-up, so no snapshot before the read after the duplicate: it finds the row, and the update of X is lost.
    'REPEATABLE READ': ok('/home=11', 'L.I'),
    'REPEATABLE READ, snapshot isolation': failed('1020@L.U', '/home=110', 'L.I'),
  },
  g: same(ok('/home=11'), gapLocked('1213@L.I', '/home=110')),
};

/** With a first look-up that does not lock. Its snapshot hides the row from the read after the duplicate. */
const unlocked: Record<string, Record<Level, Expected>> = {
  a: same(ok('/home=11'), failed('DNE@L.G', '/home=110')),
  b: same(ok('/home=11', 'L.I'), failed('DNE@L.G', '/home=110', 'L.I')),
  c: same(ok('', 'X.W'), failed('DNE@L.G', '', 'X.W')),
  // On MySQL K waits for L at its INSERT; the outcome is the same.
  d: same(ok('/home=11'), { ...failed('DNE@K.G DNE@L.G', '/home=10'), waits: undefined }),
  g: same(ok('/home=11'), failed('DNE@L.G', '/home=110')),
};

/** Locked by the primary key, whoever comes second waits, and nobody is a deadlock's victim. */
const closed: Record<string, Expected> = {
  a: ok('/home=111', 'X.W'),
  b: ok('/home=111', 'L.I', 'X.W'),
  c: ok('', 'X.W'),
  d: ok('/home=12', 'K.G'),
  e: ok('/home=111', 'L.I', 'X.W'),
  g: ok('/home=111', 'L.G'),
};

function derived(
  name: (id: string) => string,
  order: (order: string) => string,
  expected: Record<string, Record<Level, Expected>>,
): UpdateOrCreate[] {
  return updateOrCreateSchedules.flatMap((schedule) => {
    const direct = expected[schedule.id];
    const proxied = closed[schedule.id];
    if (direct === undefined || proxied === undefined) return [];
    const outsider = schedule.outsider?.includes('+ 100') === true ? add : schedule.outsider;
    return [
      {
        id: name(schedule.id),
        story: schedule.story,
        order: order(schedule.order),
        ...(outsider === undefined ? {} : { outsider }),
        direct,
        proxied,
      },
    ];
  });
}

export const updateOrCreates: UpdateOrCreate[] = [
  ...derived(
    (id) => id,
    (order) => order,
    lookedUp,
  ),
  ...derived(
    (id) => `${id}, plain first look-up`,
    (order) => order.replaceAll('.F', '.P'),
    unlocked,
  ),
];
