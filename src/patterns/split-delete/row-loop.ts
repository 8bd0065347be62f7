/**
 * Step 6: the rows of one SELECT deleted one by one (Rails' destroy_all, Sequelize's individualHooks, SQLAlchemy and
 * Hibernate sessions). Reported once, at the second row, and never rewritten: each DELETE is one intention of the app, and
 * hooks run in between. What helps is the guard in front of the SELECT (pattern `anticipate`).
 */
import { sameTable } from '../../memory/names.ts';
import type { RememberedRead } from '../../memory/read.ts';
import type { DeleteShape, Equality } from '../../sql/shape.ts';
import { rowsOf } from '../rows-of.ts';
import type { Detection, DetectionContext } from '../types.ts';

export function detectRowLoop(context: DetectionContext, shape: DeleteShape, single: Equality): Detection {
  const { memory, statement } = context;
  if (memory.status !== 'T' || statement.head.optOut) return undefined;
  const table = shape.table.name;
  const { column } = single.column;
  const read = memory.readsOf(table).find((one) => isSecondOf(one, shape, column));
  if (read === undefined) return undefined;
  const rule = context.ruleFor('split-delete', table);
  if (rule?.pattern !== 'split-delete') return undefined;
  return {
    kind: 'refusal',
    pattern: 'split-delete',
    rule,
    reason: 'row-loop',
    table,
    rows: read.result.rows,
    began: read.statement,
  };
}

/** One row of the read was deleted in the same way before, and there are more. */
function isSecondOf(
  { aftermath, result, shape: select }: RememberedRead,
  { table }: DeleteShape,
  column: string,
): boolean {
  if (aftermath.deletedSingly(table.name, column) !== 1) return false;
  const rows = rowsOf(select);
  return result.rows > 1 && rows !== undefined && sameTable(rows, table.name);
}
