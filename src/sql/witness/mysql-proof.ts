/**
 * Proof of a rewrite on MySQL and MariaDB, twice: its tokens are the originals' tokens with one place changed, and its
 * tree consists of the originals' parts. Step 7 of the flow.
 *
 * The tokens are compared every time, byte for byte, with an expectation that is built here and not by the builders
 * (rewrites-mysql.ts); the trees once for each combination of masked texts.
 */
import { classify } from '../classify.ts';
import { mysqlDefaults } from '../lex-mysql.ts';
import type { DeleteShape, LexerSettings, SelectShape, TableRef } from '../shape.ts';
import type { Tokens } from '../tokens.ts';
import type { BoundedCache } from './cache.ts';
import type { WitnessLimits } from './limits.ts';
import { maskMysql } from './mysql-mask.ts';
import type { Ast, MysqlParser } from './mysql-parser.ts';
import {
  expectedDerived,
  expectedLocked,
  expectedMultiple,
  sameTokens,
  tokensOf,
} from './mysql-proof-tokens.ts';
import { array, field, name, sameAst } from './mysql-tree-fields.ts';

export interface MysqlProver {
  parser: MysqlParser;
  limits: WitnessLimits;
  /** Masked texts -> verdict. */
  known: BoundedCache<boolean>;
  tokens: Tokens;
}

interface DeleteTexts {
  selectText: Buffer;
  deleteText: Buffer;
  outText: Buffer;
  settings: LexerSettings | undefined;
}

/** See Witness.provesDelete. The target is a table of the SELECT that has the DELETE's name and the key's qualifier. */
export function mysqlDeleteProof(prover: MysqlProver, texts: DeleteTexts): boolean {
  const { selectText, deleteText, outText, settings } = texts;
  const select = classify(selectText, settings ?? mysqlDefaults).shape;
  const deletion = classify(deleteText, settings ?? mysqlDefaults).shape;
  if (select.kind !== 'select' || deletion.kind !== 'delete' || deletion.list === undefined) return false;
  if (deletion.other || deletion.returning) return false;
  const target = targetOf(select, deletion);
  const out = tokensOf(outText, settings);
  if (target === undefined || out === undefined) return false;
  const given = { selectText, select, deleteText, deletion, target, settings };
  const multiple = sameTokens(out, expectedMultiple(given));
  if (!multiple && !sameTokens(out, expectedDerived(given))) return false;
  const masked = [
    maskMysql(selectText, prover.tokens, prover.limits, settings),
    maskMysql(multiple ? outText : withInnerJoin(outText), prover.tokens, prover.limits, settings),
  ];
  return proved(prover, multiple ? 'multiple' : 'derived', masked, (selectTree, outTree) =>
    multiple ? isMultiple(selectTree, outTree, target) : isDerived(selectTree, outTree, target),
  );
}

function targetOf(select: SelectShape, deletion: DeleteShape): TableRef | undefined {
  const column = select.items[0]?.column;
  const { schema, name: table } = deletion.table.name;
  const found = select.tables.filter((one) => {
    if (one.name.name !== table) return false;
    if (schema !== undefined && one.name.schema !== undefined && schema !== one.name.schema) return false;
    return column?.qualifier === undefined || column.qualifier === one.alias;
  });
  return found.length === 1 ? found[0] : undefined;
}

/** See Witness.provesLockingRead: the SELECT with FOR UPDATE, or with the row's key as well. */
export function mysqlLockingProof(
  prover: MysqlProver,
  inText: Buffer,
  outText: Buffer,
  settings: LexerSettings | undefined,
): boolean {
  const select = classify(inText, settings ?? mysqlDefaults).shape;
  const out = tokensOf(outText, settings);
  if (select.kind !== 'select' || select.locking || out === undefined) return false;
  const byKey = !sameTokens(out, expectedLocked(inText, select, settings));
  if (byKey && !sameTokens(out, expectedLocked(inText, select, settings, out))) return false;
  const masked = [
    maskMysql(inText, prover.tokens, prover.limits, settings),
    maskMysql(outText, prover.tokens, prover.limits, settings),
  ];
  return proved(prover, byKey ? 'by key' : 'read', masked, (inTree, outTree) =>
    isLocked(inTree, outTree, byKey),
  );
}

