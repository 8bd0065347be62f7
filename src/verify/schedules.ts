/**
 * Every interleaving as data, with what happens without Interlock and with it. `direct` was observed on PostgreSQL 15 and
 * 18, which agree in every line; the tests repeat the observation. `23505@R2.I`: session R2 failed at its INSERT.
 *
 * The steps of a session are letters, see src/demo/split-delete.ts and src/demo/update-or-create.ts. A step of a session
 * that waits is issued as soon as that session goes on, so the order of two waiting sessions is not prescribed.
 */

/** Verdict of the schedule, then the rows of the table that the race is about. */
export interface Outcome {
  verdict: string;
  rows: string;
}

export interface SplitDeleteSchedule {
  id: string;
  /** What happens, in one line. */
  story: string;
  order: string;
  /** Steps that wait, direct and proxied alike: evidence that the interleaving took place. */
  waits: string[];
  /** Start with a row that matches the filter, or with none. */
  start: 'full' | 'empty';
  /** Statement of the outsider X. */
  outsider?: string;
  direct: Outcome;
  /** REPEATABLE READ: the same direct and proxied. */
  repeatableRead: Outcome;
  /** Through the proxy, READ COMMITTED. */
  proxied: Outcome;
  /** Through the proxy with `guard: none`. */
  unguarded: Outcome;
}

// Rows of shop_cart as customer,product. (1,2) and (2,1) never match the filter unless an outsider makes them.
const closed: Outcome = { verdict: 'ok', rows: '1,1 1,2 2,1' };
const lost = (verdict: string): Outcome => ({ verdict, rows: closed.rows });
const serialization = (verdict: string, rows = closed.rows): Outcome => ({ verdict, rows });

const two = 'R1.B R1.S R2.B R2.S';
const three = 'R1.B R1.S R2.B R2.S R3.B R3.S';

