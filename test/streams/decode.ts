/**
 * Cuts and reads PostgreSQL messages for the fake server and for assertions; independent of src/wire. Throws on anything
 * that a server would reject: what the session builds has to be right to the byte.
 */
export interface Frame {
  type: string;
  body: Buffer;
  /** Header included. */
  bytes: Buffer;
}

export type ClientMessage =
  | { kind: 'query'; sql: string }
  | { kind: 'parse'; name: string; sql: string; types: number[] }
  | {
      kind: 'bind';
      portal: string;
      statement: string;
      formats: number[];
      values: (Buffer | null)[];
      results: number[];
    }
  | { kind: 'describe' | 'close'; target: 'S' | 'P'; name: string }
  | { kind: 'execute'; portal: string; maxRows: number }
  | { kind: 'sync' | 'flush' | 'terminate' }
  | { kind: 'password' };

/** Whole messages of a stream after start-up, and what is left of it. */
export function frames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const found: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 5) {
    const length = bytes.readInt32BE(at + 1);
    if (length < 4) throw new Error(`message of length ${length}`);
    if (bytes.length - at < length + 1) break;
    const whole = bytes.subarray(at, at + 1 + length);
    found.push({ type: String.fromCharCode(whole[0] ?? 0), body: whole.subarray(5), bytes: whole });
    at += length + 1;
  }
  return { frames: found, rest: bytes.subarray(at) };
}

/** The letters of a complete stream: `12TDCZ`. */
export function letters(bytes: Buffer): string {
  const all = frames(bytes);
  if (all.rest.length > 0) throw new Error(`${all.rest.length} bytes after the last message`);
  return all.frames.map((frame) => frame.type).join('');
}

class Reader {
  #at = 0;
  readonly #body: Buffer;
  constructor(body: Buffer) {
    this.#body = body;
  }
  text(): string {
    const nul = this.#body.indexOf(0, this.#at);
    if (nul < 0) throw new Error('string without terminator');
    const found = this.#body.toString('utf8', this.#at, nul);
    this.#at = nul + 1;
    return found;
  }
  int16(): number {
    this.#at += 2;
    return this.#body.readUInt16BE(this.#at - 2);
  }
  int32(): number {
    this.#at += 4;
    return this.#body.readInt32BE(this.#at - 4);
  }
  value(): Buffer | null {
    const length = this.int32();
    if (length < 0) return null;
    this.#at += length;
    if (this.#at > this.#body.length) throw new Error('value longer than its message');
    return Buffer.from(this.#body.subarray(this.#at - length, this.#at));
  }
  list<T>(item: () => T): T[] {
    return Array.from({ length: this.int16() }, item);
  }
  end(): void {
    if (this.#at !== this.#body.length) throw new Error('bytes after the end of the message');
  }
}

function target(reader: Reader): { target: 'S' | 'P'; name: string } {
  const both = reader.text();
  const letter = both[0];
  if (letter !== 'S' && letter !== 'P') throw new Error('neither statement nor portal');
  return { target: letter, name: both.slice(1) };
}

const readers: Record<string, (reader: Reader) => ClientMessage> = {
  Q: (reader) => ({ kind: 'query', sql: reader.text() }),
  P: (reader) => ({
    kind: 'parse',
    name: reader.text(),
    sql: reader.text(),
    types: reader.list(() => reader.int32()),
  }),
  B: (reader) => ({
    kind: 'bind',
    portal: reader.text(),
    statement: reader.text(),
    formats: reader.list(() => reader.int16()),
    values: reader.list(() => reader.value()),
    results: reader.list(() => reader.int16()),
  }),
  D: (reader) => ({ kind: 'describe', ...target(reader) }),
  C: (reader) => ({ kind: 'close', ...target(reader) }),
  E: (reader) => ({ kind: 'execute', portal: reader.text(), maxRows: reader.int32() }),
  S: () => ({ kind: 'sync' }),
  H: () => ({ kind: 'flush' }),
  X: () => ({ kind: 'terminate' }),
  p: (reader) => {
    reader.text();
    return { kind: 'password' };
  },
};

export function readClient(frame: Frame): ClientMessage {
  const read = readers[frame.type];
  if (read === undefined) throw new Error(`client message ${frame.type}`);
  const reader = new Reader(frame.body);
  const found = read(reader);
  reader.end();
  return found;
}