function proved(
  prover: MysqlProver,
  what: string,
  masked: ({ text: string } | undefined)[],
  prove: (from: Ast, to: Ast) => boolean,
): boolean {
  const [from, to] = masked;
  if (from === undefined || to === undefined) return false;
  const key = JSON.stringify([what, from.text, to.text]);
  const verdict = prover.known.get(key);
  if (verdict !== undefined) return verdict;
  const fromTree = prover.parser.parse(from.text);
  const toTree = prover.parser.parse(to.text);
  const result = fromTree !== undefined && toTree !== undefined && prove(fromTree, toTree);
  prover.known.add(key, result);
  return result;
}

// -- trees ------------------------------------------------------------------------------------------------------------

/** `DELETE x FROM … WHERE …` of the SELECT's own FROM and WHERE. */
function isMultiple(select: Ast, out: Ast, target: TableRef): boolean {
  const { schema, name: table } = target.name;
  const named = target.alias === table && target.aliasSpan.start < target.nameSpan.end;
  return (
    isBareDelete(out, named ? schema : undefined, target.alias) &&
    onlyHas(select, ['columns', 'from', 'where', 'orderby', 'options']) &&
    sameAst(out['from'], select['from']) &&
    sameAst(out['where'], select['where'])
  );
}

/** MariaDB's grammar here knows no STRAIGHT_JOIN. That it stands there was seen in the tokens. */
function withInnerJoin(text: Buffer): Buffer {
  const [before = '', behind = '', more] = text.toString('latin1').split(') AS interlock_ids STRAIGHT_JOIN ');
  if (more !== undefined) return text;
  return Buffer.from(`${before}) AS interlock_ids INNER JOIN ${behind}`, 'latin1');
}

/** `DELETE x FROM (the SELECT, unordered) AS y STRAIGHT_JOIN t AS x ON y.key = x.key`. */
function isDerived(select: Ast, out: Ast, target: TableRef): boolean {
  const [first, outer, more] = array(out['from']).map((item) => field(item));
  if (!isBareDelete(out, undefined, 'interlock_target') || out['where'] != null || more !== undefined)
    return false;
  const query = field(field(first, 'expr'), 'ast');
  return (
    name(outer?.['table']) === target.name.name &&
    name(outer?.['db']) === target.name.schema &&
    name(outer?.['as']) === 'interlock_target' &&
    outer?.['join'] === 'INNER JOIN' &&
    query !== undefined &&
    onlyHas(select, ['columns', 'from', 'where', 'orderby', 'options', 'distinct', 'groupby', 'having']) &&
    sameAst({ ...query, orderby: null, parentheses: null }, { ...select, orderby: null, parentheses: null })
  );
}

function isBareDelete(out: Ast, schema: string | undefined, table: string): boolean {
  const [target, more] = array(out['table']).map((item) => field(item));
  return (
    out['type'] === 'delete' &&
    more === undefined &&
    target?.['addition'] !== true &&
    name(target?.['table']) === table &&
    name(target?.['db']) === schema &&
    onlyHas(out, ['table', 'from', 'where'])
  );
}

/** The SELECT itself but for its lock and, by key, one more condition. */
function isLocked(select: Ast, out: Ast, byKey: boolean): boolean {
  if (out['locking_read'] !== 'FOR UPDATE' || select['locking_read'] != null) return false;
  const plain = { ...out, locking_read: null, where: null };
  if (!sameAst(plain, { ...select, where: null })) return false;
  if (!byKey) return sameAst(out['where'], select['where']);
  const both = field(out, 'where');
  const key = field(both, 'right');
  const before = field(both, 'left');
  const original = field(select, 'where');
  if (both?.['operator'] !== 'AND' || before === undefined || original === undefined) return false;
  return (
    sameAst({ ...before, parentheses: null }, { ...original, parentheses: null }) &&
    key?.['operator'] === '=' &&
    field(key, 'left')?.['type'] === 'column_ref'
  );
}

/** No other clause than these; an INTO of MySQL's grammar is an object even where there is none. */
function onlyHas(node: Ast, clauses: readonly string[]): boolean {
  if (field(node, 'into')?.['type'] != null) return false;
  return Object.entries(node).every(
    ([key, value]) => value == null || key === 'type' || key === 'into' || clauses.includes(key),
  );
}
