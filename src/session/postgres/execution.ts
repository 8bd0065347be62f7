/** One run of one statement, from the moment it was forwarded until its last reply: what step 10 tells the memory. */
import type { Outcome, ReadResult, ResultColumn, Statement, StatementError } from '../../memory/types.ts';
import { CapturedValues } from '../captured-values.ts';
import type { Portal } from './prepared.ts';

export class Execution implements Outcome {
  readonly statement: Statement;
  readonly portal: Portal | undefined;
  tag: string | undefined;
  error: StatementError | undefined;
  rows = 0;
  /** From the RowDescription of a simple query; an extended one finds them at its portal. */
  described: ResultColumn[] | undefined;
  readonly captured = new CapturedValues();

  constructor(statement: Statement, portal?: Portal) {
    this.statement = statement;
    this.portal = portal;
  }

  outcome(): Outcome {
    return this.error === undefined ? this : { error: this.error };
  }

  /** Made when somebody asks. */
  get read(): ReadResult {
    return this.captured.result(this.rows, this);
  }

  resultColumns(): ResultColumn[] | undefined {
    return this.described ?? this.portal?.resultColumns();
  }
}
