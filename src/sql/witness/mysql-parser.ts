/**
 * The only import of node-sql-parser: its MySQL or its MariaDB grammar, loaded when first asked for, so that who serves
 * PostgreSQL only never pays for it. Serves the witness, step 7 of the flow.
 *
 * It is no server's own grammar: it rejects things that the server takes (then nothing is rewritten) and takes things
 * that the server rejects (then the server says so). What counts is that it reads a text without our lexer.
 */
import { createRequire } from 'node:module';
import { mysqlParserReads } from './limits.ts';

export type Ast = Record<string, unknown>;

interface Grammar {
  parse(text: string, options: { database: string; trimQuery: false }): { ast?: unknown };
}

/**
 * A text that counts how often the grammar reads it: the parser's work in a unit that is the same on every machine. The
 * grammar backtracks without memory, so `CAST(CAST(…` costs three times as much with every level: 27 s for 63 bytes.
 */
class CountedText extends String {
  private left: number = mysqlParserReads;

  override charCodeAt(index: number): number {
    this.read();
    return super.charCodeAt(index);
  }

  override charAt(index: number): string {
    this.read();
    return super.charAt(index);
  }

  override substr(from: number, length?: number): string {
    this.read();
    return super.substr(from, length);
  }

  override substring(start: number, end?: number): string {
    this.read();
    return super.substring(start, end);
  }

  private read(): void {
    this.left -= 1;
    if (this.left < 0) throw new RangeError('the grammar reads the text too often');
  }
}

export class MysqlParser {
  private readonly grammar: Grammar;
  private readonly database: string;

  /** `grammar` is replaced in tests. */
  constructor(dialect: 'mysql' | 'mariadb', grammar: Grammar = load(dialect)) {
    this.grammar = grammar;
    this.database = dialect;
  }

  /** The one statement's tree; undefined when the grammar rejects the text, or gives up in any other way. */
  parse(text: string): Ast | undefined {
    try {
      // Not trimmed, because that would make a plain string of it.
      const counted = new CountedText(text) as unknown as string;
      const { ast } = this.grammar.parse(counted, { database: this.database, trimQuery: false });
      const one: unknown = Array.isArray(ast) ? (ast.length === 1 ? ast[0] : undefined) : ast;
      return isAst(one) ? one : undefined;
    } catch {
      // a syntax error, too much work, a deep text that exhausts the stack, or a mistake of the package: no answer in every case
      return undefined;
    }
  }
}

export function isAst(value: unknown): value is Ast {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One build holds one grammar (270 kB); the package's main file would load all of them. */
function load(dialect: 'mysql' | 'mariadb'): Grammar {
  const require = createRequire(import.meta.url);
  const { Parser } = require(`node-sql-parser/build/${dialect}`) as { Parser: new () => Grammar };
  return new Parser();
}
