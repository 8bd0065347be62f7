/**
 * What a pattern asks of a real grammar before it rewrites: step 7 of the flow. Patterns know this interface only.
 * Every method answers false when in doubt and never throws.
 */
import type { Shape } from '../shape.ts';

export interface Witness {
  /** The grammar reads `text` as the shape says: kind, tables, flags, functions, keys, parameters. */
  agrees(text: Buffer, shape: Shape): boolean;
  /**
   * `outText` is the DELETE with its key list replaced by the SELECT (without its ORDER BY), locked for the table that
   * the SELECT calls `lockAlias`, or not locked; and it is changed nowhere else.
   */
  provesDelete(selectText: Buffer, deleteText: Buffer, outText: Buffer, lockAlias?: string): boolean;
  /** `outText` is the SELECT with FOR UPDATE, OF `ofAlias` when given, and changed nowhere else. */
  provesLockingRead(inText: Buffer, outText: Buffer, ofAlias?: string): boolean;
}
