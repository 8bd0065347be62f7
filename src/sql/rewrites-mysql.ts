/**
 * The text builders of both patterns, MySQL and MariaDB forms: shapes + original bytes -> new text. Pure; step 7 of the
 * flow.
 *
 * Invariant: the SELECT's clauses are the app's own bytes in their own order, so that its `?` keep their numbers; what
 * cannot be built so gives undefined. Whether a form MAY be built is the pattern's decision. The result is checked
 * afterwards (witness/mysql.ts).
 */
import { clauseEnd, clauseFirst, findClauses, hasClause } from './clauses.ts';
import { applyEdits, markerEdit } from './edits.ts';
import { lexMysql } from './lex-mysql.ts';
import { caselessName } from './names.ts';
import { lockingRead } from './rewrites.ts';
import type { DeleteShape, LexerSettings, SelectShape, Span, TableRef } from './shape.ts';
import { T, Tokens } from './tokens.ts';
import { constant } from './values.ts';

export interface MysqlOptions {
  /**
   * As the session's server reads text now. Without it the server's defaults, and a text that sql_mode could turn into
   * another one (double quotes, backslashes) gives undefined.
   */
  settings?: LexerSettings;
  /** An id that goes in front of the statement as a comment. */
  marker?: string;
}

interface SplitTexts {
  deleteText: Buffer;
  deletion: DeleteShape;
  selectText: Buffer;
  select: SelectShape;
  /** The table of the SELECT's FROM that the DELETE means. */
  target: TableRef;
}

const tokens = new Tokens();

/**
 * `DELETE … WHERE key IN (1, 2)` + `SELECT key FROM … WHERE …` -> `DELETE x FROM … WHERE …`, without the ORDER BY. x is
 * the target's alias, or its name with the schema where the SELECT writes one. Comments around the DELETE stay.
 */
export function multiTableDelete(
  deleteText: Buffer,
  deletion: DeleteShape,
  selectText: Buffer,
  select: SelectShape,
  target: TableRef,
  options: MysqlOptions = {},
): { text: Buffer } | undefined {
  const texts = { deleteText, deletion, selectText, select, target };
  if (isGrouped(select) || !isReplaceable(texts, options.settings)) return undefined;
  const clauses = clausesOf(selectText, select, options.settings);
  if (clauses === undefined || clauses.hint) return undefined;
  if (isInside(clauses.parameters, clauses.items) || isInside(clauses.parameters, select.span.orderBy))
    return undefined;
  const name = bytesOf(selectText, isAliased(target) ? target.aliasSpan : target.nameSpan);
  const body = Buffer.concat([
    Buffer.from(`DELETE ${name} `, 'latin1'),
    withoutOrder(selectText, select, clauses.from),
  ]);
  return replaced(texts, body, options);
}

/** Names of the outer query: the app's SELECT inside is a scope of its own. */
const derivedTable = 'interlock_ids';
const outerTable = 'interlock_target';

/**
 * For GROUP BY, HAVING and DISTINCT: `DELETE x FROM (SELECT key …) AS ids STRAIGHT_JOIN t AS x ON ids.key = x.key`. The
 * order is fixed because MariaDB may else compute a group for each row that it has come to (LATERAL DERIVED), and so see
 * what it has deleted: 2,905 rows were lost in place of 2. `keyColumn` is the key's name in the table. Undefined unless the SELECT returns the key alone.
 */
export function derivedDelete(
  deleteText: Buffer,
  deletion: DeleteShape,
  selectText: Buffer,
  select: SelectShape,
  target: TableRef,
  keyColumn: string,
  options: MysqlOptions = {},
): { text: Buffer } | undefined {
  const texts = { deleteText, deletion, selectText, select, target };
  const [item] = select.items;
  if (!isReplaceable(texts, options.settings) || select.items.length !== 1 || item?.column === undefined)
    return undefined;
  const clauses = clausesOf(selectText, select, options.settings);
  if (clauses === undefined || isInside(clauses.parameters, select.span.orderBy)) return undefined;
  const output = quoted(item.alias ?? item.column.column);
  const key = quoted(keyColumn);
  const body = Buffer.concat([
    Buffer.from(`DELETE ${outerTable} FROM (`, 'latin1'),
    withoutOrder(selectText, select, select.span.body.start),
    Buffer.from(
      `) AS ${derivedTable} STRAIGHT_JOIN ${bytesOf(selectText, target.nameSpan)} AS ${outerTable} ON ${derivedTable}.${output} = ${outerTable}.${key}`,
      'latin1',
    ),
  ]);
  return replaced(texts, body, options);
}

