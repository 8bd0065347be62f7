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
  /** From Describe; formats in it are those of the statement (0), not of an execution. */
  columns: ResultColumn[] | undefined;

  constructor(source: TextSource, types: number[]) {
    this.source = source;
    this.types = types;
  }

  get bytes(): number {
    return this.source.text.length + 4 * this.types.length;
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
  private readonly message: Buffer;
  private parsed: BindMessage | undefined;

  constructor(prepared: Prepared, message: Buffer) {
    this.prepared = prepared;
    this.message = message;
  }

  get bytes(): number {
    return this.message.length;
  }

  get bind(): BindMessage {
    return (this.parsed ??= readBind(this.message, 0, this.message.length));
  }

  get parameters(): Parameters {
    const { formats, values } = this.bind;
    return { formats, values, types: this.prepared.types };
  }

  /** The statement's columns with the formats that this Bind asked for. */
  resultColumns(): ResultColumn[] | undefined {
    if (this.columns !== undefined) return this.columns;
    const formats = this.bind.resultFormats;
    return this.prepared.columns?.map((column, index) => ({
      ...column,
      format: (formats.length > 1 ? formats[index] : formats[0]) ?? 0,
    }));
  }
}

/**
 * A map bounded in number and bytes, whose changes can be taken back. Full, or no room in the session's share: a new value
 * is not noted, and its name counts as never seen.
 */
export class Named<T extends { readonly bytes: number }> {
  private readonly entries = new Map<string, T>();
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
    return this.entries.get(name);
  }

  /** @returns takes the change back */
  set(name: string, value: T | undefined): () => void {
    const previous = this.entries.get(name);
    this.replace(name, undefined);
    if (value !== undefined) {
      if (this.entries.size < this.limit && this.bytes + value.bytes <= this.mostBytes)
        this.replace(name, value);
      else this.onFull();
    }
    return () => this.replace(name, previous);
  }

  clear(): void {
    if (this.entries.size === 0) return;
    this.entries.clear();
    this.share.give(this.bytes);
    this.bytes = 0;
  }

  private replace(name: string, value: T | undefined): void {
    const before = this.entries.get(name);
    if (before !== undefined) {
      this.entries.delete(name);
      this.bytes -= before.bytes;
      this.share.give(before.bytes);
    }
    if (value === undefined || !this.share.take(value.bytes)) return;
    this.entries.set(name, value);
    this.bytes += value.bytes;
  }
}
