/**
 * One read of the transaction and everything that happened since: the heart of step 5. Each later statement is folded
 * into a few flags, so that a read stays the same size however long the transaction lasts.
 *
 * Invariant: when in doubt an event is folded into the flag that refuses more.
 */
import type { DeleteShape, Name, SelectShape, Shape } from '../sql/shape.ts';
import { familyOf, keyOfBinary, keyOfText } from './keys.ts';
import { mysqlKeyType } from './keys-mysql.ts';
import type { Share } from './budget.ts';
import { Aftermath } from './aftermath.ts';
import type { MemoryLimits } from './limits.ts';
import { sameTable } from './names.ts';
import type { Parameters, ReadResult, ResultColumn, Statement } from './types.ts';
import type { Keys } from './values.ts';
import { keyOfValue, keysOfList } from './values.ts';

/** What was deleted by earlier parts of the list. */
interface Chunks {
  table: Name;
  column: string;
  keys: Set<string>;
}

/** Where in its transaction a read stands. */
export interface When {
  /** Sum of the session's idle gaps when the read ended. */
  gaps: number;
  /** The transaction had read and written nothing before. */
  opening: boolean;
}

export class RememberedRead {
  readonly statement: Statement;
  readonly shape: SelectShape;
  readonly result: ReadResult;
  readonly at: When;
  /** Rows could not be remembered: over rememberedIds or rememberedBytes, or there is no room in the share. */
  readonly overLimit: boolean;
  /** Of the share. */
  readonly bytes: number;

  /** Statements that are neither noise nor part of the list. */
  between = 0;
  /** A statement that writes, or takes a write back, without using the captured keys. */
  wrote = false;
  /** The captured keys were used to write another table or column, or to update. */
  usedElsewhere = false;
  unknownEffect = false;
  /** What became of its rows, for who learns from it. */
  readonly aftermath = new Aftermath();
  private parts: Chunks | undefined;
  private savepoints: string[] | undefined = [];
  private raw: (string | null)[] | undefined;
  private typed: Keys | undefined;
  private readonly limits: MemoryLimits;

  constructor(
    statement: Statement,
    shape: SelectShape,
    result: ReadResult,
    at: When,
    limits: MemoryLimits,
    share: Share,
  ) {
    this.statement = statement;
    this.shape = shape;
    this.at = at;
    this.limits = limits;
    this.raw = result.values;
    const tooLong = result.cut === 'limit' || (this.raw !== undefined && isTooLong(this.raw, limits));
    const needed = tooLong || this.raw === undefined ? 0 : sizeOf(this.raw);
    this.overLimit = tooLong || !share.take(needed);
    this.bytes = this.overLimit ? 0 : needed;
    if (this.overLimit) this.raw = undefined;
    this.result = {
      columns: result.columns,
      rows: result.rows,
      values: undefined,
      ...(result.cut && { cut: result.cut }),
    };
  }

  /** The first column's values were kept. */
  get captured(): boolean {
    return this.raw !== undefined || this.typed !== undefined;
  }

  /** The keys that the read returned; undefined: not captured, or of a type that is not compared. */
  keys(): Keys | undefined {
    const column = this.result.columns?.[0];
    if (this.typed !== undefined || this.raw === undefined || column === undefined) return this.typed;
    const family = familyOf(this.keyType);
    if (family === undefined) return undefined;
    const keys: Keys = { keys: new Set(), nulls: false };
    for (const value of this.raw) {
      if (value === null) {
        keys.nulls = true;
        continue;
      }
      const key =
        column.format === 0
          ? keyOfText(family, value)
          : keyOfBinary(family, column.type, Buffer.from(value, 'latin1'));
      if (key === undefined) return undefined;
      keys.keys.add(key);
    }
    this.raw = undefined;
    this.typed = keys;
    return keys;
  }

  /** Keys that earlier DELETEs over the same table and column have taken; nothing else may have used the list. */
  consumedBy(table: Name, column: string): ReadonlySet<string> | 'elsewhere' {
    if (this.usedElsewhere) return 'elsewhere';
    if (this.parts === undefined) return new Set();
    return sameList(this.parts, table, column) ? this.parts.keys : 'elsewhere';
  }

  get chunks(): boolean {
    return this.parts !== undefined;
  }

