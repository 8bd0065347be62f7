/** Whose rows does a SELECT return, as far as its text tells? Step 6 of the flow. */
import type { Name, SelectShape } from '../sql/shape.ts';

/** The only table of the FROM list, or the one that the first column is of; undefined where the text leaves it open. */
export function rowsOf({ plainFrom, tables, items }: SelectShape): Name | undefined {
  if (!plainFrom) return undefined;
  if (tables.length === 1) return tables[0]?.name;
  const qualifier = items[0]?.column?.qualifier;
  if (qualifier === undefined) return undefined;
  const [table, another] = tables.filter(({ alias }) => alias === qualifier);
  return another === undefined ? table?.name : undefined;
}
