/**
 * The circuit breaker through sessions of both protocols: failed rewrites of several sessions add up, an error that the
 * original has as well is nobody's fault, and one rewrite that works out closes it again.
 */
import { describe, expect, it } from 'vitest';
import { Breaker } from '../../src/session/breaker.ts';
import type { SessionEvent, SharedState } from '../../src/session/types.ts';
import { mysqlShared } from '../streams/mysql/through.ts';
import { sharedState } from '../streams/session.ts';
import { caseCatalog, loadCases, type Case } from './cases.ts';
import * as mysql from './mysql/cases.ts';
import { runCase as runMysqlCase } from './mysql/run.ts';
import { runCase } from './run.ts';

interface Session {
  decision: string | undefined;
  reason: string | undefined;
  breaker: string[];
}

interface Wire {
  shared: () => SharedState;
  /** @param edited whether the rewritten statement fails @param original whether the original would */
  play: (shared: SharedState, edited: boolean, original?: boolean) => Session;
}

const settings = { failures: 3, window: 60_000, pause: 60_000 };

/** The clocks of these sessions begin alike, so the pause would never be over. */
class AfterThePause extends Breaker {
  override allows(rule: string): boolean {
    return super.allows(rule, Infinity);
  }
}

function told(events: SessionEvent[]): Session {
  const [finding] = events.filter((event) => event.type === 'finding');
  return {
    decision: finding?.decision,
    reason: finding?.reason,
    breaker: events.flatMap((event) => (event.type === 'breaker' ? [event.state] : [])),
  };
}

const postgresCatalog = caseCatalog();
const mysqlCatalog = mysql.caseCatalog();
const first = <T extends Case | mysql.Case>(cases: readonly T[]): T => {
  const found = cases.find(
    ({ rewritten, transcript }) => rewritten !== undefined && / -> DELETE \d/.test(transcript),
  );
  if (found === undefined) throw new Error('no case');
  return found;
};
const failing = (transcript: string, code: string): string =>
  transcript.replace(/ -> DELETE \d+/, ` -> !${code}`);

const wires: Record<string, Wire> = {
  postgres: {
    shared: sharedState,
    play(shared, edited, original = false) {
      const one = first(loadCases('split-delete'));
      const transcript = original ? failing(one.transcript, '23503') : one.transcript;
      const asked = { ...one, transcript, ...(edited && { edited: '23503' }) };
      const run = runCase(asked, 'simple', postgresCatalog, 'rewrite', shared);
      expect(run.through.toClient.equals(run.direct.toClient)).toBe(true);
      return told(run.through.events);
    },
  },
  mysql: {
    shared: mysqlShared,
    play(shared, edited, original = false) {
      const one = first(mysql.loadMysqlCases('split-delete'));
      const transcript = original ? failing(one.transcript, '1451') : one.transcript;
      const asked = { ...one, transcript, ...(edited && { edited: 1451 }) };
      const run = runMysqlCase(asked, 'text', 'mariadb', mysqlCatalog, 'rewrite', shared);
      expect(run.through.toClient.equals(run.direct.toClient)).toBe(true);
      return told(run.through.events);
    },
  },
};

describe.each(Object.entries(wires))('%s', (_, { shared, play }) => {
  it('opens after so many failures, of whichever sessions, and the rule then only observes', () => {
    const state = { ...shared(), breaker: new Breaker(settings) };
    const fellBack = { decision: 'fell-back', reason: 'plan-failed' };
    expect(play(state, true)).toEqual({ ...fellBack, breaker: [] });
    expect(play(state, true)).toEqual({ ...fellBack, breaker: [] });
    expect(play(state, true)).toEqual({ ...fellBack, breaker: ['open'] });
    expect(play(state, false)).toEqual({ decision: 'refused', reason: 'breaker', breaker: [] });
  });

  it('closes when the one that is tried after the pause works out', () => {
    const state = { ...shared(), breaker: new AfterThePause(settings) };
    for (let failure = 1; failure <= 3; failure += 1) play(state, true);
    expect(play(state, false)).toEqual({ decision: 'rewritten', reason: undefined, breaker: ['closed'] });
    expect(play(state, false)).toEqual({ decision: 'rewritten', reason: undefined, breaker: [] });
  });

  it('stays open when it fails again', () => {
    const state = { ...shared(), breaker: new AfterThePause(settings) };
    for (let failure = 1; failure <= 3; failure += 1) play(state, true);
    expect(play(state, true).breaker).toEqual(['open']);
  });

  it('does not open when the original fails as well', () => {
    const state = { ...shared(), breaker: new Breaker(settings) };
    for (let failure = 1; failure <= 5; failure += 1)
      expect(play(state, true, true)).toEqual({ decision: 'fell-back', reason: 'plan-failed', breaker: [] });
    expect(play(state, false).decision).toBe('rewritten');
  });
});
