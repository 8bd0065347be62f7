/**
 * Which isolation level does the present transaction have, on MySQL and MariaDB? Serves step 7. The server tells the
 * session's level (@@transaction_isolation), which is that of transactions yet to come: SET SESSION inside a transaction
 * changes it under the transaction's feet, and the level of SET TRANSACTION, good for one transaction, is never shown
 * (manual 15.3.7).
 *
 * Measured on MySQL 9.7, MariaDB 10.11 and 11.8: COMMIT and ROLLBACK use such a level up even where nothing had begun, a
 * chained transaction keeps it, and so does BEGIN in place of an open transaction on MySQL, but not on MariaDB.
 *
 * Invariant: 'session' only where what the server says now is the level of the present transaction; 'unknown' in doubt.
 */
import type { SetIsolationShape } from '../sql/shape.ts';
import type { Statement } from './types.ts';

export type IsolationLevel = NonNullable<SetIsolationShape['level']>;

/** 'session': as the server says. A level: this transaction's own. 'unknown': nobody can tell. */
export type EffectiveIsolation = 'session' | IsolationLevel | 'unknown';

/** First words of statements that are not looked at, and that cannot set a level: DDL and the like. */
const harmless =
  /^\s*(create|alter|drop|truncate|rename|analyze|optimize|lock|unlock|use|replace|load|grant|revoke|flush|do)\b/i;

export class TransactionIsolation {
  private present: EffectiveIsolation = 'session';
  private next: EffectiveIsolation = 'session';
  /** With autocommit off a transaction is open before its first statement; until then a level may still be set for it. */
  private untouched = false;

  get effective(): EffectiveIsolation {
    return this.present;
  }

  /** @param implicit no statement began it: autocommit is off */
  begin(implicit: boolean): void {
    this.present = this.next;
    this.next = 'session';
    this.untouched = implicit;
  }

  /** BEGIN in place of a transaction that is open: whether a level set for it lives on is not known. */
  beginAnew(): void {
    if (this.present !== 'session') this.next = 'unknown';
    this.begin(false);
  }

  end(): void {
    this.present = 'session';
  }

  /** SET … ISOLATION LEVEL succeeded. `open`: a transaction is open, as far as the flags tell. */
  set({ scope, level }: SetIsolationShape, open: boolean): void {
    if (scope === 'global') return;
    if (scope === 'next') {
      // Inside a transaction it is error 1568, so there is none yet.
      if (open) this.present = level ?? 'unknown';
      else this.next = level ?? 'unknown';
    } else if (!open) {
      if (this.next !== 'session') this.next = 'unknown';
    } else if (!this.untouched || this.present !== 'session') {
      // Of a transaction that is on its way, or in place of a level that was set for this one alone.
      this.present = 'unknown';
    }
  }

  /** Another statement than SET ran inside the transaction. */
  used(statement: Statement): void {
    this.untouched = false;
    if (maySetIsolation(statement)) this.present = 'unknown';
  }

  /** A statement ran outside any transaction: it may have been the one that a level was set for. */
  usedOutside(statement: Statement, failed: boolean): void {
    // Statements outside a transaction are not lexed unless there is a reason to.
    if (this.next === 'session' && !isSuspect(statement)) return;
    const { shape } = statement;
    if (shape.kind === 'set-isolation') {
      if (!failed) this.set(shape, false);
    } else if (shape.kind === 'commit' || shape.kind === 'rollback') this.next = 'session';
    else if (shape.kind === 'noise' && !isShow(statement)) return;
    else if (this.next !== 'session' || maySetIsolation(statement)) this.next = 'unknown';
  }

  /** The server's next words tell whether the transaction goes on, and not which level it has. */
  lost(): void {
    this.next = 'unknown';
  }

  reset(): void {
    this.present = 'session';
    this.next = 'session';
    this.untouched = false;
  }
}

/** Changes nothing, but on MySQL 9.7 SHOW TABLES is a transaction in its own right. */
export function isShow({ word }: Statement): boolean {
  return word === 'show';
}

/** A SET, several statements in one, or a text that does not begin with a word that is known. */
function isSuspect({ word, alone }: Statement): boolean {
  return word === 'set' || word === 'other' || word === 'empty' || !alone;
}

/** Several statements in one, a procedure, a text of the app's own making: a SET may be among them. */
function maySetIsolation({ text, word, shape }: Statement): boolean {
  if (shape.kind !== 'other') return false;
  if (shape.why !== 'unknown') return true;
  const start = text.toString('latin1', 0, 4096);
  return word === 'set' ? /isolation/i.test(start) : !harmless.test(start);
}
