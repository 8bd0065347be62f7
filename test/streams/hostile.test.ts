/**
 * Hostile input past log-in, from either side: recorded conversations with bytes changed, cut out, doubled and moved. The
 * session never throws, comes to rest, and what it sends stays in proportion to what it got. Where nothing may be
 * rewritten it passes on what came, in order, up to the point where it ends the connection.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Session, Side } from '../../src/session/types.ts';
import { curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { frames } from './decode.ts';
import { Link } from './drive.ts';
import { FakeServer } from './fake-server.ts';
import { handWritten } from './hand-written.ts';
import { planRules } from './replay.ts';
import { ScriptBrain } from './script.ts';
import { makeSession, ruleSet, sharedState } from './session.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const catalog = capturedCatalog();

interface Piece {
  side: Side;
  bytes: Buffer;
}

/** What a session received, message by message, in a run in which it rewrote. The log-in is apart. */
function heard(conversation: (typeof handWritten)[number]): { login: Piece[]; pieces: Piece[] } {
  const brain = new ScriptBrain(conversation.script, planRules(catalog));
  const server = new FakeServer(brain);
  const all: Piece[] = [];
  const make = makeSession(ruleSet({ mode: 'rewrite', tablesNamed: true }));
  const tapped = (wakeSoon: () => void): Session => {
    const session = make(wakeSoon);
    const receive = session.receive.bind(session);
    session.receive = (side, chunk, now) => {
      all.push({ side, bytes: Buffer.from(chunk) });
      return receive(side, chunk, now);
    };
    return session;
  };
  const link = new Link(tapped, server);
  for (const flight of conversation.flights.slice(0, 2)) link.send(Buffer.concat(flight));
  const login = all.splice(0);
  for (const flight of conversation.flights.slice(2)) link.send(Buffer.concat(flight));
  const pieces = all.flatMap(({ side, bytes }) =>
    frames(bytes).frames.map((frame) => ({ side, bytes: frame.bytes })),
  );
  return { login, pieces };
}

const recorded = [
  'a-activerecord61-pg-pluck',
  'a-prisma-pg-ids',
  'a-sequelize6-pg-ids',
  'b-django207-pg-uoc',
  'b-sequelize6-pg-nested',
  't-django-children-first',
].map((name) => {
  const capture = curatedCaptures().find((one) => one.name === name);
  const [first] = capture === undefined ? [] : conversations(capture, catalog);
  if (first === undefined) throw new Error(`no recording ${name}`);
  return heard(first);
});
const material = [...recorded, ...handWritten.map(heard)];

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

function mutate(pieces: Piece[], mutations: readonly Mutation[]): Piece[] {
  const out = pieces.map(({ side, bytes }) => ({ side, bytes: Buffer.from(bytes) }));
  for (const one of mutations) {
    const at = one.at % Math.max(1, out.length);
    const piece = out[at];
    if (piece === undefined) return out;
    const { bytes } = piece;
    if (one.kind === 'flip') {
      const index = (one.bit >> 3) % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ (1 << (one.bit & 7));
    } else if (one.kind === 'length' && bytes.length >= 5) bytes.writeInt32BE(one.value, 1);
    else if (one.kind === 'cut') out.splice(at, 1);
    else if (one.kind === 'double') out.splice(at, 0, { side: piece.side, bytes: Buffer.from(bytes) });
    else if (one.kind === 'shorten') piece.bytes = bytes.subarray(0, Math.max(1, bytes.length - one.by));
    else if (one.kind === 'move') out.splice(one.to % out.length, 0, ...out.splice(at, 1));
    else if (one.kind === 'other-side') piece.side = piece.side === 'client' ? 'server' : 'client';
    else if (one.kind === 'insert') out.splice(at, 0, { side: one.side, bytes: Buffer.from(one.bytes) });
  }
  return out;
}

interface Result {
  received: Record<Side, Buffer>;
  toServer: Buffer;
  toClient: Buffer;
  ended: boolean;
  raw: boolean;
  /** Bugs that were contained. */
  problems: string[];
}

