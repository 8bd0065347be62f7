/**
 * The network cuts where it likes: ORM conversations, plans included, in two at every offset of either direction, and byte
 * by byte. What reaches the two ends is the same, and so is what was decided. The log-in is cut by recordings.test.ts.
 */
import { describe, expect, it } from 'vitest';
import type { Side } from '../../../src/session/types.ts';
import { cutAt, everyByte, uncut, type Cut } from '../drive.ts';
import { curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations, type Conversation } from './conversation.ts';
import type { Flavour } from './server-state.ts';
import { direct, through, type Through } from './through.ts';

const catalog = capturedCatalog();
const curated = curatedCaptures();
const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const patient = 120_000;

function named(name: string, flavour: Flavour): Conversation {
  const capture = curated.find((one) => one.name === name);
  const [first] = capture === undefined ? [] : conversations(capture, catalog, flavour);
  if (first === undefined) throw new Error(`no conversation ${name}`);
  return first;
}

/** Text; pipelined, prepared, definitions omitted; a probe in either protocol; a refusal; MySQL's modern forms. */
const chosen = [
  named('a-django22-mysql-join', 'mariadb'),
  named('a-prisma-mariadb-ids', 'mariadb'),
  named('b-activerecord61-mysql', 'mariadb'),
  named('b-typeorm-mysql', 'mysql'),
  named('tb-activerecord72-mysql-rollback-and-chain', 'mysql'),
];
const everywhere = long ? chosen : chosen.slice(0, 3);

const run = (conversation: Conversation, cut: Cut): Through => through(conversation, catalog, { cut });
const loginBytes = (conversation: Conversation): Readonly<Record<Side, number>> =>
  run({ ...conversation, script: [], flights: conversation.flights.slice(0, 1) }, uncut).sent;

function expectSame(found: Through, whole: Through, where: string): void {
  expect(found.transcript.toServer.equals(whole.transcript.toServer), `to the server, ${where}`).toBe(true);
  expect(found.transcript.toClient.equals(whole.transcript.toClient), `to the client, ${where}`).toBe(true);
  expect(found.findings.map((one) => one.decision)).toEqual(whole.findings.map((one) => one.decision));
  expect(found.complete).toBe(true);
}

describe('cut anywhere', () => {
  it.each(everywhere)(
    '$label: in two at every offset',
    (conversation) => {
      const whole = run(conversation, uncut);
      const login = loginBytes(conversation);
      for (const side of ['client', 'server'] satisfies Side[]) {
        expect(whole.sent[side]).toBeGreaterThan(login[side]);
        for (let offset = login[side]; offset < whole.sent[side]; offset += 1)
          expectSame(run(conversation, cutAt(side, offset)), whole, `${side} cut at ${offset}`);
      }
    },
    patient,
  );

  it.each(chosen)('$label: byte by byte', (conversation) => {
    expectSame(run(conversation, everyByte), run(conversation, uncut), 'byte by byte');
  });

  it('a client that does not wait for answers gets the same ones', () => {
    const plans: string[] = [];
    for (const flavour of ['mariadb', 'mysql'] as const) {
      for (const conversation of curated.flatMap((capture) => conversations(capture, catalog, flavour))) {
        const [login = [], ...rest] = conversation.flights;
        const flights = [login, rest.flat()];
        const found = run({ ...conversation, flights }, uncut);
        expect(found.complete, conversation.label).toBe(true);
        expect(found.transcript.toClient.equals(direct(conversation).toClient), conversation.label).toBe(
          true,
        );
        expect(found.session.raw, conversation.label).toBe(false);
        plans.push(...found.findings.map(({ decision, reason }) => reason ?? decision));
      }
    }
    // What a statement did is not known before its answer, and then the next one has been sent.
    expect(plans).not.toContain('rewritten');
  });

  it('the chosen conversations are decided as they were recorded for', () => {
    const decisions = chosen.map((one) => run(one, uncut).findings.map((found) => found.decision));
    expect(decisions).toEqual([['rewritten'], ['rewritten'], ['rewritten'], ['rewritten'], ['refused']]);
  });
});
