/** What the witness is willing to look at; a statement over one of these is refused (reason `witness`). */
export interface WitnessLimits {
  /** Bytes of the masked text. Far larger texts can exhaust the parser's stack. */
  maxBytes: number;
  maxTokens: number;
  maxDepth: number;
  /** Total length of the texts whose verdicts are kept. */
  maxCacheCharacters: number;
}

/**
 * node-sql-parser is slow, and it runs in the thread that serves all sessions: about 0.1 ms a token, once for
 * each masked text.
 */
export const mysqlWitnessLimits: WitnessLimits = {
  maxBytes: 16 * 1024,
  maxTokens: 800,
  maxDepth: 32,
  maxCacheCharacters: 4 * 1024 * 1024,
};

/**
 * How often the MySQL and MariaDB grammars may read a text: about 0.3 µs each. ORMs' statements need 15 to 30 reads a byte,
 * 10,000 at most; nested CASTs and sub-selects in select lists three times as many with every level.
 */
export const mysqlParserReads = 75_000;

export const defaultWitnessLimits: WitnessLimits = {
  maxBytes: 16 * 1024,
  maxTokens: 2_000,
  maxDepth: 32,
  maxCacheCharacters: 4 * 1024 * 1024,
};
