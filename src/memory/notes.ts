/** What a transaction's memory knows beside its reads, for the patterns. */
import type { Dialect, InsertShape, SelectShape, Shape } from '../sql/shape.ts';
import { includesTable } from './names.ts';
import type { ReadResult, Statement, StatementError, WatchedRow } from './types.ts';

/** The last read in front of the present transaction: enough to count `across-begin` and `across-transactions`. */
export interface EarlierRead {
  statement: Statement;
  rows: number;
  /** begin: the read ran in autocommit. transactions: in an earlier explicit transaction. */
  across: 'begin' | 'transactions';
}

/** An INSERT that failed with a unique violation, and nothing but noise, savepoint statements since. */
export interface FailedInsert {
  statement: Statement;
  shape: InsertShape;
  error: StatementError;
  /** False once the transaction of the INSERT has ended (or there was none). */
  sameTransaction: boolean;
  /** Something ran whose effect is not known. */
  unknownEffect: boolean;
  /** No error: ON CONFLICT DO NOTHING or INSERT IGNORE that inserted nothing. Which key was in the way, nobody says. */
  quiet: boolean;
}

/** `SELECT … FOR UPDATE` that found no row: update_or_create's first look-up. */
export interface LockingLookup {
  statement: Statement;
  shape: SelectShape;
}

/** SHOW and `SELECT @@x`, which MySQL's drivers send between any two statements, have no column of a table. */
export function isOfTable(read: ReadResult | undefined, dialect: Dialect): boolean {
  return dialect === 'postgres' || read?.columns?.[0]?.origin !== undefined;
}

/** An INSERT that met a row and said nothing. */
export function quietInsert(statement: Statement, shape: InsertShape): FailedInsert {
  const error = { code: '' };
  return { statement, shape, error, sameTransaction: true, unknownEffect: false, quiet: true };
}

/** What was read once more, perhaps under a lock, is no longer what the app had read first. */
export function endsWatch({ table }: WatchedRow, shape: Shape, dialect: Dialect): boolean {
  if (shape.kind === 'select') return includesTable(shape.tablesRead, table, dialect);
  return shape.kind !== 'savepoint' && shape.kind !== 'release';
}
