/** One run of one statement, from the moment it was forwarded until its reply is complete: what step 10 tells the memory. */
import type { Outcome, ReadResult, ResultColumn, Statement, StatementError } from '../../memory/types.ts';
import { CapturedValues } from '../captured-values.ts';
import type { Prepared } from './prepared.ts';

export class MysqlExecution implements Outcome {
  readonly statement: Statement;
  readonly prepared: Prepared | undefined;
  error: StatementError | undefined;
  /** A result set came, not an OK packet. */
  resultSet = false;
  columns = 0;
  rows = 0;
  affected = 0;
  firstColumn: ResultColumn | undefined;
  readonly captured = new CapturedValues();

  constructor(statement: Statement, prepared?: Prepared) {
    this.statement = statement;
    this.prepared = prepared;
  }

  outcome(): Outcome {
    return this.error === undefined ? this : { error: this.error };
  }

  /** MySQL has no command tags; the memory understands PostgreSQL's, and wants no number of a read. */
  get tag(): string {
    if (this.resultSet) return 'SELECT';
    const { word } = this.statement;
    if (word === 'start') return 'START TRANSACTION';
    return `${word.toUpperCase()} ${this.affected}`;
  }

  /** Made when somebody asks. */
  get read(): ReadResult | undefined {
    return this.resultSet ? this.captured.result(this.rows, this) : undefined;
  }

  /** Only the first column is described: more would not be asked for. */
  resultColumns(): ResultColumn[] | undefined {
    const first = this.firstColumn ?? this.prepared?.firstColumn;
    return first === undefined ? undefined : [first];
  }
}
