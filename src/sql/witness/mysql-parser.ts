/**
 * The only import of node-sql-parser: its MySQL or its MariaDB grammar, loaded when first asked for, so that who serves
 * PostgreSQL only never pays for it. Serves the witness, step 7 of the flow.
 *
 * It is no server's own grammar: it rejects things that the server takes (then nothing is rewritten) and takes things
 * that the server rejects (then the server says so). What counts is that it reads a text without our lexer.
 */
import { createRequire } from 'node:module';

export type Ast = Record<string, unknown>;

interface Grammar {
  parse(text: string, options: { database: string }): { ast?: unknown };
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
      const { ast } = this.grammar.parse(text, { database: this.database });
      const one: unknown = Array.isArray(ast) ? (ast.length === 1 ? ast[0] : undefined) : ast;
      return isAst(one) ? one : undefined;
    } catch {
      // a syntax error, a deep text that exhausts the stack, or a mistake of the package: no answer in every case
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
