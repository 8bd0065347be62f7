/**
 * The log: JSON lines on stdout. Invariant: no literal, parameter or row ever gets here; events carry fingerprints and
 * names only.
 */
import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import type { FindingEvent, SessionEvent } from './session/types.ts';

export type Log = Logger;

/** @param destination stdout unless a test wants the lines */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** @param who names the connection: its id, listener, database, … */
export function logEvent(log: Log, who: object, event: SessionEvent): void {
  switch (event.type) {
    case 'finding':
      logFinding(log, who, event);
      return;
    case 'logged-in':
      log.debug(who, 'logged in');
      return;
    case 'raw-relay':
      log.info({ ...who, why: event.why }, 'raw relay: this session is no longer looked at');
      return;
    case 'protocol-error':
      log.warn({ ...who, side: event.side, problem: event.message }, 'protocol error: connection ended');
      return;
    case 'problem':
      log.error(
        { ...who, fingerprint: event.fingerprint, problem: event.message },
        'defect: statement left alone',
      );
  }
}

/** One line a finding. A rewrite that did not work out is a warning: it cost time and protected nothing. */
function logFinding(log: Log, who: object, event: FindingEvent): void {
  const { type: _, ...fields } = event;
  const failed = event.decision === 'fell-back' || event.decision === 'passed-on';
  log[failed ? 'warn' : 'info']({ ...who, ...fields }, 'finding');
}
