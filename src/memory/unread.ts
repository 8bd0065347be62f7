/**
 * Statements of a transaction that succeeded and whose shape nobody has asked for: most transactions end before a DELETE
 * or a second look does. The memory reads them, in order, when something depends on them.
 *
 * Invariant: bounded in number and bytes; over the bound they are read, none is forgotten.
 */
import type { Dialect } from '../sql/shape.ts';
import type { Share } from './budget.ts';
import type { MemoryLimits } from './limits.ts';
import { isOfTable } from './notes.ts';
import { sizeOf } from './read.ts';
import type { Outcome, Statement } from './types.ts';

export interface Unread {
  statement: Statement;
  outcome: Outcome;
  /** Sum of the session's idle gaps when it ended. */
  gaps: number;
}

/** By their first word they end no transaction and break none; what else they are is read later. */
const mayWait = new Set(['select', 'insert', 'update', 'savepoint', 'release']);

/** With more, the time that the shape takes is nothing. */
const fewValues = 16;

/** `INSERT 0 0`: a quiet conflict, which the next SELECT asks for. */
const nothingInserted = /^INSERT.* 0$/;

export class UnreadStatements {
  private readonly limits: Pick<MemoryLimits, 'unread' | 'unreadBytes'>;
  private readonly share: Share;
  private list: Unread[] = [];
  private bytes = 0;
  /** Of them, what the share has given. */
  private valueBytes = 0;
  /** The latest that reads a table, as far as that can be told without its shape. */
  private read: Unread | undefined;
  /** A SELECT waits, whatever it reads. */
  private selects = false;

  /** @param share what captured values are taken from, here as in a read that is remembered */
  constructor(limits: Pick<MemoryLimits, 'unread' | 'unreadBytes'>, share: Share) {
    this.limits = limits;
    this.share = share;
  }

  /** @returns false: this one has to be read now, behind those that wait */
  add(statement: Statement, outcome: Outcome, gaps: number, dialect: Dialect): boolean {
    const { word } = statement;
    if (!mayWait.has(word) || !statement.alone) return false;
    if (word === 'insert' && nothingInserted.test(outcome.tag ?? '')) return false;
    const values = outcome.read?.values ?? [];
    if (values.length > fewValues) return false;
    const valueBytes = sizeOf(values);
    const bytes = this.bytes + statement.bytes + valueBytes;
    if (this.list.length >= this.limits.unread || bytes > this.limits.unreadBytes) return false;
    if (valueBytes > 0 && !this.share.take(valueBytes)) return false;
    this.valueBytes += valueBytes;
    this.bytes = bytes;
    const unread = { statement, outcome, gaps };
    this.list.push(unread);
    if (word !== 'select') return true;
    this.selects = true;
    if (isOfTable(outcome.read, dialect)) this.read = unread;
    return true;
  }

  get mayBeReads(): boolean {
    return this.selects;
  }

  get lastRead(): Unread | undefined {
    return this.read;
  }

  /** All of them, oldest first; they are forgotten here. */
  take(): Unread[] {
    const { list } = this;
    if (list.length > 0) this.clear();
    return list;
  }

  clear(): void {
    if (this.list.length === 0) return;
    this.list = [];
    this.share.give(this.valueBytes);
    this.valueBytes = 0;
    this.bytes = 0;
    this.read = undefined;
    this.selects = false;
  }
}
