/**
 * The text builders of both patterns, PostgreSQL forms: shapes + original bytes -> new text. Pure; step 7 of the flow.
 *
 * Invariant: every byte outside the intended place is the app's own. Whether a form MAY be built is the pattern's
 * decision; what cannot be built faithfully gives undefined. The result is proved afterwards (witness/proof.ts).
 */
import { applyEdits, markerEdit } from './edits.ts';
import { keywordId } from './keywords.ts';
import { lex } from './lexer.ts';
import type { DeleteShape, LexerSettings, SelectShape, Span, TableRef } from './shape.ts';
import { T, Tokens } from './tokens.ts';

export interface RewriteOptions {
  /** Adds FOR UPDATE OF for this table of the SELECT. */
  lockOf?: TableRef;
  /** An id that goes in front of the statement as a comment. */
  marker?: string;
}

const tokens = new Tokens();
const postgres: LexerSettings = {
  dialect: 'postgres',
  standardConformingStrings: true,
  ansiQuotes: true,
  noBackslashEscapes: true,
};

/**
 * `DELETE … WHERE key IN (1, 2)` + `SELECT key FROM …` -> `DELETE … WHERE key IN (SELECT key FROM … FOR UPDATE OF t)`.
 * The DELETE's own parameters leave with its list; the SELECT's `$n` stay as they are. The SELECT loses its ORDER BY.
 * Undefined when the DELETE has a parameter outside its list, or when the ORDER BY decides or binds something.
 */
export function deleteBySubselect(
  deleteText: Buffer,
  deletion: DeleteShape,
  selectText: Buffer,
  select: SelectShape,
  options: RewriteOptions = {},
  settings: LexerSettings = postgres,
): { text: Buffer } | undefined {
  const { list } = deletion;
  if (list === undefined || select.items.length !== 1) return undefined;
  if (hasParameterOutside(deleteText, list.span, settings)) return undefined;
  const query = withoutOrder(selectText, select, settings);
  if (query === undefined) return undefined;
  const lock =
    options.lockOf === undefined ? '' : ` FOR UPDATE OF ${bytesOf(selectText, options.lockOf.aliasSpan)}`;
  const column = bytesOf(deleteText, list.columnSpan);
  const body = Buffer.concat([
    Buffer.from(`${column} IN (`, 'latin1'),
    query,
    Buffer.from(`${lock})`, 'latin1'),
  ]);
  const edits = [...markerEdit(deletion.body.start, options.marker), { span: list.span, text: body }];
  return { text: applyEdits(deleteText, edits) };
}

function bytesOf(text: Buffer, span: Span): string {
  return text.toString('latin1', span.start, span.end);
}

function hasParameterOutside(text: Buffer, span: Span, settings: LexerSettings): boolean {
  lex(text, settings, tokens);
  for (let i = 0; i < tokens.count; i++) {
    const inside = (tokens.start[i] as number) >= span.start && (tokens.end[i] as number) <= span.end;
    if (tokens.kind[i] === T.Parameter && !inside) return true;
  }
  return false;
}

const distinct = keywordId('distinct');
const on = keywordId('on');

/** The SELECT's bytes from its first to its last token, ORDER BY cut out. */
function withoutOrder(text: Buffer, select: SelectShape, settings: LexerSettings): Buffer | undefined {
  const { body, orderBy } = select.span;
  if (orderBy === undefined) return text.subarray(body.start, body.end);
  lex(text, settings, tokens);
  for (let i = 0; i < tokens.count; i++) {
    // DISTINCT ON takes the first row of the order
    if (tokens.is(i, distinct) && tokens.is(i + 1, on)) return undefined;
    const at = tokens.start[i] as number;
    if (tokens.kind[i] === T.Parameter && at >= orderBy.start && at < orderBy.end) return undefined;
  }
  const before = text.subarray(body.start, orderBy.start);
  return Buffer.concat([before, text.subarray(orderBy.end, body.end)]);
}

/** `SELECT …` -> `SELECT … FOR UPDATE [OF t]`, in front of a trailing `;` and trailing comments. */
export function lockingRead(selectText: Buffer, select: SelectShape, options: RewriteOptions = {}): Buffer {
  const of = options.lockOf === undefined ? '' : ` OF ${bytesOf(selectText, options.lockOf.aliasSpan)}`;
  const { start, end } = select.span.body;
  return applyEdits(selectText, [
    ...markerEdit(start, options.marker),
    { span: { start: end, end }, text: ` FOR UPDATE${of}` },
  ]);
}

/** PG lets this SELECT lock rows of `table` (manual, SELECT, The Locking Clause), as far as the text tells. */
export function lockable(select: SelectShape, table: TableRef | undefined): boolean {
  if (table === undefined || table.nullable || !select.plainFrom) return false;
  const sameAlias = select.tables.filter((other) => other.alias === table.alias).length;
  return (
    sameAlias === 1 && !isGrouped(select) && !select.with && !select.into && !select.locking && !select.window
  );
}

function isGrouped(select: SelectShape): boolean {
  return select.distinct || select.groupBy || select.having || select.aggregate || select.setOperation;
}
