/**
 * PostgreSQL: the isolation level and access mode of the present transaction, read off the statements that set them. The
 * proxy asks the server; `explain` has none. Only for reports, never for a rewrite.
 */
import type { IsolationLevel } from '../memory/isolation.ts';
import type { Statement, TransactionStatus } from '../memory/types.ts';
import type { Reason } from '../patterns/reasons.ts';

const comments = /\/\*[\s\S]*?\*\/|--[^\n]*/g;
const begins = /^\s*(?:begin|start\s+transaction)\b/i;
const sets = /^\s*set\s+(?:local\s+)?(?:transaction\b|transaction_isolation\b)/i;
const characteristics =
  /^\s*set\s+(?:session\s+characteristics\s+as\s+transaction\b|(?:session\s+)?default_transaction_isolation\b)/i;
const levels = /\b(serializable|repeatable\s+read|read\s+committed|read\s+uncommitted)\b/i;

export class PostgresLevel {
  private session: IsolationLevel;
  private present: IsolationLevel;
  private readOnly = false;

  constructor(level: IsolationLevel) {
    this.session = level;
    this.present = level;
  }

  get refuses(): Reason | undefined {
    if (this.present === 'repeatable read' || this.present === 'serializable') return 'isolation';
    return this.readOnly ? 'read-only' : undefined;
  }

  /** The statement has been answered. */
  follow({ text }: Statement, before: TransactionStatus, after: TransactionStatus): void {
    const sql = text.toString('latin1', 0, 400).replaceAll(comments, ' ');
    if (before === 'I') {
      this.present = this.session;
      this.readOnly = false;
    }
    const level = levels.exec(sql)?.[1]?.toLowerCase().replaceAll(/\s+/g, ' ') as IsolationLevel | undefined;
    if (characteristics.test(sql)) this.session = level ?? this.session;
    else if (begins.test(sql) || (sets.test(sql) && before !== 'I')) {
      this.present = level ?? this.present;
      if (/\bread\s+only\b/i.test(sql)) this.readOnly = true;
      if (/\bread\s+write\b/i.test(sql)) this.readOnly = false;
    }
    if (after === 'I') this.readOnly = false;
  }
}
