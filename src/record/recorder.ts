/**
 * What sessions report of their statements -> lines of a recording, one event each, as src/explain/recording.ts reads them.
 * Pure but for what `write` does with a line.
 */
import type { Outcome, Statement, TransactionStatus } from '../memory/types.ts';
import type { StatementRecorder } from '../session/types.ts';
import type { Dialect, LexerSettings } from '../sql/shape.ts';
import { textParameters, textValues, type Redaction } from './redact.ts';

/** A statement that was not looked at, or that no lexer reads: it may have done anything. */
const notRecorded = 'NOT RECORDED';

export class Recorder implements StatementRecorder {
  private readonly redact: Redaction;
  private readonly write: (line: string) => void;
  /** Sessions by their identity; those that are gone are forgotten with it. */
  private readonly ids = new WeakMap<object, number>();
  /** PostgreSQL: sessions with a statement since their last ReadyForQuery. */
  private readonly unready = new WeakSet();
  private next = 1;

  constructor(redact: Redaction, write: (line: string) => void) {
    this.redact = redact;
    this.write = write;
  }

  /** The reply to a statement is complete. @param status behind it */
  completed(
    session: object,
    dialect: Dialect,
    settings: LexerSettings | undefined,
    statement: Statement,
    outcome: Outcome,
    status: TransactionStatus,
  ): void {
    const c = this.idOf(session, dialect);
    const postgres = dialect === 'postgres';
    const { text, parameters } = statement;
    const sql =
      text.length === 0 || settings === undefined
        ? notRecorded
        : (this.redact.sql(text, settings) ?? notRecorded);
    if (parameters === undefined || parameters.values.length === 0)
      this.event({ c, m: postgres ? 'Query' : 'COM_QUERY', sql });
    else {
      const params = textParameters(parameters, this.redact);
      if (postgres) {
        this.event({ c, m: 'Parse', name: '', sql, oids: parameters.types });
        this.event({ c, m: 'Bind', portal: '', stmt: '', pfmt: [], params });
        this.event({ c, m: 'Execute', portal: '' });
      } else this.event({ c, m: 'COM_STMT_EXECUTE', sql, params });
    }
    this.answer(c, postgres, outcome, status);
    if (postgres) this.unready.add(session);
  }

  ready(session: object, status: TransactionStatus): void {
    if (this.unready.delete(session)) this.event({ c: this.ids.get(session), m: 'Z', tx: status });
  }

  private answer(c: number, postgres: boolean, outcome: Outcome, status: TransactionStatus): void {
    const { tag = '', error, read } = outcome;
    const flags = status === 'I' ? 'AUTOCOMMIT' : 'IN_TRANS';
    if (error !== undefined) {
      const { code, errno, schema, table, constraint } = error;
      const key = postgres || constraint === undefined ? { schema, table, constraint } : { constraint };
      this.event({ c, m: 'error', code: errno ?? code, ...key });
    } else if (read !== undefined && (tag.startsWith('SELECT') || read.columns !== undefined)) {
      const [column] = read.columns ?? [];
      const complete = read.cut === undefined && read.values !== undefined && column !== undefined;
      const values = complete ? textValues(read.values ?? [], column, this.redact) : undefined;
      const type = column === undefined ? {} : { [postgres ? 'oids' : 'types']: [column.type] };
      this.event({ c, m: 'rows', n: read.rows, sample: (values ?? []).map((one) => [one]), ...type, flags });
    } else if (postgres) this.event({ c, m: 'done', tag });
    else this.event({ c, m: 'ok', affected: Number(/\d+$/.exec(tag)?.[0] ?? 0), flags });
  }

  private idOf(session: object, dialect: Dialect): number {
    const known = this.ids.get(session);
    if (known !== undefined) return known;
    const id = this.next++;
    this.ids.set(session, id);
    this.event({ c: 0, m: 'note', db: dialect, text: `connection ${id}` });
    return id;
  }

  private event(event: object): void {
    this.write(`${JSON.stringify(event)}\n`);
  }
}