/** Feeds everything, whatever comes back; sides are not held back when the session would like to pause one. */
function feed(login: Piece[], pieces: Piece[], mode: 'observe' | 'rewrite'): Result {
  const out = { toServer: [] as Buffer[], toClient: [] as Buffer[] };
  const received = { client: [] as Buffer[], server: [] as Buffer[] };
  let asked = false;
  const session = makeSession(
    ruleSet({ mode, tablesNamed: true }),
    sharedState(),
  )(() => {
    asked = true;
  });
  let ended = false;
  let now = 0;
  const problems: string[] = [];
  const take = (actions: ReturnType<Session['receive']>): void => {
    out.toServer.push(...actions.toServer.map((bytes) => Buffer.from(bytes)));
    out.toClient.push(...actions.toClient.map((bytes) => Buffer.from(bytes)));
    ended ||= actions.end;
    for (const event of actions.events) {
      // A Bind that is broken inside is reported as a problem too: it is read only when detection asks for its values.
      const broken = event.type === 'problem' && event.message.startsWith('ProtocolViolation: ');
      if (event.type === 'problem' && !broken) problems.push(event.message);
    }
    if (actions.wakeAt !== undefined) now = Math.max(now, actions.wakeAt);
  };
  for (const { side, bytes } of [...login, ...pieces]) {
    if (ended) break;
    now += 1;
    received[side].push(bytes);
    take(session.receive(side, Buffer.from(bytes), now));
    if (asked && !ended) take(session.wake(now));
    asked = false;
  }
  for (let wakes = 0; wakes < 20 && !ended; wakes += 1) take(session.wake((now += 50)));
  const { raw } = session;
  session.closed();
  return {
    received: { client: Buffer.concat(received.client), server: Buffer.concat(received.server) },
    toServer: Buffer.concat(out.toServer),
    toClient: Buffer.concat(out.toClient),
    ended,
    raw,
    problems,
  };
}

const input = fc.record({
  which: fc.nat({ max: material.length - 1 }),
  mutations: fc.array(mutation, { minLength: 1, maxLength: 6 }),
});
const runs = { numRuns: long ? 50_000 : 4_000 };

describe('hostile input', () => {
  it('never makes a rewriting session throw, hang or swell', () => {
    fc.assert(
      fc.property(input, ({ which, mutations }) => {
        const { login = [], pieces = [] } = material[which] ?? {};
        const found = feed(login, mutate(pieces, mutations), 'rewrite');
        const { received, toServer, toClient, problems } = found;
        expect(problems).toEqual([]);
        const all = received.client.length + received.server.length;
        // A plan's catalog question is a few kilobytes; there is at most one plan a statement.
        expect(toServer.length).toBeLessThan(20 * all + 50_000);
        expect(toClient.length).toBeLessThan(all + 1000);
      }),
      runs,
    );
  }, 300_000);

  it('is passed on as it came, or ends the connection, where nothing may be rewritten', () => {
    fc.assert(
      fc.property(input, ({ which, mutations }) => {
        const { login = [], pieces = [] } = material[which] ?? {};
        const { received, toServer, toClient, ended, problems } = feed(
          login,
          mutate(pieces, mutations),
          'observe',
        );
        expect(received.client.subarray(0, toServer.length).equals(toServer)).toBe(true);
        expect(problems).toEqual([]);
        const fatal = toClient.lastIndexOf('SFATAL\0VFATAL\0C08P01\0Minterlock: ');
        expect(fatal >= 0).toBe(ended);
        const passed = ended ? toClient.subarray(0, fatal - 5) : toClient;
        expect(received.server.subarray(0, passed.length).equals(passed)).toBe(true);
        if (ended) return;
        // What is kept back is the beginning of a message that has not come in full.
        expect(frames(received.client.subarray(toServer.length)).frames).toEqual([]);
        expect(frames(received.server.subarray(passed.length)).frames).toEqual([]);
      }),
      runs,
    );
  }, 300_000);

  it('is what the mutations make of the recordings: most of it is broken, some of it is not', () => {
    const sample = fc.sample(input, { numRuns: 200, seed: 1 });
    const results = sample.map(({ which, mutations }) => {
      const { login = [], pieces = [] } = material[which] ?? {};
      return feed(login, mutate(pieces, mutations), 'rewrite');
    });
    expect(results.filter((one) => one.ended).length).toBeGreaterThan(10);
    expect(results.filter((one) => one.raw).length).toBeGreaterThan(10);
    expect(results.filter((one) => !one.ended && !one.raw).length).toBeGreaterThan(10);
  });
});
