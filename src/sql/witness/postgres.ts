/**
 * The witness for PostgreSQL: agrees or refuses, proves or refuses. Step 7 of the flow.
 *
 * It computes from the real grammar's tree the same claims that a shape makes, and compares the two. What the tree says
 * is kept by masked text; what the shape says is computed every time, so a kept verdict never hides a difference.
 */
import type { Shape } from '../shape.ts';
import { T, Tokens } from '../tokens.ts';
import { BoundedCache } from './cache.ts';
import { shapeClaims } from './claims.ts';
import { defaultWitnessLimits } from './limits.ts';
import type { WitnessLimits } from './limits.ts';
import { mask } from './mask.ts';
import { Parser } from './parser.ts';
import { deleteProof, lockingReadProof } from './proof.ts';
import type { Prover } from './proof.ts';
import { treeClaims } from './tree-claims.ts';
import type { Witness } from './types.ts';

const rejected = '';

export class PostgresWitness implements Witness {
  private readonly parser: Parser;
  private readonly limits: WitnessLimits;
  /** Masked text -> what the tree says, or '' when the grammar rejects it. */
  private readonly claims: BoundedCache<string>;
  private readonly proofs: BoundedCache<boolean>;
  private readonly tokens = new Tokens();

  constructor(parser: Parser, limits: WitnessLimits = defaultWitnessLimits) {
    this.parser = parser;
    this.limits = limits;
    this.claims = new BoundedCache(limits.maxCacheCharacters);
    this.proofs = new BoundedCache(limits.maxCacheCharacters);
  }

  /** Parser instances lost to a trap since the start. */
  get traps(): number {
    return this.parser.traps;
  }

  agrees(text: Buffer, shape: Shape): boolean {
    const list = shape.kind === 'delete' ? shape.list : undefined;
    const masked = mask(text, this.tokens, this.limits, list);
    if (masked === undefined) return false;
    const claimed = shapeClaims(shape, this.parameters(list?.span));
    if (claimed === undefined) return false;
    let seen = this.claims.get(masked);
    if (seen === undefined) {
      if (!this.parser.ready) return false;
      seen = this.read(masked);
      this.claims.add(masked, seen);
    }
    return seen !== rejected && seen === claimed;
  }

  private read(masked: string): string {
    const tree = this.parser.parse(masked);
    if (tree === undefined) return rejected;
    return orElse(() => treeClaims(tree) ?? rejected, rejected);
  }

  /** Parameter numbers outside a list: those inside are partly masked. */
  private parameters(list: { start: number; end: number } | undefined): Set<number> {
    const { tokens } = this;
    const found = new Set<number>();
    for (let i = 0; i < tokens.count; i++) {
      const inside =
        list !== undefined &&
        (tokens.start[i] as number) >= list.start &&
        (tokens.end[i] as number) <= list.end;
      if (tokens.kind[i] === T.Parameter && !inside) found.add(tokens.detail[i] as number);
    }
    return found;
  }

  provesDelete(selectText: Buffer, deleteText: Buffer, outText: Buffer, lockAlias?: string): boolean {
    return orElse(() => deleteProof(this.prover(), { selectText, deleteText, outText, lockAlias }), false);
  }

  provesLockingRead(inText: Buffer, outText: Buffer, ofAlias?: string): boolean {
    return orElse(() => lockingReadProof(this.prover(), { inText, outText, ofAlias }), false);
  }

  private prover(): Prover {
    return { parser: this.parser, limits: this.limits, known: this.proofs, tokens: this.tokens };
  }
}

/** A chain of 2,000 operators is a tree 2,000 deep: walking it may exhaust the stack, and that is a refusal. */
function orElse<V>(compute: () => V, otherwise: V): V {
  try {
    return compute();
  } catch (error) {
    if (error instanceof RangeError) return otherwise;
    throw error;
  }
}

/** Loads the grammar (about 30 ms, once per process). */
export async function loadWitness(limits: WitnessLimits = defaultWitnessLimits): Promise<PostgresWitness> {
  return new PostgresWitness(await Parser.create(), limits);
}
