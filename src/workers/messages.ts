/**
 * What the primary process and its workers tell each other. Everything on these channels stays within the machine's own
 * processes; keys of cancel requests pass here, so nothing of it is logged.
 */
import type { FindingEntry } from '../admin/findings.ts';
import type { Texts } from '../config/files.ts';
import type { Seen } from '../patterns/anticipate/learner.ts';
import type { Collected } from './metrics.ts';

/** Client connections now. */
export interface Counts {
  count: number;
  /** By the client's address; those that have changed. */
  clients: [address: string, count: number][];
}

export type FromWorker =
  /** It wants to know its configuration. */
  | { interlock: 'started' }
  | { interlock: 'ready' }
  | { interlock: 'failed'; message: string }
  | { interlock: 'listening'; listener: string; address: string; port: number | undefined }
  | { interlock: 'finding'; entry: FindingEntry }
  | { interlock: 'learned'; seen: Seen }
  /** A cancel request for a session that is not in this worker. */
  | { interlock: 'cancel'; key: string }
  /** The answer to the same. */
  | { interlock: 'metrics'; metrics: Collected }
  /** Of this worker. */
  | ({ interlock: 'sessions' } & Counts);

export type FromPrimary =
  /** The files of the configuration, or of one whose rules take the place of those before; they have been checked. */
  | { interlock: 'config'; texts: Texts }
  | { interlock: 'drain' }
  | { interlock: 'abort' }
  | { interlock: 'reload' }
  | { interlock: 'metrics' }
  | { interlock: 'cancel'; key: string }
  /** Of the other workers. */
  | ({ interlock: 'sessions' } & Counts);

/** Node uses the channels too. */
export function isOurs<M extends FromWorker | FromPrimary>(message: unknown): message is M {
  return typeof message === 'object' && message !== null && 'interlock' in message;
}
