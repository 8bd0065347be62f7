/** One statement as the client sent it; its shape is computed when somebody asks (step 3 and 4 of the flow). */
import type { Parameters, Statement } from '../memory/types.ts';
import { classify } from '../sql/classify.ts';
import { firstWord, type FirstWord } from '../sql/first-word.ts';
import type { LexerSettings, Shape, StatementHead } from '../sql/shape.ts';

/** The text of a Query or a Parse. One object serves every execution of a prepared statement. */
export class StatementText {
  readonly word: FirstWord;
  /** A copy, one character a byte: the chunk it came in may be reused, and most texts are never looked at again. */
  private readonly latin1: string;
  private readonly settings: LexerSettings;
  private bytes: Buffer | undefined;
  private single: boolean | undefined;
  private classified: { shape: Shape; head: StatementHead } | undefined;

  /** @param start,end where the text stands in `buf` */
  constructor(buf: Buffer, settings: LexerSettings, start = 0, end = buf.length) {
    this.word = firstWord(buf, start, end);
    this.latin1 = buf.toString('latin1', start, end);
    this.settings = settings;
  }

  /** In bytes. */
  get length(): number {
    return this.latin1.length;
  }

  get alone(): boolean {
    return (this.single ??= isAlone(this.latin1));
  }

  get text(): Buffer {
    return (this.bytes ??= Buffer.from(this.latin1, 'latin1'));
  }

  get shape(): Shape {
    return (this.classified ??= classify(this.text, this.settings)).shape;
  }

  get head(): StatementHead {
    return (this.classified ??= classify(this.text, this.settings)).head;
  }
}

function isAlone(text: string): boolean {
  const semicolon = text.indexOf(';');
  return semicolon < 0 || semicolon === text.length - 1;
}

/** Stands for a statement that was not looked at: longer than the inspect limit, or of a forgotten prepared statement. */
export const unseenText = {
  text: Buffer.alloc(0),
  length: 0,
  word: 'empty',
  alone: true,
  shape: { kind: 'other', why: 'too-long' },
  head: {
    fingerprint: '0000000000000000',
    statements: 1,
    executableComment: false,
    optOut: false,
    parameters: 0,
  },
} as const satisfies Pick<StatementText, 'text' | 'length' | 'word' | 'alone' | 'shape' | 'head'>;

export type TextSource = StatementText | typeof unseenText;

/** Where the parameters of an extended execution are read from when somebody asks. */
interface Bound {
  readonly parameters: Parameters;
  /** As they are kept. */
  readonly bytes: number;
}

export class SentStatement implements Statement {
  private readonly source: TextSource;
  private readonly bound: Bound | undefined;
  readonly via: 'simple' | 'extended';

  constructor(source: TextSource, via: 'simple' | 'extended', bound?: Bound) {
    this.source = source;
    this.via = via;
    this.bound = bound;
  }

  get parameters(): Parameters | undefined {
    return this.bound?.parameters;
  }

  get bytes(): number {
    return this.source.length + (this.bound?.bytes ?? 0);
  }

  get text(): Buffer {
    return this.source.text;
  }

  get word(): FirstWord {
    return this.source.word;
  }

  get alone(): boolean {
    return this.source.alone;
  }

  get shape(): Shape {
    return this.source.shape;
  }

  get head(): StatementHead {
    return this.source.head;
  }
}
