/**
 * The log: JSON lines on stdout. Invariant: no literal, parameter or row ever gets here; events carry fingerprints and
 * names only.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import type { FindingEvent, SessionEvent } from './session/types.ts';

export type Log = Logger;

/** What waits for a slow reader; over it lines are dropped, because a full pipe must not stop the traffic. */
const waitingBytes = 4 * 1024 * 1024;
const patienceMs = 1_000;
const stepMs = 10;

const streams = new WeakMap<Log, object>();

/** @param destination stdout unless a test wants the lines */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (destination !== undefined) return pino(options, destination);
  const stdout = pino.destination({ fd: 1, sync: false, maxLength: waitingBytes });
  const log = pino(options, stdout);
  streams.set(log, stdout);
  return log;
}

/**
 * Until what was logged has left, or nobody reads it. To be called before the process ends: pino writes what is left at
 * exit, and where the reader has gone it would try for ever, unless it has learnt that from a write before.
 */
export async function flushed(log: Log): Promise<void> {
  // sonic-boom has no public way to ask; its flush() calls back before the write has ended.
  const stream = streams.get(log) as { _writing?: boolean } | undefined;
  for (let waited = 0; stream?._writing === true && waited < patienceMs; waited += stepMs)
    await delay(stepMs);
}

/** @param who names the connection: its id, listener, database, … */
export function logEvent(log: Log, who: object, event: SessionEvent): void {
  switch (event.type) {
    case 'finding':
      logFinding(log, who, event);
      return;
    case 'evidence': {
      const { type: _, ...fields } = event;
      log.info({ ...who, ...fields }, 'evidence');
      return;
    }
    case 'logged-in':
      log.debug(who, 'logged in');
      return;
    case 'log-in-refused':
      log.warn(
        {
          ...who,
          user: event.user,
          database: event.database,
          application: event.application,
          code: event.code,
        },
        'the server refused a log-in',
      );
      return;
    case 'raw-relay':
      log.info({ ...who, why: event.why }, 'raw relay: this session is no longer looked at');
      return;
    case 'protocol-error':
      log.warn({ ...who, side: event.side, problem: event.message }, 'protocol error: connection ended');
      return;
    case 'refused':
      log.warn({ ...who, code: event.code, problem: event.message }, 'connection refused or ended');
      return;
    case 'redirect-removed':
      log.warn(who, 'redirect_url removed: the client would have gone on without Interlock');
      return;
    case 'limit':
      log.debug({ ...who, limit: event.limit }, 'limit reached: something is forgotten or not looked at');
      return;
    case 'breaker':
      if (event.state === 'open')
        log.warn(
          { ...who, rule: event.rule },
          'breaker open: rewrites of this rule fail, it observes for a while',
        );
      else log.info({ ...who, rule: event.rule }, 'breaker closed: this rule rewrites again');
      return;
    case 'suggestion':
      log.info(
        { ...who, table: event.table, fingerprint: event.fingerprint },
        'suggestion: a rule that anticipates this SELECT, see /suggestions',
      );
      return;
    case 'problem':
      log.error(
        { ...who, fingerprint: event.fingerprint, problem: event.message },
        'defect: this session is no longer looked at',
      );
  }
}

/** One line a finding. A rewrite that did not work out is a warning: it cost time and protected nothing. */
function logFinding(log: Log, who: object, event: FindingEvent): void {
  const { type: _, ...fields } = event;
  const failed = event.decision === 'fell-back' || event.decision === 'passed-on';
  log[failed ? 'warn' : 'info']({ ...who, ...fields }, 'finding');
}
