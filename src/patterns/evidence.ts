/**
 * Evidence that a race happens: what a rule with `evidence: true` asks around an observed statement, in the app's own
 * transaction, and what the answers prove. Pure: the texts are built here (step 7), sent by the session, and counted here.
 *
 * Invariant: a number is a lower bound. What a look cannot tell for certain is not counted.
 */
import type { Parameters, WatchedRow } from '../memory/types.ts';
import type { Reason } from './reasons.ts';

/**
 * missed: rows that match the app's predicate and were not deleted with the others.
 * wrongly-deleted: rows that were deleted although they did not match any more.
 * lost-update: rows whose change by another session was written over with what had been read before it.
 */
export type EvidenceKind = 'missed' | 'wrongly-deleted' | 'lost-update';

/** Rows by kind, zeros included; or why nothing was asked. */
export type Evidence = { rows: Partial<Record<EvidenceKind, number>> } | { reason: Reason };

export interface Text {
  text: Buffer;
  parameters: Parameters;
}

/** Plain reads of one row with one text column each. */
export interface Looks {
  /** In front of the DELETE: `late,matching,existing`, see Before. */
  before: Text;
  /** Behind it: rows outside of the list that match; or why they would prove nothing. */
  after: Text | { reason: Reason };
}

/** One snapshot in front of the DELETE. */
export interface Before {
  /** Rows that match and are not on the list: the DELETE cannot touch them. */
  late: number;
  /** Rows on the list that match. */
  matching: number;
  /** Rows on the list that are there. */
  existing: number;
}

/** @returns undefined: not the answer to such a question */
export function readBefore(answer: string | null | undefined): Before | undefined {
  const [, late, matching, existing] = /^(\d+),(\d+),(\d+)$/.exec(answer ?? '') ?? [];
  if (late === undefined) return undefined;
  return { late: Number(late), matching: Number(matching), existing: Number(existing) };
}

/**
 * @param deleted rows, as the server counted them
 * @param after what the look behind the DELETE answered; undefined: there was none
 */
export function splitEvidence(
  { late, matching, existing }: Before,
  deleted: number,
  after: string | null | undefined,
): Evidence {
  const remaining = after === undefined || after === null ? late : Number(after);
  // Of the rows deleted at most `matching` matched. Rows that others deleted first are not among them, nor are new ones.
  const wrong = Math.max(0, Math.min(deleted, existing) - matching);
  return { rows: { missed: remaining, 'wrongly-deleted': wrong } };
}

/** An unlocked read, and what to ask of its one row once the app has it. */
export interface ReadLook {
  look: Text;
  columns: readonly string[];
  /** Columns of the primary key. */
  key: readonly string[];
}

/** An UPDATE of the row that was read: what to ask in front of it. */
export interface WriteLook {
  look: Text;
  row: WatchedRow;
  /** The columns that it sets to constants. */
  written: readonly string[];
}

/** @param answer hashes of the columns, in their order. @returns undefined: not the answer to such a question */
export function readHashes(
  answer: string | null | undefined,
  columns: readonly string[],
): string[] | undefined {
  const hashes = (answer ?? '').split(',');
  if (hashes.length !== columns.length) return undefined;
  return hashes.every((hash) => /^([0-9a-f]{32,64})?$/.test(hash)) ? hashes : undefined;
}

/**
 * Another session has changed a column since the read, and the UPDATE writes a constant over it.
 * @param now hashes in front of the UPDATE
 * @param updated rows, as the server counted them
 */
export function updateEvidence(
  { row, written }: WriteLook,
  now: readonly string[],
  updated: number,
): Evidence {
  const changed = (column: string): boolean => {
    const at = row.columns.indexOf(column);
    return at >= 0 && row.hashes[at] !== now[at];
  };
  // Another row of the table.
  if (updated === 0 || row.key.some(changed)) return { rows: { 'lost-update': 0 } };
  return { rows: { 'lost-update': written.some(changed) ? 1 : 0 } };
}
