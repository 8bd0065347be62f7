/**
 * What became of the rows of one read: were they deleted by a list, or one by one, and was something inserted behind it?
 * Part of step 5. It refuses and allows nothing; it is for reports and for who learns how transactions end.
 */
import type { Dialect, Name } from '../sql/shape.ts';
import { possiblySameTable, sameTable } from './names.ts';

/** Tables of INSERTs, and of DELETEs of single rows, that are remembered; of further ones nothing is. */
const mostTables = 4;

interface Loop {
  table: Name;
  column: string;
  /** DELETEs so far. */
  count: number;
}

export class Aftermath {
  private list: Name | undefined;
  private readonly loops: Loop[] = [];
  private readonly inserts: Name[] = [];

  deletedByList(table: Name): void {
    this.list ??= table;
  }

  deletedOne(table: Name, column: string): void {
    const loop = this.loopOf(table, column);
    if (loop !== undefined) loop.count += 1;
    else if (this.loops.length < mostTables) this.loops.push({ table, column, count: 1 });
  }

  inserted(table: Name): void {
    if (this.inserts.length < mostTables && !this.inserts.some((one) => sameTable(one, table)))
      this.inserts.push(table);
  }

  wasDeletedByList(table: Name, dialect: Dialect): boolean {
    return this.list !== undefined && possiblySameTable(this.list, table, dialect);
  }

  wasInsertedInto(table: Name, dialect: Dialect): boolean {
    return this.inserts.some((one) => possiblySameTable(one, table, dialect));
  }

  /** Single rows that were deleted by this column. */
  deletedSingly(table: Name, column: string): number {
    return this.loopOf(table, column)?.count ?? 0;
  }

  /** Two rows at least: of one row nobody can tell. */
  wasLoopedOver(table: Name, dialect: Dialect): boolean {
    return this.loops.some((loop) => loop.count > 1 && possiblySameTable(loop.table, table, dialect));
  }

  private loopOf(table: Name, column: string): Loop | undefined {
    return this.loops.find((loop) => loop.column === column && sameTable(loop.table, table));
  }
}