  /** A later statement of the same transaction that succeeded. */
  follow(shape: Shape, parameters: Parameters | undefined, wroteBefore: boolean): void {
    switch (shape.kind) {
      case 'noise':
      case 'begin':
      case 'set-isolation':
      case 'set-constraints': // kept by the transaction
      case 'commit':
      case 'rollback':
        return;
      case 'savepoint':
        if (this.savepoints !== undefined && this.savepoints.push(shape.savepoint) > this.limits.savepoints) {
          this.savepoints = undefined;
        }
        return;
      case 'release':
        this.dropSavepoint(shape.savepoint, true);
        return;
      case 'rollback-to':
        // Chunks that were taken back are not deleted any more; writes that the read saw may be undone.
        if (!this.dropSavepoint(shape.savepoint, false) && wroteBefore) this.wrote = true;
        if (this.parts !== undefined) this.wrote = true;
        return;
      case 'select':
        this.between++;
        return;
      case 'insert':
        this.aftermath.inserted(shape.table);
        this.wrote = true;
        return;
      case 'update':
        if (shape.list !== undefined && this.overlaps(keysOfList(shape.list, parameters, this.keyType)))
          this.usedElsewhere = true;
        this.wrote = true;
        return;
      case 'delete':
        this.followDelete(shape, parameters);
        return;
      case 'other':
        this.unknownEffect = true;
    }
  }

  /** A later statement that the server refused: it changed nothing, unless `partly`, but the app did something else. */
  followFailure(partly: boolean): void {
    this.between++;
    if (partly) this.unknownEffect = true;
  }

  /** As familyOf() takes it; 0: unknown. */
  get keyType(): number {
    const column = this.result.columns?.[0];
    return column === undefined ? 0 : keyTypeOf(column);
  }

  private followDelete(shape: DeleteShape, parameters: Parameters | undefined): void {
    if (shape.single !== undefined) {
      const key = keyOfValue(shape.single.value, parameters, this.keyType);
      const mine = this.keys()?.keys;
      const isMine = typeof key === 'string' && mine?.has(key) === true;
      if (isMine) this.usedElsewhere = true;
      // Of a SELECT of whole rows the keys are not kept: any row of the table may be one of them.
      if (isMine || mine === undefined)
        this.aftermath.deletedOne(shape.table.name, shape.single.column.column);
      this.wrote = true;
      return;
    }
    const list = shape.list === undefined ? undefined : keysOfList(shape.list, parameters, this.keyType);
    const mine = this.keys()?.keys;
    if (shape.list !== undefined && (mine === undefined || this.overlaps(list)))
      this.aftermath.deletedByList(shape.table.name);
    if (shape.list === undefined || list === undefined || mine === undefined) {
      this.wrote = true;
      return;
    }
    const part = !list.nulls && [...list.keys].every((key) => mine.has(key));
    if (!part || shape.returning || shape.other || shape.table.only) {
      if (this.overlaps(list)) this.usedElsewhere = true;
      this.wrote = true;
      return;
    }
    const { column } = shape.list.column;
    if (this.parts === undefined) this.parts = { table: shape.table.name, column, keys: list.keys };
    else if (!sameList(this.parts, shape.table.name, column)) this.usedElsewhere = true;
    else for (const key of list.keys) this.parts.keys.add(key);
  }

  private overlaps(list: Keys | undefined): boolean {
    const mine = this.keys()?.keys;
    return list !== undefined && mine !== undefined && [...list.keys].some((key) => mine.has(key));
  }

  /** True when the savepoint was set after the read. */
  private dropSavepoint(name: string, alsoItself: boolean): boolean {
    const at = this.savepoints?.lastIndexOf(name) ?? -1;
    if (at < 0 || this.savepoints === undefined) return false;
    this.savepoints.length = alsoItself ? at : at + 1;
    return true;
  }
}

/** PostgreSQL's columns have no origin. A column of MySQL's without one is an expression; no type byte is an OID of ours. */
function keyTypeOf(column: ResultColumn): number {
  return column.origin === undefined ? column.type : mysqlKeyType(column);
}

function sameList(parts: Chunks, table: Name, column: string): boolean {
  // On MySQL other letters may mean another table: not the same list then.
  return parts.column === column && sameTable(parts.table, table);
}

function isTooLong(values: (string | null)[], limits: MemoryLimits): boolean {
  return values.length > limits.rememberedIds || lengthOf(values) > limits.rememberedBytes;
}

/** Bytes of an element of a Set, beside its text. */
const elementBytes = 64;

/** Bytes of the values of a read, once they are compared. */
export function sizeOf(values: (string | null)[]): number {
  return lengthOf(values) + elementBytes * values.length;
}

function lengthOf(values: (string | null)[]): number {
  let length = 0;
  for (const value of values) length += value?.length ?? 0;
  return length;
}
