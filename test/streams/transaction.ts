/**
 * What a server knows about its transaction: status and savepoints, moved by statements and errors as PostgreSQL does.
 * The replays compare it with the recorded status, and a plan that leaves a savepoint behind shows here.
 */
import type { ErrorFields } from './encode.ts';

export type Status = 'I' | 'T' | 'E';

const identifier = String.raw`("(?:[^"]|"")+"|\w+)`;
const begin = /^(begin|start\s+transaction)\b/i;
const commit = /^(commit|end)\b/i;
const rollbackTo = new RegExp(
  String.raw`^rollback\s+(?:work\s+|transaction\s+)?to\s+(?:savepoint\s+)?${identifier}$`,
  'i',
);
const rollback = /^(rollback|abort)\b/i;
const savepoint = new RegExp(String.raw`^savepoint\s+${identifier}$`, 'i');
const release = new RegExp(String.raw`^release\s+(?:savepoint\s+)?${identifier}$`, 'i');

/** The statement without comments in front, trailing semicolon and blanks. */
export function bare(sql: string): string {
  return sql
    .replace(/^(\s*\/\*[\s\S]*?\*\/)+/, '')
    .replace(/[\s;]+$/, '')
    .trim();
}

export const failedTransaction: ErrorFields = {
  code: '25P02',
  message: 'current transaction is aborted, commands ignored until end of transaction block',
};

export class Transaction {
  status: Status = 'I';
  savepoints: string[] = [];

  /** In a failed transaction only its end and ROLLBACK TO are accepted. */
  accepts(sql: string): boolean {
    return this.status !== 'E' || commit.test(bare(sql)) || rollback.test(bare(sql));
  }

  /** Carries out transaction control. @returns its tag, an error, or undefined for any other statement */
  control(sql: string): { tag: string } | ErrorFields | undefined {
    const text = bare(sql);
    if (!this.accepts(text)) return failedTransaction;
    if (begin.test(text)) return this.#begin(text);
    const named = rollbackTo.exec(text) ?? savepoint.exec(text) ?? release.exec(text);
    if (named !== null) return this.#named(text, named[1] ?? '');
    if (commit.test(text) || rollback.test(text)) return this.#end(text);
    return undefined;
  }

  failed(): void {
    if (this.status === 'T') this.status = 'E';
  }

  #begin(text: string): { tag: string } {
    if (this.status === 'I') this.status = 'T';
    return { tag: /^start/i.test(text) ? 'START TRANSACTION' : 'BEGIN' };
  }

  #end(text: string): { tag: string } {
    const tag = commit.test(text) && this.status !== 'E' ? 'COMMIT' : 'ROLLBACK';
    this.savepoints = [];
    this.status = /\band\s+chain$/i.test(text) && this.status !== 'I' ? 'T' : 'I';
    return { tag };
  }

  #named(text: string, name: string): { tag: string } | ErrorFields {
    const word = /^\w+/.exec(text)?.[0].toUpperCase() ?? '';
    if (this.status === 'I')
      return { code: '25P01', message: `${word} can only be used in transaction blocks` };
    if (word === 'SAVEPOINT') {
      this.savepoints.push(name);
      return { tag: word };
    }
    const at = this.savepoints.lastIndexOf(name);
    if (at < 0) return { code: '3B001', message: `savepoint ${name} does not exist` };
    this.savepoints = this.savepoints.slice(0, word === 'RELEASE' ? at : at + 1);
    this.status = 'T';
    return { tag: word };
  }
}
