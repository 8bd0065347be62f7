/**
 * Invariant 3: untouched traffic is byte-identical in both directions. In the modes off and observe that is all traffic;
 * in rewrite mode it is every session in which nothing was found, and every byte to the client in the others.
 */
import { describe, expect, it } from 'vitest';
import { allCaptures, curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { handWritten } from './hand-written.ts';
import { everything, executions, replay, replayDirect } from './replay.ts';
import { sharedState } from './session.ts';

const catalog = capturedCatalog();
const all = [
  ...handWritten,
  ...[...curatedCaptures(), ...allCaptures()].flatMap((capture) => conversations(capture, catalog)),
];
const patient = 60_000;

describe('bytes that pass', () => {
  it.each(['off', 'observe'] as const)(
    'are the same in both directions in mode %s',
    (mode) => {
      let seen = 0;
      for (const conversation of all) {
        const direct = replayDirect(conversation);
        const { transcript, session, findings } = replay(conversation, catalog, { mode, tablesNamed: true });
        expect(transcript.toServer.equals(direct.toServer), conversation.label).toBe(true);
        expect(transcript.toClient.equals(direct.toClient), conversation.label).toBe(true);
        expect(transcript.ended, conversation.label).toBe(false);
        expect(session.raw, conversation.label).toBe(false);
        const ends = conversation.statuses.at(-1) ?? 'I';
        expect(session.idle, conversation.label).toBe(ends === 'I');
        expect(session.counters.rewritten).toBe(0);
        const { forwarded, refused, inspected } = session.counters;
        expect(forwarded + refused, conversation.label).toBe(executions(conversation.flights));
        if (mode === 'off') expect(inspected + findings.length).toBe(0);
        seen += transcript.toServer.length + transcript.toClient.length;
      }
      expect(seen).toBeGreaterThan(1_400_000);
    },
    patient,
  );

  it(
    'are the same in rewrite mode where nothing was found',
    () => {
      const shared = sharedState();
      let quiet = 0;
      for (const conversation of all) {
        const direct = replayDirect(conversation);
        const { transcript, findings } = replay(conversation, catalog, everything, undefined, shared);
        expect(transcript.toClient.equals(direct.toClient), conversation.label).toBe(true);
        if (findings.length > 0) continue;
        quiet += 1;
        expect(transcript.toServer.equals(direct.toServer), conversation.label).toBe(true);
      }
      expect(quiet).toBeGreaterThan(900);
      expect(quiet).toBeLessThan(all.length - 200);
    },
    patient,
  );
});
