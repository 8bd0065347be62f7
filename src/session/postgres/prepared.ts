/**
 * Prepared statements and portals of one session, by the names in the client's messages.
 *
 * They are noted when the message is forwarded, before its answer: Bind follows Parse in one batch. When the server
 * then skips or refuses the message, `undo` puts back what was known before.
 */
import type { Share } from '../../memory/budget.ts';
import type { Parameters, ResultColumn, Statement } from '../../memory/types.ts';
import { readBind } from '../../wire/postgres/client-messages.ts';
import type { BindMessage } from '../../wire/postgres/client-messages.ts';
import type { Decision } from '../decide.ts';
import type { TextSource } from '../statement.ts';

export class Prepared {
  readonly source: TextSource;
  /** Type OIDs the client declared. */
  readonly types: number[];
  /** From a Describe of it or of a portal; the formats in it are not those of an execution. */
  columns: ResultColumn[] | undefined;
  /** The unnamed one is gone with the next Parse. */
  readonly named: boolean;

  constructor(source: TextSource, types: number[], named = false) {
    this.source = source;
    this.types = types;
    this.named = named;
  }

  /** What a Describe tells is of use outside of this transaction. */
  get lasts(): boolean {
    return true;
  }

  describedAs(columns: ResultColumn[]): void {
    this.columns = columns;
  }

  get bytes(): number {
    return this.source.length + 4 * this.types.length;
  }
}

/** A bound statement. The Bind message is kept as bytes and read when somebody asks. */
export class Portal {
  readonly prepared: Prepared;
  /** From a Describe of this portal. */
  columns: ResultColumn[] | undefined;
  /** What was decided at Bind, for the Execute that will follow. */
  decided: { statement: Statement; decision: Decision } | undefined;
  /** An Execute of it went out: a further one returns the rest of its rows, and nobody knows how many came before. */
  started = false;
  /** Of the Bind, one character a byte. */
  private readonly message: string;
  private parsed: BindMessage | undefined;

  constructor(prepared: Prepared, message: string) {
    this.prepared = prepared;
    this.message = message;
  }

  get bytes(): number {
    return this.message.length;
  }

  get bind(): BindMessage {
    return (this.parsed ??= readBind(Buffer.from(this.message, 'latin1'), 0, this.message.length));
  }

  get parameters(): Parameters {
    const { formats, values } = this.bind;
    return { formats, values, types: this.prepared.types };
  }

  get lasts(): boolean {
    return this.prepared.named && this.prepared.columns === undefined;
  }

  /** They are the statement's too: a driver that knows them from one execution asks no more (pgjdbc). */
  describedAs(columns: ResultColumn[]): void {
    this.columns = columns;
    this.prepared.describedAs(columns);
  }

  /** The statement's columns with the formats that this Bind asked for. */
  resultColumns(): ResultColumn[] | undefined {
    if (this.columns !== undefined || this.prepared.columns === undefined) return this.columns;
    const formats = this.bind.resultFormats;
    return this.prepared.columns.map((column, index) => ({
      ...column,
      format: (formats.length > 1 ? formats[index] : formats[0]) ?? 0,
    }));
  }
}

/** A change that can be taken back, the newest first. */
export interface Change {
  undo(): void;
}

class Replacement<T extends { readonly bytes: number }> implements Change {
  private readonly named: Named<T>;
  private readonly name: string;
  private readonly previous: T | undefined;

  constructor(named: Named<T>, name: string, previous: T | undefined) {
    this.named = named;
    this.name = name;
    this.previous = previous;
  }

  undo(): void {
    this.named.replace(this.name, this.previous);
  }
}

/**
 * A map bounded in number and bytes, whose changes can be taken back. Full, or no room in the session's share: a new value
 * is not noted, and its name counts as never seen.
 */
export class Named<T extends { readonly bytes: number }> {
  private readonly entries = new Map<string, T>();
  /** What most clients use again and again: not in the map, whose changes cost more. */
  private unnamed: T | undefined;
  private readonly limit: number;
  private readonly mostBytes: number;
  private readonly share: Share;
  private readonly onFull: () => void;
  private bytes = 0;

  constructor(limit: number, mostBytes: number, share: Share, onFull: () => void) {
    this.limit = limit;
    this.mostBytes = mostBytes;
    this.share = share;
    this.onFull = onFull;
  }

  get(name: string): T | undefined {
    return name === '' ? this.unnamed : this.entries.get(name);
  }

  set(name: string, value: T | undefined): Change {
    const previous = this.get(name);
    const fits = value !== undefined && this.fits(value, previous);
    if (value !== undefined && !fits) this.onFull();
    this.replace(name, fits ? value : undefined);
    return new Replacement(this, name, previous);
  }

  clear(): void {
    if (this.bytes > 0) this.share.give(this.bytes);
    this.unnamed = undefined;
    this.bytes = 0;
    if (this.entries.size > 0) this.entries.clear();
  }

  /** Whatever this map's own limits say: for what was there before. */
  replace(name: string, value: T | undefined): void {
    const before = this.get(name);
    if (before !== undefined) {
      this.bytes -= before.bytes;
      this.share.give(before.bytes);
    }
    const kept = value !== undefined && this.share.take(value.bytes) ? value : undefined;
    if (kept !== undefined) this.bytes += kept.bytes;
    if (name === '') this.unnamed = kept;
    else if (kept !== undefined) this.entries.set(name, kept);
    else if (before !== undefined) this.entries.delete(name);
  }

  private fits(value: T, inPlaceOf: T | undefined): boolean {
    const others =
      this.entries.size + (this.unnamed === undefined ? 0 : 1) - (inPlaceOf === undefined ? 0 : 1);
    const bytes = this.bytes - (inPlaceOf?.bytes ?? 0) + value.bytes;
    return others < this.limit && bytes <= this.mostBytes;
  }
}
