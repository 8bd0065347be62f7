/** The values of a read's first column, kept while the memory wants them: bounded in number and in bytes. Both protocols. */
import { defaultMemoryLimits } from '../memory/limits.ts';
import type { ReadResult } from '../memory/types.ts';

export class CapturedValues {
  /** Why the values are not the whole result. */
  cut: 'limit' | 'suspended' | undefined;
  /** Undefined: not wanted, or given up. */
  private values: (string | null)[] | undefined;
  private bytes = 0;
  private decided = false;

  /**
   * @param wanted asked once, at the first row: everything sent before has been answered, so the memory knows the
   * transaction
   */
  wants(wanted: () => boolean): boolean {
    if (!this.decided) {
      this.decided = true;
      if (wanted()) this.values = [];
    }
    return this.values !== undefined;
  }

  giveUp(): void {
    this.values = undefined;
  }

  /**
   * @param most values, config limits.remembered_ids
   * @param read undefined: the value is not readable
   * @returns false: a limit was reached, all of them are forgotten
   */
  keep(most: number, read: () => string | null | undefined): boolean {
    if (this.values === undefined) return true;
    if (this.values.length >= most) return this.overLimit();
    const value = read();
    this.bytes += value?.length ?? 0;
    // Texts or documents, in a result of one column: nobody's keys.
    if (this.bytes > defaultMemoryLimits.rememberedBytes) return this.overLimit();
    if (value === undefined) this.giveUp();
    else this.values.push(value);
    return true;
  }

  /** @param rows that came */
  result(columns: ReadResult['columns'], rows: number): ReadResult {
    const values = this.cut === undefined && rows === 0 ? [] : this.values;
    const read: ReadResult = { columns, rows, values };
    if (this.cut !== undefined) read.cut = this.cut;
    else if (values === undefined) read.cut = 'unread';
    return read;
  }

  private overLimit(): false {
    this.giveUp();
    this.cut = 'limit';
    return false;
  }
}
