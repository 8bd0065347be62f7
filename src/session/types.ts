/**
 * The session's contract with the outside: bytes in, actions and events out. A session owns no socket, no clock and no
 * logger; the proxy feeds it and carries out what it returns.
 */
import type { PatternId } from '../patterns/types.ts';
import type { Reason } from '../patterns/reasons.ts';
import type { Mode } from '../patterns/rule.ts';

export type Side = 'client' | 'server';

/** Everything the proxy has to do after one call, in this order: server bytes, client bytes, cancel, end. */
export interface Actions {
  toServer: Buffer[];
  toClient: Buffer[];
  /** Call session.wake(now) at this time (monotonic ms) at the latest; undefined: no timer is needed. */
  wakeAt: number | undefined;
  /** A CancelRequest: open a fresh connection to the server, send these bytes, close; the client connection ends. */
  cancel: Buffer | undefined;
  /** Flush what is above, then end both connections. */
  end: boolean;
  /** Do not read from the client: a plan is running and the client's bytes wait. */
  pauseClient: boolean;
  events: SessionEvent[];
}

export type SessionEvent = FindingEvent | RawRelayEvent | ProtocolErrorEvent | LoggedInEvent | StatementProblemEvent;

/** One finding, one line in the log. No literals. */
export interface FindingEvent {
  type: 'finding';
  pattern: PatternId;
  rule: string;
  mode: Mode;
  /** observed: would have been planned. rewritten. refused: left alone, see reason. fell-back: the plan failed, the original was sent. passed-on: the plan's error went to the client. */
  decision: 'observed' | 'rewritten' | 'refused' | 'fell-back' | 'passed-on';
  reason?: Reason;
  fingerprint: string;
  table: string;
  rows: number;
  /** Affected rows or rows returned by the rewritten statement. */
  affected?: number;
  /** guard: had | not-had | none */
  guard?: 'had' | 'not-had' | 'none';
  guardWaitMs?: number;
  durationMs?: number;
  /** SQLSTATE of the error that made the plan fall back. */
  code?: string;
}
export interface RawRelayEvent {
  type: 'raw-relay';
  why: string;
}
export interface ProtocolErrorEvent {
  type: 'protocol-error';
  side: Side;
  message: string;
}
export interface LoggedInEvent {
  type: 'logged-in';
  user: string;
  database: string;
  application: string;
}
/** Containment: detection or rewriting threw; the session goes on in raw relay. */
export interface StatementProblemEvent {
  type: 'problem';
  fingerprint: string;
  message: string;
}

/** Plain counters, read by the metrics; every statement is in exactly one of the first three. */
export interface SessionCounters {
  forwarded: number;
  rewritten: number;
  refused: number;
  /** Statements whose text was looked at. */
  inspected: number;
}

export interface Session {
  /** Consumes the chunk; the returned object is reused by the next call. */
  receive(side: Side, chunk: Buffer, now: number): Actions;
  /** A timer asked for by wakeAt fired, or another session freed a guard key. */
  wake(now: number): Actions;
  /** One side closed; frees what is shared between sessions. */
  closed(): void;
  readonly counters: SessionCounters;
  readonly raw: boolean;
  /** For drain: no transaction open and nothing owed. */
  readonly idle: boolean;
}
