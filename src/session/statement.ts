/** One statement as the client sent it; its shape is computed when somebody asks (step 3 and 4 of the flow). */
import type { Parameters, Statement } from '../memory/types.ts';
import { classify } from '../sql/classify.ts';
import type { LexerSettings, Shape, StatementHead } from '../sql/shape.ts';

/** The text of a Query or a Parse. One object serves every execution of a prepared statement. */
export class StatementText {
  /** A copy: the chunk it came in may be reused. */
  readonly text: Buffer;
  private readonly settings: LexerSettings;
  private classified: { shape: Shape; head: StatementHead } | undefined;

  constructor(text: Buffer, settings: LexerSettings) {
    this.text = Buffer.from(text);
    this.settings = settings;
  }

  get shape(): Shape {
    return (this.classified ??= classify(this.text, this.settings)).shape;
  }

  get head(): StatementHead {
    return (this.classified ??= classify(this.text, this.settings)).head;
  }
}

/** Stands for a statement that was not looked at: longer than the inspect limit, or of a forgotten prepared statement. */
export const unseenText = {
  text: Buffer.alloc(0),
  shape: { kind: 'other', why: 'too-long' },
  head: {
    fingerprint: '0000000000000000',
    statements: 1,
    executableComment: false,
    optOut: false,
    parameters: 0,
  },
} as const satisfies Pick<Statement, 'text' | 'shape' | 'head'>;

export type TextSource = StatementText | typeof unseenText;

/** Where the parameters of an extended execution are read from when somebody asks. */
interface Bound {
  readonly parameters: Parameters;
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

  get text(): Buffer {
    return this.source.text;
  }

  get shape(): Shape {
    return this.source.shape;
  }

  get head(): StatementHead {
    return this.source.head;
  }
}
