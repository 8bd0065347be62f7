/**
 * What a pattern asks of a real grammar before it rewrites: step 7 of the flow. Patterns know this interface only.
 * Every method answers false when in doubt and never throws.
 */
import type { LexerSettings, Shape } from '../shape.ts';

/**
 * `settings`: MySQL, MariaDB: as the session's server reads text now. Without it a text whose reading depends on sql_mode
 * (double quotes, backslashes) is refused.
 */
export interface Witness {
  /** The grammar reads `text` as the shape says: kind, tables, flags, functions, keys, parameters. */
  agrees(text: Buffer, shape: Shape, settings?: LexerSettings): boolean;
  /**
   * `outText` is the DELETE with its key list replaced by the SELECT (without its ORDER BY), locked for the table that
   * the SELECT calls `lockAlias`, or not locked; and it is changed nowhere else. MySQL, MariaDB: it is the multiple-table DELETE of
   * rewrites-mysql.ts, either form; no `lockAlias`.
   */
  provesDelete(
    selectText: Buffer,
    deleteText: Buffer,
    outText: Buffer,
    lockAlias?: string,
    settings?: LexerSettings,
  ): boolean;
  /**
   * `outText` is the SELECT with FOR UPDATE, OF `ofAlias` when given, and changed nowhere else. MySQL, MariaDB: or with
   * `(…) AND key = constant` for its condition as well (lockByKey); no `ofAlias`.
   */
  provesLockingRead(inText: Buffer, outText: Buffer, ofAlias?: string, settings?: LexerSettings): boolean;
}
