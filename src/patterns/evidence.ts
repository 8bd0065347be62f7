/**
 * Evidence that a race happens: what a rule with `evidence: true` asks around an observed statement, in the app's own
 * transaction, and what the answers prove. Pure: the texts are built here (step 7), sent by the session, and counted here.
 *
 * Invariant: a number is a lower bound. What a look cannot tell for certain is not counted.
 */
import type { Parameters } from '../memory/types.ts';
import type { Reason } from './reasons.ts';

/**
 * missed: rows that match the app's predicate and were not deleted with the others.
 * wrongly-deleted: rows that were deleted although they did not match any more.
 */
export type EvidenceKind = 'missed' | 'wrongly-deleted';

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
