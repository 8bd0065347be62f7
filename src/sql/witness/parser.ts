/**
 * The only import of libpg-query: PostgreSQL 18's own grammar as WebAssembly. Serves the witness, step 7 of the flow.
 *
 * A syntax error is an answer. Anything else that the module throws (a trap, out of memory) leaves it in an unknown
 * state: it is dropped, a new instance is loaded, and until that is there every text is rejected.
 */
import { createRequire } from 'node:module';

export type Node = Record<string, unknown>;

interface PgQuery {
  loadModule(): Promise<void>;
  parseSync(text: string): unknown;
}

/** A fresh instance: the package keeps its WebAssembly memory in module state. */
async function freshModule(): Promise<PgQuery> {
  // a `require` of its own, because it holds on to what it loaded
  const require = createRequire(import.meta.url);
  const path = require.resolve('libpg-query');
  for (const file of Object.keys(require.cache)) {
    if (file === path || /libpg-query[\\/]wasm[\\/][^\\/]+$/.test(file)) delete require.cache[file];
  }
  const fresh = require('libpg-query') as PgQuery;
  await fresh.loadModule();
  return fresh;
}

/** After this many traps no new instance is loaded: something feeds the parser what it cannot take. */
export const maxTraps = 8;

export class Parser {
  private module: PgQuery | undefined;
  /** Instances that were dropped. */
  traps = 0;
  private readonly load: () => Promise<PgQuery>;

  private constructor(load: () => Promise<PgQuery>) {
    this.load = load;
  }

  /** `load` is replaced in tests. */
  static async create(load: () => Promise<PgQuery> = freshModule): Promise<Parser> {
    const parser = new Parser(load);
    parser.module = await load();
    return parser;
  }

  get ready(): boolean {
    return this.module !== undefined;
  }

  /** The one statement's node, like `{ SelectStmt: … }`; undefined when the grammar rejects the text or has none. */
  parse(text: string): Node | undefined {
    if (this.module === undefined || text === '') return undefined;
    try {
      const { stmts } = this.module.parseSync(text) as { stmts?: { stmt?: Node }[] };
      return stmts?.length === 1 ? stmts[0]?.stmt : undefined;
    } catch (error) {
      if (!(error instanceof Error && error.name === 'SqlError')) this.replace();
      return undefined;
    }
  }

  private replace(): void {
    this.module = undefined;
    this.traps++;
    if (this.traps >= maxTraps) return;
    this.load().then(
      (fresh) => {
        this.module = fresh;
      },
      () => {
        // stays without a module: everything is rejected, nothing is rewritten
      },
    );
  }
}
