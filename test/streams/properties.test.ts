/**
 * Properties of whole conversations, for random apps and random failures of the server:
 * the client gets, to the byte, what it would have got without Interlock (invariants 2, 3 and 4: no reply too many, none
 * missing, no failure that the original would not have had); every statement is forwarded, rewritten or refused
 * (invariant 5); no savepoint stays behind; and whatever the app did not send is a plan's.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { everyByte, Link, runDirect, runThrough, uncut, type Cut } from './drive.ts';
import { FakeServer } from './fake-server.ts';
import { factsRule } from './facts.ts';
import { catalog, RandomBrain, randomApp, type RandomApp } from './random-app.ts';
import { executions } from './replay.ts';
import { controlRule, plainState, stateRule, type PlanRule } from './script.ts';
import { makeSession, ruleSet } from './session.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const patient = 300_000;

function rules({ guard }: RandomApp): PlanRule[] {
  return [stateRule({ ...plainState, guard }), factsRule(catalog), controlRule];
}

interface Manner {
  cut?: Cut;
  /** The app sends all of it without waiting, and does not stop when asked to. */
  hasty?: boolean;
}

function compare(
  app: RandomApp,
  mode: 'rewrite' | 'observe',
  { cut = uncut, hasty = false }: Manner = {},
): { rewritten: number; found: number } {
  const alone = new RandomBrain(app, []);
  const aloneServer = new FakeServer(alone);
  const direct = runDirect(app.flights, aloneServer);
  const behind = new RandomBrain(app, rules(app));
  const server = new FakeServer(behind);
  const link = new Link(makeSession(ruleSet({ mode, tablesNamed: true })), server, cut);
  link.deaf = hasty;
  if (hasty) link.sendAll(app.flights.map((flight) => Buffer.concat(flight)));
  else runThrough(app.flights, link);
  const through = link.transcript;
  const { session } = link;

  expect(behind.unexpected).toEqual([]);
  expect(through.events.filter((event) => event.type !== 'finding' && event.type !== 'logged-in')).toEqual(
    [],
  );
  expect(through.toClient.toString('latin1')).toBe(direct.toClient.toString('latin1'));
  expect([session.raw, through.ended]).toEqual([false, false]);
  const { status, savepoints } = server.transaction;
  expect(status).toBe(aloneServer.transaction.status);
  // A plan's savepoint may stay in a transaction that has failed: nothing but its end or an older savepoint is left.
  const kept = status === 'E' ? savepoints.filter((name) => name !== 'interlock_savepoint') : savepoints;
  expect(kept).toEqual(aloneServer.transaction.savepoints);
  expect(behind.executions).toBe(alone.executions);
  const masked = (ran: string[]): string[] =>
    ran.map((one, index) => (behind.ran[index]?.endsWith('rewritten') ? '' : one));
  expect(masked(behind.ran)).toEqual(masked(alone.ran));
  const { forwarded, rewritten, refused } = session.counters;
  const findings = through.events.filter((event) => event.type === 'finding');
  expect(forwarded + rewritten + refused).toBe(executions(app.flights));
  expect(findings.filter((one) => one.decision === 'rewritten' || one.decision === 'passed-on').length).toBe(
    rewritten,
  );
  if (mode === 'observe') expect(through.toServer.equals(direct.toServer)).toBe(true);
  expect(session.idle).toBe(status === 'I');
  return { rewritten: behind.rewritten, found: findings.length };
}

/** Errors after which a plan falls back to the original. */
const ordinary = ['22012', '40P01', '23505'];
/** Cancelled, shutting down, out of disk: the plan's error goes to the client in place of the original's. */
const passedOn = ['57014', '57P01', '58030'];

describe('a random app', () => {
  it(
    'gets the same bytes, whatever is rewritten',
    () => {
      let rewritten = 0;
      let found = 0;
      const property = fc.property(randomApp(ordinary), (app) => {
        const seen = compare(app, 'rewrite');
        rewritten += seen.rewritten;
        found += seen.found;
      });
      const numRuns = long ? 30_000 : 2500;
      fc.assert(property, { numRuns });
      // The apps must be such that there is something to get wrong.
      expect(rewritten).toBeGreaterThan(numRuns / 20);
      expect(found - rewritten).toBeGreaterThan(numRuns / 20);
    },
    patient,
  );

  it(
    'gets the same bytes when the server cancels or gives up',
    () => {
      fc.assert(
        fc.property(randomApp(passedOn), (app) => {
          compare(app, 'rewrite');
        }),
        { numRuns: long ? 10_000 : 800 },
      );
    },
    patient,
  );

  it(
    'gets the same bytes when it does not wait for answers',
    () => {
      fc.assert(
        fc.property(randomApp(ordinary), (app) => {
          compare(app, 'rewrite', { hasty: true });
          compare(app, 'rewrite', { hasty: true, cut: everyByte });
        }),
        { numRuns: long ? 10_000 : 500 },
      );
    },
    patient,
  );

  it(
    'is not touched in observe mode',
    () => {
      fc.assert(
        fc.property(randomApp(ordinary), (app) => {
          expect(compare(app, 'observe').rewritten).toBe(0);
        }),
        { numRuns: long ? 5000 : 300 },
      );
    },
    patient,
  );

  it(
    'gets the same bytes when they come one by one',
    () => {
      fc.assert(
        fc.property(randomApp(ordinary), (app) => {
          compare(app, 'rewrite', { cut: everyByte });
        }),
        { numRuns: long ? 3000 : 150 },
      );
    },
    patient,
  );
});
