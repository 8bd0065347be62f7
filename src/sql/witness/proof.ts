/**
 * Proof of a rewrite, twice: its tokens are the originals' tokens with one place changed, and its tree is the original
 * tree with one node changed. Step 7 of the flow.
 *
 * The tokens are compared every time, byte for byte; the trees once for each combination of masked texts.
 */
import { classify } from '../classify.ts';
import { lex } from '../lexer.ts';
import type { DeleteShape, SelectShape, Span } from '../shape.ts';
import { Tokens } from '../tokens.ts';
import type { BoundedCache } from './cache.ts';
import type { WitnessLimits } from './limits.ts';
import { grammarSettings, mask } from './mask.ts';
import type { Node, Parser } from './parser.ts';
import { as, isNode, list, sameTree } from './tree.ts';
import { columnOf, conjunctsOf, keyListClaim } from './tree-conditions.ts';

export interface Prover {
  parser: Parser;
  limits: WitnessLimits;
  /** Masked texts -> verdict. */
  known: BoundedCache<boolean>;
  tokens: Tokens;
}

interface DeleteTexts {
  selectText: Buffer;
  deleteText: Buffer;
  outText: Buffer;
  lockAlias: string | undefined;
}

/** See Witness.provesDelete. */
export function deleteProof(
  prover: Prover,
  { selectText, deleteText, outText, lockAlias }: DeleteTexts,
): boolean {
  const select = classify(selectText, grammarSettings).shape;
  const deletion = classify(deleteText, grammarSettings).shape;
  if (select.kind !== 'select' || deletion.kind !== 'delete' || deletion.list === undefined) return false;
  const alias = lockAlias === undefined ? undefined : aliasText(selectText, select, lockAlias);
  if (lockAlias !== undefined && alias === undefined) return false;
  const expected = expectedDelete(selectText, select, deleteText, deletion, alias);
  if (!sameTokens(tokensOf(outText), expected)) return false;
  const masked = [
    mask(selectText, prover.tokens, prover.limits),
    mask(deleteText, prover.tokens, prover.limits, deletion.list),
    mask(outText, prover.tokens, prover.limits),
  ];
  return proved(prover, 'delete', masked, lockAlias, (trees) => {
    const [selectTree, deleteTree, outTree] = trees;
    const subselect = as(selectTree, 'SelectStmt');
    const target = as(deleteTree, 'DeleteStmt');
    if (subselect === undefined || target === undefined) return false;
    const query = { ...subselect };
    delete query['sortClause'];
    const where = withoutList(target['whereClause'], { SelectStmt: locked(query, lockAlias) });
    return where !== undefined && sameTree({ DeleteStmt: { ...target, whereClause: where } }, outTree);
  });
}

/** See Witness.provesLockingRead. */
export function lockingReadProof(
  prover: Prover,
  { inText, outText, ofAlias }: { inText: Buffer; outText: Buffer; ofAlias: string | undefined },
): boolean {
  const select = classify(inText, grammarSettings).shape;
  if (select.kind !== 'select' || select.locking) return false;
  const alias = ofAlias === undefined ? undefined : aliasText(inText, select, ofAlias);
  if (ofAlias !== undefined && alias === undefined) return false;
  const before = tokensOf(inText);
  const end = before.findLastIndex((token) => token !== ';') + 1;
  if (
    !sameTokens(tokensOf(outText), [
      ...before.slice(0, end),
      ...lockTokens(alias, true),
      ...before.slice(end),
    ])
  )
    return false;
  const masked = [mask(inText, prover.tokens, prover.limits), mask(outText, prover.tokens, prover.limits)];
  return proved(prover, 'read', masked, ofAlias, ([inTree, outTree]) => {
    const query = as(inTree, 'SelectStmt');
    return query !== undefined && sameTree({ SelectStmt: locked(query, ofAlias, true) }, outTree);
  });
}