/** `SELECT …` -> `SELECT … FOR UPDATE`, in front of a trailing `;` and trailing comments. No table can be named. */
export function lockingReadMysql(
  selectText: Buffer,
  select: SelectShape,
  options: MysqlOptions = {},
): Buffer {
  return lockingRead(selectText, select, options.marker === undefined ? {} : { marker: options.marker });
}

interface RowByKey {
  selectText: Buffer;
  select: SelectShape;
  /** The one table of the SELECT. */
  target: TableRef;
  /** The primary key's name in the table. */
  keyColumn: string;
}

/** `SELECT list FROM … WHERE …` -> `SELECT key FROM … WHERE …`; the rest stays. */
export function keyProbe(
  selectText: Buffer,
  select: SelectShape,
  target: TableRef,
  keyColumn: string,
  options: MysqlOptions = {},
): { text: Buffer } | undefined {
  const row = { selectText, select, target, keyColumn };
  const clauses = lockableClauses(row, options.settings);
  if (clauses === undefined || isInside(clauses.parameters, clauses.items) || clauses.hint) return undefined;
  if (ordersByItem(select)) return undefined;
  const { start } = select.span.body;
  const edits = [...markerEdit(start, options.marker), { span: select.span.items, text: keyOf(row) }];
  return { text: applyEdits(selectText, edits) };
}

/**
 * `SELECT … WHERE p ORDER BY …` -> `SELECT … WHERE (p) AND key = literal ORDER BY … FOR UPDATE`. `keyLiteral` is one
 * constant as the server reads it: `5`, `'a'`, `X'0f'`.
 */
export function lockByKey(
  selectText: Buffer,
  select: SelectShape,
  target: TableRef,
  keyColumn: string,
  keyLiteral: string,
  options: MysqlOptions = {},
): { text: Buffer } | undefined {
  const row = { selectText, select, target, keyColumn };
  if (!isConstant(keyLiteral, options.settings)) return undefined;
  const clauses = lockableClauses(row, options.settings);
  if (clauses?.where === undefined) return undefined;
  const { where } = clauses;
  const { start, end } = select.span.body;
  const edits = [
    ...markerEdit(start, options.marker),
    { span: { start: where.start, end: where.start }, text: '(' },
    { span: { start: where.end, end: where.end }, text: `) AND ${keyOf(row)} = ${keyLiteral}` },
    { span: { start: end, end }, text: ' FOR UPDATE' },
  ];
  return { text: applyEdits(selectText, edits) };
}

// -- parts ------------------------------------------------------------------------------------------------------------

interface Clauses {
  /** From SELECT to the end of the list. */
  items: Span;
  /** Offset of FROM. */
  from: number;
  /** The condition, without WHERE. */
  where: Span | undefined;
  parameters: Span[];
  /** An optimizer hint stands behind SELECT, and the list goes. */
  hint: boolean;
}

/** Undefined without FROM, or when the text is not read as before. */
function clausesOf(
  text: Buffer,
  select: SelectShape,
  settings: LexerSettings | undefined,
): Clauses | undefined {
  const { body, items } = select.span;
  if (!lexMysql(text, tokens, settings)) return undefined;
  const first = tokenAt(body.start);
  if (first < 0) return undefined;
  let end = first;
  while (end < tokens.count && (tokens.end[end] as number) <= body.end) end++;
  findClauses(tokens, first, end);
  if (!hasClause('from')) return undefined;
  const condition = clauseFirst('where') + 1;
  const hasWhere = hasClause('where') && clauseEnd('where') > condition;
  const parameters: Span[] = [];
  for (let i = first; i < end; i++) if (tokens.kind[i] === T.Parameter) parameters.push(tokens.span(i, i));
  return {
    items: { start: body.start, end: items.end },
    from: tokens.start[clauseFirst('from')] as number,
    where: hasWhere ? tokens.span(condition, clauseEnd('where') - 1) : undefined,
    parameters,
    hint: text.toString('latin1', body.start, items.end).includes('/*+'),
  };
}

function tokenAt(offset: number): number {
  for (let i = 0; i < tokens.count; i++) if (tokens.start[i] === offset) return i;
  return -1;
}

