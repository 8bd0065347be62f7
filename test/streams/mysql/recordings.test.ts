/**
 * Conversations recorded with real servers, log-in included, through the session: nothing but the capability bits of the
 * greeting and redirect_url changes, in any mode, however the network cuts the bytes. In two at every offset of either
 * direction, and byte by byte.
 */
import { describe, expect, it } from 'vitest';
import type { Side } from '../../../src/session/types.ts';
import { cutAt, everyByte, uncut, type Cut } from '../drive.ts';
import { recordings } from '../../unit/wire/mysql/recordings.ts';
import { expected, replay, turnsOf, type Replay, type Turns } from './replay.ts';

const all = recordings.map(turnsOf);
const modes = ['off', 'observe', 'rewrite'] as const;
const long = process.env['INTERLOCK_TEST_LONG'] === '1';
/** Without INTERLOCK_TEST_LONG one recording of each engine, between them every form of EOF and of metadata. */
const cutInTwo = long
  ? all
  : all.filter(({ label }) =>
      ['mariadb-10.11, plain', 'mariadb-11.8, cached-modern', 'mysql-9.7, attributes'].includes(label),
    );
const patient = 120_000;

function expectUnchanged(turns: Turns, { toServer, toClient, events, session, ended }: Replay): void {
  const wanted = expected(turns);
  expect(toServer.equals(wanted.toServer), 'to the server').toBe(true);
  expect(toClient.equals(wanted.toClient), 'to the client').toBe(true);
  const redirected = turns.turns.some(({ server }) => server.includes('redirect_url'));
  // Once, however often the server says it.
  expect(events.map(({ type }) => type)).toEqual([...(redirected ? ['redirect-removed'] : []), 'logged-in']);
  expect({ raw: session.raw, ended }).toEqual({ raw: false, ended: false });
  expect(session.idle, 'idle at the end').toBe(true);
}

describe.each(modes)('in mode %s', (mode) => {
  it.each(all)('$label: whole and byte by byte', (turns) => {
    const whole = replay(turns, mode, uncut);
    expectUnchanged(turns, whole);
    if (mode !== 'off') expect(whole.session.counters.inspected).toBeGreaterThan(30);
    const bytewise = replay(turns, mode, everyByte);
    expectUnchanged(turns, bytewise);
    expect(bytewise.session.counters).toEqual(whole.session.counters);
  });
});

/** Cheaper than expectUnchanged, which is called once a cut that differs. */
function sameBytes(found: Replay, wanted: ReturnType<typeof expected>): boolean {
  return (
    found.toServer.equals(wanted.toServer) && found.toClient.equals(wanted.toClient) && !found.session.raw
  );
}

describe('in two at every offset', () => {
  it.each(cutInTwo)(
    '$label',
    (turns) => {
      const wanted = expected(turns);
      for (const side of ['client', 'server'] satisfies Side[]) {
        const bytes = turns.turns.reduce((sum, turn) => sum + turn[side].length, 0);
        expect(bytes).toBeGreaterThan(1_000);
        for (let offset = 1; offset < bytes; offset += 1) {
          const cut: Cut = cutAt(side, offset);
          const found = replay(turns, 'rewrite', cut);
          if (!sameBytes(found, wanted)) {
            expectUnchanged(turns, found);
            expect.fail(`${side} cut at ${offset}`);
          }
        }
      }
    },
    patient,
  );
});

describe('the recordings', () => {
  it('hold a redirect, which no client gets to see', () => {
    const redirected = all.filter(({ turns }) => turns.some(({ server }) => server.includes('redirect_url')));
    expect(redirected.map(({ label }) => label)).toEqual([
      'mariadb-11.8, cached-modern',
      'mariadb-11.8, modern',
    ]);
    for (const turns of redirected)
      expect(replay(turns, 'observe', uncut).toClient.includes('redirect_url')).toBe(false);
  });

  it('offer more than the client may see', () => {
    for (const turns of all) {
      const [greeting] = turns.turns;
      const { toClient } = replay(turns, 'observe', uncut);
      expect(toClient.subarray(0, greeting?.server.length).equals(greeting?.server ?? toClient)).toBe(false);
    }
  });
});
