/**
 * Hostile input past log-in, from either side, in either protocol: recorded conversations with bytes changed, cut out, doubled
 * and moved, shrunk by fast-check to what matters (test/fuzz does the same in volume). The session never throws, comes to
 * rest, and what it sends stays in proportion to what it got. Where nothing may be rewritten it passes on what came, in
 * order, up to the point where it ends the connection.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Session, Side } from '../../src/session/types.ts';
import { mysqlMaterial, postgresMaterial, type Material } from '../fuzz/material.ts';
import { mysqlHeader, postgresHeader, type Header, type Piece } from '../fuzz/mutate.ts';
import { bounded, faithful, mysqlError, play, postgresError, type Played } from '../fuzz/play.ts';
import { makeMysqlSession } from './mysql/through.ts';
import { makeSession, ruleSet } from './session.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';

interface Wire {
  name: string;
  material: readonly Material[];
  header: Header;
  make: (mode: 'observe' | 'rewrite') => (wakeSoon: () => void) => Session;
  errorStart: (toClient: Buffer) => number;
}

const wires: Wire[] = [
  {
    name: 'PostgreSQL',
    material: postgresMaterial,
    header: postgresHeader,
    make: (mode) => makeSession(ruleSet({ mode, tablesNamed: true })),
    errorStart: postgresError,
  },
  {
    name: 'MySQL and MariaDB',
    material: mysqlMaterial,
    header: mysqlHeader,
    make: (mode) => makeMysqlSession(ruleSet({ mode, tablesNamed: true })),
    errorStart: mysqlError,
  },
];

type Mutation =
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'length'; at: number; value: number }
  | { kind: 'cut' | 'double'; at: number }
  | { kind: 'move' | 'other-side'; at: number; to: number }
  | { kind: 'shorten'; at: number; by: number }
  | { kind: 'insert'; at: number; side: Side; bytes: Uint8Array };

const place = fc.nat({ max: 1_000_000 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat({ max: 4000 }) }),
  fc.record({
    kind: fc.constant('length' as const),
    at: place,
    value: fc.oneof(fc.integer(), fc.constantFrom(-1, 0, 3, 4, 5, 8, 0x7fffffff)),
  }),
  fc.record({ kind: fc.constantFrom('cut' as const, 'double' as const), at: place }),
  fc.record({ kind: fc.constantFrom('move' as const, 'other-side' as const), at: place, to: place }),
  fc.record({ kind: fc.constant('shorten' as const), at: place, by: fc.integer({ min: 1, max: 9 }) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: place,
    side: fc.constantFrom<Side>('client', 'server'),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
);

function mutate(pieces: readonly Piece[], mutations: readonly Mutation[], header: Header): Piece[] {
  const out = pieces.map(({ side, bytes }) => ({ side, bytes: Buffer.from(bytes) }));
  for (const one of mutations) {
    const at = one.at % Math.max(1, out.length);
    const piece = out[at];
    if (piece === undefined) return out;
    const { bytes } = piece;
    if (one.kind === 'flip') {
      const index = (one.bit >> 3) % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ (1 << (one.bit & 7));
    } else if (one.kind === 'length' && bytes.length >= header.bytes) header.lie(bytes, one.value);
    else if (one.kind === 'cut') out.splice(at, 1);
    else if (one.kind === 'double') out.splice(at, 0, { side: piece.side, bytes: Buffer.from(bytes) });
    else if (one.kind === 'shorten') piece.bytes = bytes.subarray(0, Math.max(1, bytes.length - one.by));
    else if (one.kind === 'move') out.splice(one.to % out.length, 0, ...out.splice(at, 1));
    else if (one.kind === 'other-side') piece.side = piece.side === 'client' ? 'server' : 'client';
    else if (one.kind === 'insert') out.splice(at, 0, { side: one.side, bytes: Buffer.from(one.bytes) });
  }
  return out;
}

const runs = { numRuns: long ? 25_000 : 2_000 };

describe.each(wires)('hostile input, $name', ({ material, header, make, errorStart }) => {
  const input = fc.record({
    which: fc.nat({ max: material.length - 1 }),
    mutations: fc.array(mutation, { minLength: 1, maxLength: 6 }),
  });
  type Input = typeof input extends fc.Arbitrary<infer Made> ? Made : never;
  const fed = ({ which, mutations }: Input, mode: 'observe' | 'rewrite'): Played & { login: Piece[] } => {
    const { login, pieces } = material[which] as Material;
    return { ...play(make(mode), login, mutate(pieces, mutations, header)), login };
  };

  it('never makes a rewriting session throw, hang or swell', () => {
    fc.assert(
      fc.property(input, (one) => {
        expect(bounded(fed(one, 'rewrite'))).toBeUndefined();
      }),
      runs,
    );
  }, 300_000);

  it('is passed on as it came, or ends the connection, where nothing may be rewritten', () => {
    fc.assert(
      fc.property(input, (one) => {
        const played = fed(one, 'observe');
        expect(bounded(played) ?? faithful(played, played.login, errorStart)).toBeUndefined();
      }),
      runs,
    );
  }, 300_000);

  it('is what the mutations make of the recordings: most of it is broken, some of it is not', () => {
    const results = fc.sample(input, { numRuns: 200, seed: 1 }).map((one) => fed(one, 'rewrite'));
    expect(results.filter((one) => one.ended).length).toBeGreaterThan(10);
    expect(results.filter((one) => one.raw).length).toBeGreaterThan(10);
    expect(results.filter((one) => !one.ended && !one.raw).length).toBeGreaterThan(10);
  });
});