export const splitDeleteSchedules: SplitDeleteSchedule[] = [
  {
    id: 'i',
    story: 'R1 commits between the SELECT and the DELETE of R2',
    order: `${two} R1.D R1.I R1.C R2.D R2.I R2.C`,
    waits: [],
    start: 'full',
    direct: lost('23505@R2.I'),
    repeatableRead: serialization('40001@R2.D'),
    proxied: closed,
    unguarded: closed,
  },
  {
    id: 'ii',
    story: 'R1 has deleted and inserted, uncommitted, when R2 deletes',
    order: `${two} R1.D R1.I R2.D R1.C R2.I R2.C`,
    waits: ['R2.D'],
    start: 'full',
    direct: lost('23505@R2.I'),
    repeatableRead: serialization('40001@R2.D'),
    proxied: closed,
    unguarded: lost('23505@R2.I'),
  },
  {
    id: "ii'",
    story: 'R1 has only deleted when R2 deletes, and inserts while R2 waits',
    order: `${two} R1.D R2.D R1.I R1.C R2.I R2.C`,
    waits: ['R2.D'],
    start: 'full',
    direct: lost('23505@R2.I'),
    repeatableRead: serialization('40001@R2.D'),
    proxied: closed,
    unguarded: lost('23505@R2.I'),
  },
  {
    id: 'ii-low',
    story: "like ii', and the new row's id sorts below the one that R2 waits for",
    order: `${two} R1.D R2.D R1.L R1.C R2.I R2.C`,
    waits: ['R2.D'],
    start: 'full',
    direct: lost('23505@R2.I'),
    repeatableRead: serialization('40001@R2.D'),
    proxied: closed,
    unguarded: lost('23505@R2.I'),
  },
  {
    id: 'iv',
    story: 'R2 and R3 both wait for R1',
    order: `${three} R1.D R1.I R2.D R3.D R1.C R2.I R2.C R3.I R3.C`,
    waits: ['R2.D', 'R3.D'],
    start: 'full',
    direct: lost('23505@R2.I 23505@R3.I'),
    repeatableRead: serialization('40001@R2.D 40001@R3.D'),
    proxied: closed,
    unguarded: lost('23505@R2.I 23505@R3.I'),
  },
  {
    id: 'iv-i',
    story: 'R1 and R2 commit one after the other before R3 deletes',
    order: `${three} R1.D R1.I R1.C R2.D R2.I R2.C R3.D R3.I R3.C`,
    waits: [],
    start: 'full',
    direct: lost('23505@R2.I 23505@R3.I'),
    repeatableRead: serialization('40001@R2.D 40001@R3.D'),
    proxied: closed,
    unguarded: closed,
  },
  {
    id: 'iii',
    story: 'both SELECTs find nothing, so no DELETE is ever sent: documented as open',
    order: `${two} R1.D R1.I R2.D R2.I R1.C R2.C`,
    waits: ['R2.I'],
    start: 'empty',
    direct: lost('23505@R2.I'),
    repeatableRead: lost('23505@R2.I'),
    proxied: lost('23505@R2.I'),
    unguarded: lost('23505@R2.I'),
  },
  {
    id: 'v1',
    story: 'the row stops matching by its own column, committed between',
    order: 'R2.B R2.S X.W R2.D R2.C',
    waits: [],
    start: 'full',
    outsider: 'UPDATE shop_cart SET product_id = 3 WHERE id = 100',
    direct: { verdict: 'ok', rows: '1,2 2,1' },
    repeatableRead: serialization('40001@R2.D', '1,2 1,3 2,1'),
    proxied: { verdict: 'ok', rows: '1,2 1,3 2,1' },
    unguarded: { verdict: 'ok', rows: '1,2 1,3 2,1' },
  },
  {
    id: 'v2',
    story: 'the row stops matching by its own column, uncommitted when R2 deletes',
    order: 'R2.B R2.S X.B X.W R2.D X.C R2.C',
    waits: ['R2.D'],
    start: 'full',
    outsider: 'UPDATE shop_cart SET product_id = 3 WHERE id = 100',
    direct: { verdict: 'ok', rows: '1,2 2,1' },
    repeatableRead: serialization('40001@R2.D', '1,2 1,3 2,1'),
    proxied: { verdict: 'ok', rows: '1,2 1,3 2,1' },
    unguarded: { verdict: 'ok', rows: '1,2 1,3 2,1' },
  },
  {
    id: 'v3',
    story: 'the row stops matching by a joined row, committed between',
    order: 'R2.B R2.S X.W R2.D R2.C',
    waits: [],
    start: 'full',
    outsider: 'UPDATE shop_product SET active = false WHERE id = 1',
    direct: { verdict: 'ok', rows: '1,2 2,1' },
    repeatableRead: { verdict: 'ok', rows: '1,2 2,1' },
    proxied: closed,
    unguarded: closed,
  },
  {
    id: 'vi1',
    story: 'a row starts matching by its own column, committed between',
    order: 'R2.B R2.S X.W R2.D R2.C',
    waits: [],
    start: 'full',
    outsider: 'UPDATE shop_cart SET product_id = 4 WHERE id = 101',
    direct: { verdict: 'ok', rows: '1,4 2,1' },
    repeatableRead: { verdict: 'ok', rows: '1,4 2,1' },
    proxied: { verdict: 'ok', rows: '2,1' },
    unguarded: { verdict: 'ok', rows: '2,1' },
  },
  {
    id: 'vi3',
    story: 'a row starts matching by a joined row, committed between',
    order: 'R2.B R2.S X.W R2.D R2.C',
    waits: [],
    start: 'full',
    outsider: 'UPDATE shop_product SET active = true WHERE id = 2',
    direct: { verdict: 'ok', rows: '1,2 2,1' },
    repeatableRead: { verdict: 'ok', rows: '1,2 2,1' },
    proxied: { verdict: 'ok', rows: '2,1' },
    unguarded: { verdict: 'ok', rows: '2,1' },
  },
  {
    id: 'vi5',
    story: 'a new row that matches is inserted and committed between',
    order: 'R2.B R2.S X.W R2.D R2.C',
    waits: [],
    start: 'full',
    outsider: 'INSERT INTO shop_cart (customer_id, product_id) VALUES (1, 4)',
    direct: { verdict: 'ok', rows: '1,2 1,4 2,1' },
    repeatableRead: { verdict: 'ok', rows: '1,2 1,4 2,1' },
    proxied: { verdict: 'ok', rows: '1,2 2,1' },
    unguarded: { verdict: 'ok', rows: '1,2 2,1' },
  },
];

