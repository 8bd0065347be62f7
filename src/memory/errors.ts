/** The errors that a transaction's memory tells apart. */
import type { StatementError } from './types.ts';

const uniqueViolation = '23505';
/** ER_DUP_ENTRY, ER_DUP_ENTRY_WITH_KEY_NAME; their SQLSTATE 23000 is that of every violation. */
const duplicateEntries = new Set([1062, 1586]);

/** "current transaction is aborted": the server did not run the statement at all. */
export const inFailedTransaction = '25P02';

export function isUniqueViolation({ code, errno }: StatementError): boolean {
  return code === uniqueViolation || (errno !== undefined && duplicateEntries.has(errno));
}
