/**
 * The witness for MySQL and MariaDB: agrees or refuses, proves or refuses. Step 7 of the flow.
 *
 * It computes from another parser's tree the same claims that a shape makes, and compares the two. What the tree says
 * is kept by masked text; what the shape says is computed every time, so a kept verdict never hides a difference.
 */
import type { LexerSettings, Shape } from '../shape.ts';
import { Tokens } from '../tokens.ts';
import { BoundedCache } from './cache.ts';
import { mysqlWitnessLimits } from './limits.ts';
import type { WitnessLimits } from './limits.ts';
import { mysqlShapeClaims } from './mysql-claims.ts';
import { maskMysql } from './mysql-mask.ts';
import { MysqlParser } from './mysql-parser.ts';
import { mysqlDeleteProof, mysqlLockingProof } from './mysql-proof.ts';
import type { MysqlProver } from './mysql-proof.ts';
import { mysqlTreeClaims } from './mysql-tree.ts';
import type { Witness } from './types.ts';

const rejected = '';

export class MysqlWitness implements Witness {
  private readonly parser: MysqlParser;
  private readonly limits: WitnessLimits;
  /** Masked text -> what the tree says, or '' when the grammar rejects it. */
  private readonly claims: BoundedCache<string>;
  private readonly proofs: BoundedCache<boolean>;
  private readonly tokens = new Tokens();

  constructor(parser: MysqlParser, limits: WitnessLimits = mysqlWitnessLimits) {
    this.parser = parser;
    this.limits = limits;
    this.claims = new BoundedCache(limits.maxCacheCharacters);
    this.proofs = new BoundedCache(limits.maxCacheCharacters);
  }

  agrees(text: Buffer, shape: Shape, settings?: LexerSettings): boolean {
    const list = shape.kind === 'delete' ? shape.list : undefined;
    const masked = maskMysql(text, this.tokens, this.limits, settings, list);
    if (masked === undefined) return false;
    const claimed = mysqlShapeClaims(shape, masked.parameters);
    if (claimed === undefined) return false;
    let seen = this.claims.get(masked.text);
    if (seen === undefined) {
      seen = this.read(masked.text);
      this.claims.add(masked.text, seen);
    }
    return seen !== rejected && seen === claimed;
  }

  private read(masked: string): string {
    const tree = this.parser.parse(masked);
    if (tree === undefined) return rejected;
    return orElse(() => mysqlTreeClaims(tree) ?? rejected, rejected);
  }

  /** `lockAlias` is PostgreSQL's: a DELETE of several tables locks by itself. */
  provesDelete(
    selectText: Buffer,
    deleteText: Buffer,
    outText: Buffer,
    lockAlias?: string,
    settings?: LexerSettings,
  ): boolean {
    if (lockAlias !== undefined) return false;
    const texts = { selectText, deleteText, outText, settings };
    return orElse(() => mysqlDeleteProof(this.prover(), texts), false);
  }

  /** `ofAlias` is PostgreSQL's: MariaDB and MySQL 5.7 cannot name a table. */
  provesLockingRead(inText: Buffer, outText: Buffer, ofAlias?: string, settings?: LexerSettings): boolean {
    if (ofAlias !== undefined) return false;
    return orElse(() => mysqlLockingProof(this.prover(), inText, outText, settings), false);
  }

  private prover(): MysqlProver {
    return { parser: this.parser, limits: this.limits, known: this.proofs, tokens: this.tokens };
  }
}

/** A chain of operators is a tree as deep as the chain is long: walking it may exhaust the stack, and that is a refusal. */
function orElse<V>(compute: () => V, otherwise: V): V {
  try {
    return compute();
  } catch (error) {
    if (error instanceof RangeError) return otherwise;
    throw error;
  }
}

const loaded = new Map<'mysql' | 'mariadb', MysqlWitness>();

/** Loads the grammar (about 100 ms) when a dialect is first asked for. */
export function loadMysqlWitness(dialect: 'mysql' | 'mariadb'): MysqlWitness {
  const known = loaded.get(dialect);
  if (known !== undefined) return known;
  const witness = new MysqlWitness(new MysqlParser(dialect));
  loaded.set(dialect, witness);
  return witness;
}