export interface UpdateOrCreateSchedule {
  id: string;
  /** Rules under which it is rewritten; django wants to see the first look-up lock. */
  pack: 'django' | 'generic';
  story: string;
  order: string;
  /** Statement of the outsider X. */
  outsider?: string;
  /** Steps that wait: without a lock it is the late write, with one it is whoever comes second. */
  waits: { direct: string[]; proxied: string[] };
  /** Rows of shop_page as path=hits. W creates 10, each loser adds 1, X adds 100. */
  direct: Outcome;
  repeatableRead: Outcome;
  proxied: Outcome;
}

const add = `UPDATE shop_page SET hits = hits + 100 WHERE id = (SELECT max(id) FROM shop_page)`;
const winner = 'W.B W.F W.I W.C';

export const updateOrCreateSchedules: UpdateOrCreateSchedule[] = [
  {
    id: 'a',
    pack: 'django',
    story: 'W has committed when L inserts; X adds 100 between the read and the write of L',
    order: `L.B L.F ${winner} L.I L.G X.W L.U L.C`,
    waits: { direct: [], proxied: ['X.W'] },
    outsider: add,
    direct: { verdict: 'ok', rows: '/home=11' },
    repeatableRead: { verdict: 'DNE@L.G', rows: '/home=110' },
    proxied: { verdict: 'ok', rows: '/home=111' },
  },
  {
    id: 'b',
    pack: 'django',
    story: 'L waits for W at its INSERT; X adds 100 between the read and the write of L',
    order: 'L.B L.F W.B W.F W.I L.I W.C L.G X.W L.U L.C',
    waits: { direct: ['L.I'], proxied: ['L.I', 'X.W'] },
    outsider: add,
    direct: { verdict: 'ok', rows: '/home=11' },
    repeatableRead: { verdict: 'DNE@L.G', rows: '/home=110' },
    proxied: { verdict: 'ok', rows: '/home=111' },
  },
  {
    id: 'c',
    pack: 'django',
    story:
      'the row that L lost against is deleted again before L reads it: nothing to lock, the same with Interlock',
    order: `L.B L.F ${winner} L.I X.W L.G L.U L.C`,
    waits: { direct: [], proxied: [] },
    outsider: `DELETE FROM shop_page WHERE path = '/home'`,
    direct: { verdict: 'DNE@L.G', rows: '' },
    repeatableRead: { verdict: 'DNE@L.G', rows: '' },
    proxied: { verdict: 'DNE@L.G', rows: '' },
  },
  {
    id: 'd',
    pack: 'django',
    story: 'two losers, L and K, read the same number of hits and both write it',
    order: `L.B L.F K.B K.F ${winner} L.I K.I L.G K.G L.U L.C K.U K.C`,
    waits: { direct: [], proxied: ['K.G'] },
    direct: { verdict: 'ok', rows: '/home=11' },
    repeatableRead: { verdict: 'DNE@K.G DNE@L.G', rows: '/home=10' },
    proxied: { verdict: 'ok', rows: '/home=12' },
  },
  {
    id: 'e',
    pack: 'generic',
    story: 'no first look-up at all; X adds 100 between the read and the write of L',
    order: 'W.B W.I L.B L.I W.C L.G X.W L.U L.C',
    waits: { direct: ['L.I'], proxied: ['L.I', 'X.W'] },
    outsider: add,
    direct: { verdict: 'ok', rows: '/home=11' },
    repeatableRead: { verdict: 'DNE@L.G', rows: '/home=110' },
    proxied: { verdict: 'ok', rows: '/home=111' },
  },
  {
    id: 'g',
    pack: 'django',
    story: 'X has added 100, uncommitted, when L reads',
    order: `L.B L.F ${winner} L.I X.B X.W L.G X.C L.U L.C`,
    waits: { direct: [], proxied: ['L.G'] },
    outsider: add,
    direct: { verdict: 'ok', rows: '/home=11' },
    repeatableRead: { verdict: 'DNE@L.G', rows: '/home=110' },
    proxied: { verdict: 'ok', rows: '/home=111' },
  },
];