function proved(
  prover: Prover,
  what: string,
  masked: (string | undefined)[],
  alias: string | undefined,
  prove: (trees: Node[]) => boolean,
): boolean {
  const texts = masked.filter((text) => text !== undefined);
  if (texts.length !== masked.length) return false;
  const key = JSON.stringify([what, alias ?? null, ...texts]);
  const verdict = prover.known.get(key);
  if (verdict !== undefined) return verdict;
  if (!prover.parser.ready) return false;
  const trees: Node[] = [];
  for (const text of texts) {
    const tree = prover.parser.parse(text);
    if (tree !== undefined) trees.push(tree);
  }
  const result = trees.length === texts.length && prove(trees);
  prover.known.add(key, result);
  return result;
}

/** The query with the locking clause that was meant. */
function locked(query: Node, alias: string | undefined, always = false): Node {
  if (alias === undefined && !always) return query;
  const relation = { RangeVar: { relname: alias, inh: true, relpersistence: 'p' } };
  const clause = { strength: 'LCS_FORUPDATE', waitPolicy: 'LockWaitBlock' };
  return {
    ...query,
    lockingClause: [{ LockingClause: alias === undefined ? clause : { lockedRels: [relation], ...clause } }],
  };
}

/** The condition with its one key list replaced by `column IN (subselect)`; undefined unless there is exactly one. */
function withoutList(where: unknown, subselect: Node): unknown {
  const and = as(where, 'BoolExpr');
  if (and?.['boolop'] === 'AND_EXPR') {
    let replaced = 0;
    const args = list(and['args']).map((arg) => {
      const changed = withoutList(arg, subselect);
      if (changed !== undefined) replaced++;
      else if (conjunctsOf(arg).length > 0) replaced += 2;
      return changed ?? arg;
    });
    return replaced === 1 ? { BoolExpr: { ...and, args } } : undefined;
  }
  if (keyListClaim(where) === undefined) return undefined;
  const column = listColumn(where);
  return column === undefined
    ? undefined
    : { SubLink: { subLinkType: 'ANY_SUBLINK', testexpr: column, subselect } };
}

function listColumn(node: unknown): unknown {
  const [first] = list(as(node, 'BoolExpr')?.['args']);
  const expression = as(first ?? node, 'A_Expr');
  if (!isNode(expression)) return undefined;
  return columnOf(expression['lexpr']) === undefined ? expression['rexpr'] : expression['lexpr'];
}

// -- tokens -----------------------------------------------------------------------------------------------------------

const scratch = new Tokens();

/** Every token's bytes, comments and blanks aside. */
function tokensOf(text: Buffer, span?: Span): string[] {
  lex(text, grammarSettings, scratch);
  const found: string[] = [];
  for (let i = 0; i < scratch.count; i++) {
    const inside =
      span === undefined ||
      ((scratch.start[i] as number) >= span.start && (scratch.end[i] as number) <= span.end);
    if (inside) found.push(scratch.raw(i));
  }
  return found;
}

function sameTokens(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}

function lockTokens(alias: string | undefined, always: boolean): string[] {
  if (alias === undefined) return always ? ['FOR', 'UPDATE'] : [];
  return ['FOR', 'UPDATE', 'OF', alias];
}

function aliasText(text: Buffer, select: SelectShape, alias: string): string | undefined {
  const tables = select.tables.filter((table) => table.alias === alias);
  const [table] = tables;
  if (table === undefined || tables.length > 1) return undefined;
  return text.toString('latin1', table.aliasSpan.start, table.aliasSpan.end);
}

function expectedDelete(
  selectText: Buffer,
  select: SelectShape,
  deleteText: Buffer,
  deletion: DeleteShape,
  alias: string | undefined,
): string[] {
  const { list: keys } = deletion;
  if (keys === undefined) return [];
  const { body, orderBy } = select.span;
  const query =
    orderBy === undefined
      ? tokensOf(selectText, body)
      : [
          ...tokensOf(selectText, { start: body.start, end: orderBy.start }),
          ...tokensOf(selectText, { start: orderBy.end, end: body.end }),
        ];
  return [
    ...tokensOf(deleteText, { start: 0, end: keys.span.start }),
    ...tokensOf(deleteText, keys.columnSpan),
    'IN',
    '(',
    ...query,
    ...lockTokens(alias, false),
    ')',
    ...tokensOf(deleteText, { start: keys.span.end, end: deleteText.length }),
  ];
}
