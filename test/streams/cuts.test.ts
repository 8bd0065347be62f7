/**
 * Streams cut at every byte: whatever chunks the network makes of a conversation, log-in included, the same bytes leave
 * in both directions. Each conversation is cut into two at every offset of either direction, and sent byte by byte.
 */
import { describe, expect, it } from 'vitest';
import type { Side } from '../../src/session/types.ts';
import { curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations, type Conversation } from './conversation.ts';
import { cutAt, everyByte, uncut, type Cut } from './drive.ts';
import { handWritten } from './hand-written.ts';
import { replay, type Replay } from './replay.ts';
import { sharedState } from './session.ts';

const catalog = capturedCatalog();
const curated = curatedCaptures();
const named = (name: string): Conversation => {
  const capture = curated.find((one) => one.name === name);
  const [first] = capture === undefined ? [] : conversations(capture, catalog);
  if (first === undefined) throw new Error(`no recording ${name}`);
  return first;
};

const loginFlights = (): Buffer[][] => named('a-sequelize6-pg-ids').flights.slice(0, 2);

/** Both patterns, both protocols, named statements, an error and the way back; and traffic that no ORM sends. */
const chosen: Conversation[] = [
  named('a-activerecord61-pg-pluck'),
  named('a-sequelize6-pg-ids'),
  named('b-sequelize6-pg-nested'),
  named('b-django207-pg-uoc'),
  ...handWritten.filter(({ label }) => !label.startsWith('texts')),
];
const loginBytes = run({ ...named('a-sequelize6-pg-ids'), flights: loginFlights() }, 'observe', uncut).sent;
const longTexts = handWritten.filter(({ label }) => label.startsWith('texts'));
const modes = ['observe', 'rewrite'] as const;
const long = process.env['INTERLOCK_TEST_LONG'] === '1';
/** Replays with plans take longer: without INTERLOCK_TEST_LONG one of each pattern is cut, and what nothing is found in. */
const cutInTwo = (mode: string): Conversation[] =>
  long || mode === 'observe'
    ? chosen
    : [chosen[0], chosen[2], ...chosen.slice(4)].filter((one) => one !== undefined);
const patient = 120_000;

function run(conversation: Conversation, mode: (typeof modes)[number], cut: Cut): Replay {
  return replay(conversation, catalog, { mode, tablesNamed: true }, cut, sharedState());
}

function expectSame(found: Replay, whole: Replay, where: string): void {
  expect(found.transcript.toServer.equals(whole.transcript.toServer), `to the server, ${where}`).toBe(true);
  expect(found.transcript.toClient.equals(whole.transcript.toClient), `to the client, ${where}`).toBe(true);
  expect(found.findings.map((one) => one.decision)).toEqual(whole.findings.map((one) => one.decision));
  expect(found.complete).toBe(true);
}

describe.each(modes)('in mode %s', (mode) => {
  it.each(cutInTwo(mode))(
    '$label: in two at every offset',
    (conversation) => {
      const whole = run(conversation, mode, uncut);
      expect(whole.complete).toBe(true);
      for (const side of ['client', 'server'] satisfies Side[]) {
        expect(whole.sent[side]).toBeGreaterThan(loginBytes[side]);
        // Every conversation logs in alike: cut once.
        const first = conversation === chosen[0] ? 1 : loginBytes[side];
        for (let offset = first; offset < whole.sent[side]; offset += 1) {
          expectSame(run(conversation, mode, cutAt(side, offset)), whole, `${side} cut at ${offset}`);
        }
      }
    },
    patient,
  );

  it.each([...chosen, ...longTexts])(
    '$label: byte by byte',
    (conversation) => {
      const whole = run(conversation, mode, uncut);
      expectSame(run(conversation, mode, everyByte), whole, 'byte by byte');
    },
    patient,
  );
});

describe('a request for encryption in front', () => {
  // SSLRequest: length 8, code 80877103. Answered by the session, never seen by the server.
  const request = Buffer.from('0000000804d2162f', 'hex');
  const plain = named('a-sequelize6-pg-ids');
  const asking: Conversation = { ...plain, flights: [[request], ...plain.flights] };

  it('is answered N wherever it is cut', () => {
    const without = run(plain, 'observe', uncut);
    for (let offset = 0; offset < request.length + 60; offset += 1) {
      const found = run(asking, 'observe', cutAt('client', offset));
      expect(found.transcript.toServer.equals(without.transcript.toServer)).toBe(true);
      const answered = Buffer.concat([Buffer.from('N'), without.transcript.toClient]);
      expect(found.transcript.toClient.equals(answered)).toBe(true);
    }
  });
});

describe('the chosen conversations', () => {
  it('are rewritten where they were recorded for it', () => {
    const decisions = chosen
      .slice(0, 4)
      .map((one) => run(one, 'rewrite', uncut).findings.map((found) => found.decision));
    expect(decisions).toEqual([['rewritten'], ['rewritten'], ['rewritten'], ['rewritten']]);
  });
});
