/** One run of one statement, from the moment it was forwarded until its last reply: what step 10 tells the memory. */
import type { Outcome, ResultColumn, Statement, StatementError } from '../../memory/types.ts';
import { CapturedValues } from '../captured-values.ts';
import type { Portal } from './prepared.ts';

export class Execution {
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
    if (this.error !== undefined) return { error: this.error };
    const outcome: Outcome = {};
    if (this.tag !== undefined) outcome.tag = this.tag;
    outcome.read = this.captured.result(this.described ?? this.portal?.resultColumns(), this.rows);
    return outcome;
  }
}