/** One of the parameters stands in the span. */
function isInside(parameters: readonly Span[], span: Span | undefined): boolean {
  return span !== undefined && parameters.some(({ start, end }) => start >= span.start && end <= span.end);
}

function isGrouped(select: SelectShape): boolean {
  return select.distinct || select.groupBy || select.having || select.aggregate;
}

/** The DELETE is nothing but its list, and the SELECT something that a DELETE's FROM … WHERE can be made of. */
function isReplaceable(
  { deleteText, deletion, select, target }: SplitTexts,
  settings: LexerSettings | undefined,
): boolean {
  const { list } = deletion;
  if (list === undefined || deletion.other || deletion.returning || select.items.length !== 1) return false;
  if (!select.plainFrom || !select.tables.includes(target)) return false;
  if (select.tables.some((table) => table !== target && table.alias === target.alias)) return false;
  if (select.setOperation || select.window || select.with || select.into || select.locking) return false;
  if (select.limit !== undefined || select.offset !== undefined || select.fetch || select.userVariable)
    return false;
  if (!lexMysql(deleteText, tokens, settings)) return false;
  for (let i = 0; i < tokens.count; i++) {
    if (tokens.kind[i] !== T.Parameter) continue;
    if ((tokens.start[i] as number) < list.span.start || (tokens.end[i] as number) > list.span.end)
      return false;
  }
  return true;
}

/** Explicitly: the alias is not the last part of the name. A name with schema is then unknown to DELETE (error 1109). */
function isAliased({ aliasSpan, nameSpan }: TableRef): boolean {
  return aliasSpan.start >= nameSpan.end;
}

/** The SELECT's bytes from `from` to its last token, ORDER BY cut out. */
function withoutOrder(text: Buffer, select: SelectShape, from: number): Buffer {
  const { body, orderBy } = select.span;
  if (orderBy === undefined) return text.subarray(from, body.end);
  return Buffer.concat([text.subarray(from, orderBy.start), text.subarray(orderBy.end, body.end)]);
}

function replaced(
  { deleteText, deletion }: SplitTexts,
  body: Buffer,
  options: MysqlOptions,
): { text: Buffer } {
  const edits = [...markerEdit(deletion.body.start, options.marker), { span: deletion.body, text: body }];
  return { text: applyEdits(deleteText, edits) };
}

/** The clauses of a SELECT over one table that FOR UPDATE can lock row by row. */
function lockableClauses(
  { selectText, select, target }: RowByKey,
  settings: LexerSettings | undefined,
): Clauses | undefined {
  const one = select.plainFrom && select.tables.length === 1 && select.tables[0] === target;
  if (!one || isGrouped(select) || select.setOperation || select.window || select.with) return undefined;
  if (select.into || select.locking || !select.hasWhere) return undefined;
  return clausesOf(selectText, select, settings);
}

function keyOf({ selectText, target, keyColumn }: RowByKey): string {
  return `${bytesOf(selectText, target.aliasSpan)}.${quoted(keyColumn)}`;
}

/** ORDER BY a number, or an alias that leaves with the list. The tokens are the SELECT's. */
function ordersByItem(select: SelectShape): boolean {
  const { orderBy } = select.span;
  if (orderBy === undefined) return false;
  const aliases = new Set(select.items.map((item) => item.alias));
  for (let i = 0; i < tokens.count; i++) {
    if ((tokens.start[i] as number) < orderBy.start || (tokens.end[i] as number) > orderBy.end) continue;
    const kind = tokens.kind[i];
    if (kind === T.Number) return true;
    if (kind === T.Quoted || kind === T.Word) {
      const qualified = tokens.kind[i - 1] === T.Dot || tokens.kind[i + 1] === T.Dot;
      if (!qualified && aliases.has(caselessName(tokens, i))) return true;
    }
  }
  return false;
}

function isConstant(literal: string, settings: LexerSettings | undefined): boolean {
  const text = Buffer.from(literal, 'latin1');
  if (!lexMysql(text, tokens, settings) || tokens.kind[0] === T.Open) return false;
  const value = constant(tokens, 0, tokens.count);
  return (
    (value?.kind === 'string' || value?.kind === 'number') && tokens.end[tokens.count - 1] === text.length
  );
}

function bytesOf(text: Buffer, span: Span): string {
  return text.toString('latin1', span.start, span.end);
}

/** In backticks, which every sql_mode reads. */
function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
