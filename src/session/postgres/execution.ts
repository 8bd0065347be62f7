/** One run of one statement, from the moment it was forwarded until its last reply: what step 10 tells the memory. */
import type { Outcome, ReadResult, ResultColumn, Statement, StatementError } from '../../memory/types.ts';
import type { Portal } from './prepared.ts';

export class Execution {
  readonly statement: Statement;
  readonly portal: Portal | undefined;
  tag: string | undefined;
  error: StatementError | undefined;
  rows = 0;
  /** From the RowDescription of a simple query; an extended one finds them at its portal. */
  described: ResultColumn[] | undefined;
  /** First column's values while they are wanted; undefined: not wanted, or given up. */
  values: (string | null)[] | undefined;
  /** Of the values. */
  bytes = 0;
  /** Whether values are wanted has been decided: at the first row, when everything sent before has been answered. */
  decided = false;
  cut: 'limit' | 'suspended' | undefined;

  constructor(statement: Statement, portal?: Portal) {
    this.statement = statement;
    this.portal = portal;
  }

  outcome(): Outcome {
    if (this.error !== undefined) return { error: this.error };
    const outcome: Outcome = {};
    if (this.tag !== undefined) outcome.tag = this.tag;
    outcome.read = this.read();
    return outcome;
  }

  private read(): ReadResult {
    const columns = this.described ?? this.portal?.resultColumns();
    const values = this.cut === undefined && this.rows === 0 ? [] : this.values;
    const read: ReadResult = { columns, rows: this.rows, values };
    if (this.cut !== undefined) read.cut = this.cut;
    else if (values === undefined) read.cut = 'unread';
    return read;
  }
}
