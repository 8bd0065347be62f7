/**
 * Prepared statements of one session, by the id that the server gave them. MariaDB's clients may execute "the statement
 * prepared last" before its id is known.
 */
import type { Share } from '../../memory/budget.ts';
import type { ResultColumn } from '../../memory/types.ts';
import { lastPrepared } from '../../wire/mysql/client-commands.ts';
import type { ColumnDefinition } from '../../wire/mysql/columns.ts';
import type { ParameterType } from '../../wire/mysql/execute.ts';
import type { TextSource } from '../statement.ts';

export class Prepared {
  readonly source: TextSource;
  /** From the server's answer; undefined while that is due. */
  id: number | undefined;
  parameters: number | undefined;
  /** First column of the result, as far as it was described. */
  firstColumn: ResultColumn | undefined;
  definition: ColumnDefinition | undefined;
  columns = 0;
  /** As the last execution that sent types had them. */
  types: readonly ParameterType[] | undefined;
  /** Parameters that got long data since the last execution. */
  longData = new Set<number>();
  /** There may be more of them than are noted. */
  longDataUnseen = false;

  /** Its names mean tables of the default database of this time, see MysqlConversation.databases. */
  readonly databases: number;

  constructor(source: TextSource, databases: number) {
    this.source = source;
    this.databases = databases;
  }

  /** It may have sent other types than those noted, and it has used up the long data. */
  executedUnseen(): void {
    this.types = undefined;
    this.longData = new Set();
    this.longDataUnseen = false;
  }
}

/** Bounded: over the limit, or without room in the session's share, a new statement is not noted, and its executions count as never seen. */
export class PreparedStatements {
  private readonly byId = new Map<number, Prepared>();
  private readonly limit: number;
  private readonly share: Share;
  private readonly onFull: () => void;
  private last: Prepared | undefined;

  constructor(limit: number, share: Share, onFull: () => void) {
    this.limit = limit;
    this.share = share;
    this.onFull = onFull;
  }

  /** COM_STMT_PREPARE was sent. */
  sent(prepared: Prepared): void {
    this.last = prepared;
  }

  answered(prepared: Prepared, id: number): void {
    prepared.id = id;
    this.close(id);
    if (this.byId.size >= this.limit) this.onFull();
    else if (this.share.take(sizeOf(prepared))) this.byId.set(id, prepared);
  }

  get(id: number): Prepared | undefined {
    return id === lastPrepared ? this.last : this.byId.get(id);
  }

  /** Long data that was too long to be looked at; undefined: of some statement, so of any. */
  longDataUnseen(id: number | undefined): void {
    for (const one of this.named(id)) one.longDataUnseen = true;
  }

  /** The same for an execution. */
  executedUnseen(id: number | undefined): void {
    for (const one of this.named(id)) one.executedUnseen();
  }

  close(id: number): void {
    if (id === lastPrepared) id = this.last?.id ?? id;
    const prepared = this.byId.get(id);
    if (prepared === undefined) return;
    this.byId.delete(id);
    this.share.give(sizeOf(prepared));
  }

  private named(id: number | undefined): Iterable<Prepared> {
    if (id === undefined) return this.byId.values();
    const one = this.get(id);
    return one === undefined ? [] : [one];
  }

  clear(): void {
    for (const prepared of this.byId.values()) this.share.give(sizeOf(prepared));
    this.byId.clear();
    this.last = undefined;
  }
}

function sizeOf({ source }: Prepared): number {
  return source.text.length;
}
