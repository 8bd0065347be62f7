/** What a session tells its memory: steps 3 and 10 of the flow. Values are byte-faithful; nothing here knows the protocol. */
import type { FirstWord } from '../sql/first-word.ts';
import type { Name, Shape, StatementHead } from '../sql/shape.ts';

/** Parameters of one execution, as the client bound them. */
export interface Parameters {
  /** 0 text, 1 binary, one per value. */
  formats: number[];
  values: (Buffer | null)[];
  /** Type OIDs that the client declared in Parse; 0 = left to the server. May be shorter than values. */
  types: number[];
  /** MySQL: what the session needs to send the same values again. Values are then in their text form where they have an exact one (format 0). */
  binding?: unknown;
}

/** One statement as the client sent it. */
export interface Statement {
  /** The SQL text without terminator. Its bytes belong to the statement (never a view into a socket's chunk that is reused). */
  readonly text: Buffer;
  /** Of the text: tells most statements apart before anything of it is looked at. */
  readonly word: FirstWord;
  /** No semicolon but at its end: certainly not several statements. */
  readonly alone: boolean;
  /** Computed on first use. */
  readonly shape: Shape;
  readonly head: StatementHead;
  readonly parameters?: Parameters | undefined;
  readonly via: 'simple' | 'extended';
  /** Of text and parameters, as they are kept. */
  readonly bytes: number;
}

/** PG RowDescription, MySQL column definition: who a result column really is. */
export interface ResultColumn {
  name: string;
  /** PG: table OID, 0 if the column is not a plain table column. MySQL: 0. */
  tableId: number;
  /** PG: attribute number. */
  attribute: number;
  /** PG: type OID. MySQL: column type byte; see also `origin`. */
  type: number;
  /** 0 text, 1 binary. */
  format: number;
  /** MySQL: schema, org_table, org_name, and the collation id (63: binary). */
  origin?: { schema: string; table: string; column: string; collation: number };
}

export type Cut = 'limit' | 'suspended' | 'unread';

/** What a read returned. Values of the first column only, latin1-decoded raw bytes. */
export interface ReadResult {
  columns: ResultColumn[] | undefined;
  rows: number;
  /** First column's values; undefined when not captured (more than one column, over a limit, portal suspended). */
  values: (string | null)[] | undefined;
  cut?: Cut | undefined;
}

export interface StatementError {
  /** SQLSTATE on PG ('' when the message has none). */
  code: string;
  errno?: number;
  schema?: string;
  table?: string;
  constraint?: string;
}

export interface Outcome {
  /** Command tag on PG: `DELETE 3`. */
  tag?: string | undefined;
  error?: StatementError | undefined;
  read?: ReadResult | undefined;
}

/** Transaction status as the server reports it: idle, in a transaction, in a failed transaction. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** A row that was read without a lock, behind a failed INSERT, and nothing since but reads of other tables. */
export interface WatchedRow {
  table: Name;
  columns: readonly string[];
  key: readonly string[];
  /** What each column held when the app had read the row; never a value. */
  hashes: readonly string[];
}
