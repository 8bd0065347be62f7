/** The values of a read's first column, kept while the memory wants them: bounded in number and in bytes. Both protocols. */
import { defaultMemoryLimits } from '../memory/limits.ts';
import type { Cut, ReadResult, ResultColumn } from '../memory/types.ts';

/** Who knows what the columns of a result are. */
interface Described {
  resultColumns(): ResultColumn[] | undefined;
}

/** Outside a transaction nobody asks for more than the rows: what takes reading is read when somebody does. */
class CapturedRead implements ReadResult {
  readonly rows: number;
  private readonly captured: CapturedValues;
  private readonly described: Described;

  constructor(captured: CapturedValues, rows: number, described: Described) {
    this.captured = captured;
    this.rows = rows;
    this.described = described;
  }

  get columns(): ResultColumn[] | undefined {
    return this.described.resultColumns();
  }

  get values(): (string | null)[] | undefined {
    return this.captured.valuesOf(this.rows);
  }

  get cut(): Cut | undefined {
    return this.captured.cut ?? (this.values === undefined ? 'unread' : undefined);
  }
}

export class CapturedValues {
  /** Why the values are not the whole result. */
  cut: 'limit' | 'suspended' | undefined;
  /** Undefined: not wanted, or given up. */
  private values: (string | null)[] | undefined;
  private bytes = 0;
  private asked = false;

  /** At the first row: everything sent before has been answered, so the memory knows the transaction. */
  get undecided(): boolean {
    return !this.asked;
  }

  decide(wanted: boolean): void {
    this.asked = true;
    if (wanted) this.values = [];
  }

  get wanted(): boolean {
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
  result(rows: number, described: Described): ReadResult {
    return new CapturedRead(this, rows, described);
  }

  /** @param rows that came */
  valuesOf(rows: number): (string | null)[] | undefined {
    return this.cut === undefined && rows === 0 ? [] : this.values;
  }

  private overLimit(): false {
    this.giveUp();
    this.cut = 'limit';
    return false;
  }
}
