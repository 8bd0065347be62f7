/** One run of one statement, from the moment it was forwarded until its reply is complete: what step 10 tells the memory. */
import type { Outcome, ResultColumn, Statement, StatementError } from '../../memory/types.ts';
import { firstWord } from '../../sql/first-word.ts';
import { CapturedValues } from '../captured-values.ts';
import type { Prepared } from './prepared.ts';

export class MysqlExecution {
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
    if (this.error !== undefined) return { error: this.error };
    return { tag: this.tag(), ...(this.resultSet && { read: this.read() }) };
  }

  /** MySQL has no command tags; the memory understands PostgreSQL's. */
  private tag(): string {
    if (this.resultSet) return `SELECT ${this.rows}`;
    const { text } = this.statement;
    const word = firstWord(text, 0, text.length);
    if (word === 'start') return 'START TRANSACTION';
    return `${word.toUpperCase()} ${this.affected}`;
  }

  private read(): NonNullable<Outcome['read']> {
    const first = this.firstColumn ?? this.prepared?.firstColumn;
    // Only the first column is described: more would not be asked for.
    return this.captured.result(first === undefined ? undefined : [first], this.rows);
  }
}
