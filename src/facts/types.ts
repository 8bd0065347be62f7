/**
 * Catalog facts: what only the server knows about the tables of a plan. Asked in the app's own session as part of the
 * plan (design: no second credential), cached with a lifetime. Pure: query text out, text of the answer in.
 */
import type { Name } from '../sql/shape.ts';

/** What a plan needs to know. */
export interface FactsQuestion {
  /** The table that is deleted from or locked, by the OID that the result's own metadata gave (PG), or by name where no metadata exists. */
  targetId?: number;
  /** How the statement names the target: has to resolve to targetId in this session. */
  target: Name;
  /** Every table that the remembered or current statement reads. */
  tables: Name[];
  /** Every function that it calls, as in SelectShape.functions. */
  functions: string[];
  /** The list came in chunks: what earlier ones wrote by themselves counts (chunksSafe). MySQL asks for it only then. */
  chunks?: boolean;
  /** Pattern 2: the violated key, by the names in the error. */
  constraint?: { schema: string; table: string; name: string };
}

export interface RelationFacts {
  schema: string;
  name: string;
  /** pg_class.relkind: 'r' is the only kind that is rewritten. */
  kind: string;
  rowSecurity: boolean;
  /** Has or is a child by inheritance or partitioning. */
  inheritance: boolean;
  /** Of the target: has rules (pg_rewrite) of its own. */
  rules: boolean;
  temporary: boolean;
}

export interface KeyFacts {
  /** Column names of the key, in order. */
  columns: string[];
  primary: boolean;
  /** Partial or expression index: its columns alone do not identify a row. */
  partial: boolean;
  expression: boolean;
  deferrable: boolean;
}

export interface Facts {
  /** The name in the statement resolves to the table that the metadata named (targetId), or that the error named (constraint). */
  targetResolves: boolean;
  /** Names of the target for the guard key: UTF-8 bytes as latin1, the same whatever the client's encoding. */
  identity: { schema: string; table: string };
  /**
   * Something volatile of the app's own may run in the statement unseen: a function, visible by search_path, that has the
   * name of one that the statement calls; an operator; an implicit cast; a function called like a column (`row.name`).
   */
  shadowedFunctions: boolean;
  /**
   * What a DELETE on the target writes by itself (foreign-key actions, triggers) is nothing that the statement reads. If it
   * is, a predicate means something else after the first chunks of a list.
   */
  chunksSafe: boolean;
  /**
   * MySQL, MariaDB: a foreign-key action of the target's DELETE may write a table that the statement reads. A DELETE there
   * sees what it has set off itself.
   */
  actionsReachReads?: boolean;
  target: RelationFacts;
  /** Column names of the target by attribute number. */
  attributes: Record<number, { name: string; type: number; hasDefault: boolean; inForeignKey: boolean }>;
  primaryKey: string[];
  /** Single columns that are unique and not null by an immediate, total key. */
  uniqueColumns: string[];
  /** The app may lock rows of the target (UPDATE privilege on at least one column). */
  mayLock: boolean;
  /** All tables read: worst case over them. */
  relations: RelationFacts[];
  /** A table that was named could not be resolved. */
  unresolved: boolean;
  /** Deferrable foreign keys, unique keys and constraint triggers on the target and its CASCADE / SET NULL / SET DEFAULT closure. */
  deferrable: {
    /** Schema-qualified and quoted, for SET CONSTRAINTS. */
    name: string;
    initiallyDeferred: boolean;
    /** A trigger of the app's own: run early it may see other rows, and does not run again at COMMIT. */
    trigger: boolean;
    /** No other constraint of the schema has the name, so that SET CONSTRAINTS reaches this one alone. */
    unique: boolean;
  }[];
  /** The violated key of pattern 2. */
  violated?: KeyFacts;
}
