/**
 * What a text may cost at most. A statement over one of these limits is not looked at (kind 'other', why 'too-long')
 * and goes to the server untouched. Serves step 4 of the flow (text -> shape).
 */

export interface SqlLimits {
  /** Bytes of one statement's text. */
  maxBytes: number;
  /** Tokens of one statement; 10,000 elements `$n::uuid,` are 40,000 tokens. */
  maxTokens: number;
  /** Open parentheses and brackets at one point; at most 120. */
  maxDepth: number;
  /** Constants that are kept of an INSERT's VALUES rows; above that the rows are not kept at all. */
  maxInsertValues: number;
}

export const defaultSqlLimits: SqlLimits = {
  maxBytes: 1024 * 1024,
  maxTokens: 131_072,
  maxDepth: 64,
  maxInsertValues: 2_000,
};
