/**
 * What an application said and what it was answered, without a protocol: the common form of every input of `explain`, and
 * of the examples of rules. Texts are UTF-8 where people read them; what the core gets is made in playback.ts.
 */
import type { Parameters, TransactionStatus } from '../memory/types.ts';

/** What the server answered. */
export type Answer =
  /**
   * A result set. `values` of the first column in text form; undefined where the input does not hold them all. `type`: the
   * column's type on the wire (PostgreSQL: OID; MySQL: type byte), where the input has it.
   */
  | { kind: 'rows'; count: number; values: (string | null)[] | undefined; type?: number }
  | { kind: 'done'; affected: number | undefined }
  /** `code`: SQLSTATE, or MySQL's error number in digits. `key`: the violated key, `table` where the error names it. */
  | { kind: 'error'; code: string; key?: string; schema?: string; table?: string }
  /** The input does not tell: a log of statements has no results. */
  | { kind: 'unknown' };

/** One statement of one session. */
export interface Said {
  /** Tells the sessions of one input apart. */
  session: string;
  /** Where it begins: 1-based line of the input. */
  line: number;
  sql: string;
  parameters?: Parameters;
  answer: Answer;
  /** Transaction status behind the answer, where the input has it. */
  status?: TransactionStatus;
  /** Milliseconds that the application took in front of it. */
  after?: number;
  /** What was assumed because the input does not tell (presume.ts). */
  presumed?: string;
}

/** What a reader of an input hands over. */
export interface Transcript {
  said: Said[];
  /** The input tells it by itself. */
  dialect?: 'postgres' | 'mysql' | 'mariadb';
  /** What this kind of input cannot tell, for the reader of the report. */
  lacks?: string;
}

/** The input is none that is known, or is broken: exit code 2. */
export class UnreadableInput extends Error {
  override readonly name = 'UnreadableInput';
}
