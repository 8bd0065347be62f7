/** How a transaction went on behind one of its reads: what the learner counts. */
import type { RememberedRead } from '../../memory/read.ts';
import type { Dialect, Name } from '../../sql/shape.ts';
import { rowsOf } from '../rows-of.ts';
import type { Ending } from './learner.ts';

/** Undefined: it is not known whose rows the read returned. */
export function endingOf(
  read: RememberedRead,
  dialect: Dialect,
): { table: Name; ending: Ending } | undefined {
  const table = rowsOf(read.shape);
  if (table === undefined) return undefined;
  const { aftermath, result } = read;
  if (result.rows > 0 && aftermath.wasDeletedByList(table, dialect)) return { table, ending: 'by-list' };
  if (result.rows > 0 && aftermath.wasLoopedOver(table, dialect)) return { table, ending: 'row-loop' };
  const again = result.rows === 0 && aftermath.wasInsertedInto(table, dialect);
  return { table, ending: again ? 'empty' : 'alone' };
}
