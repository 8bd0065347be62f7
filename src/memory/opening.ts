/**
 * How the present transaction began: has it read or written yet, and what was seen in it for the first time? Part of
 * step 5, for the patterns that act in front of a transaction's first read.
 *
 * Invariant: untouched only while the server has certainly taken neither a snapshot nor a row's lock.
 */
import { isShow } from './isolation.ts';
import type { Statement } from './types.ts';

export class Opening {
  private touched = false;
  private reads = false;
  private readonly seen = new Set<string>();

  /** The transaction has read no table and written none. */
  get untouched(): boolean {
    return !this.touched;
  }

  /** It began with READ ONLY, which MySQL and MariaDB do not tell afterwards: their variable is that of the session. */
  get readOnly(): boolean {
    return this.reads;
  }

  /**
   * True once a transaction for each key, and again after ROLLBACK TO SAVEPOINT, which may have taken back what was done
   * the first time. Grows with the rules that ask.
   */
  first(key: string): boolean {
    if (this.seen.has(key)) return false;
    this.seen.add(key);
    return true;
  }

  /** @param by the statement behind which the server said that it is open; undefined: nothing has run in it */
  begin(by?: Statement): void {
    const began = by?.word === 'start' ? by.text.toString('latin1', 0, 4096) : '';
    this.touched = by !== undefined && (readsBehindBegin(by) || /\bsnapshot\b/i.test(began));
    this.reads = /\bread\s+only\b/i.test(began);
    this.seen.clear();
  }

  rolledBack(): void {
    this.seen.clear();
  }

  /**
   * Another statement, executed or refused: what fails may have read first.
   * @returns true: nothing had been touched before it
   */
  follow(statement: Statement): boolean {
    const { untouched } = this;
    this.touched ||= touches(statement);
    return untouched;
  }
}

/** Everything but what certainly reads no table. SHOW may read the data dictionary, which is in tables on MySQL. */
function touches(statement: Statement): boolean {
  switch (statement.shape.kind) {
    case 'noise':
      return isShow(statement);
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'savepoint':
    case 'release':
    case 'rollback-to':
    case 'set-isolation':
    case 'set-constraints':
      return false;
    default:
      return true;
  }
}

/**
 * The first read itself, where autocommit is off and MySQL's log-in did not say so; a CALL; several statements in one. A
 * BEGIN by itself is told without its shape.
 */
function readsBehindBegin(by: Statement): boolean {
  return !(by.word === 'begin' && by.alone) && touches(by);
}
