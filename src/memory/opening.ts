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
  private readonly seen = new Set<string>();

  /** The transaction has read no table and written none. */
  get untouched(): boolean {
    return !this.touched;
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

  /** @param by the statement that began it, if any did */
  begin(by?: Statement): void {
    this.touched = by !== undefined && takesSnapshot(by);
    this.seen.clear();
  }

  rolledBack(): void {
    this.seen.clear();
  }

  /** Another statement, executed or refused: what fails may have read first. */
  follow(statement: Statement): void {
    this.touched ||= touches(statement);
  }
}

/** Everything but what certainly reads no table. SHOW may read the data dictionary, which is in tables on MySQL. */
function touches(statement: Statement): boolean {
  switch (statement.shape.kind) {
    case 'noise':
      return isShow(statement);
    case 'begin':
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

/** START TRANSACTION WITH CONSISTENT SNAPSHOT (MySQL, MariaDB). */
function takesSnapshot({ text, word }: Statement): boolean {
  return word !== 'begin' && /\bsnapshot\b/i.test(text.toString('latin1', 0, 4096));
}
