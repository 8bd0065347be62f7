/**
 * The texts of looks: the app's own SELECT, asked again as a sub-query and compared with a list of keys. Pure; step 7 of
 * the flow. The SELECT's bytes stay as they are and its parameters keep their numbers; the list stands behind them.
 */
import { applyEdits, markerEdit } from './edits.ts';
import { lex } from './lexer.ts';
import type { Dialect, LexerSettings, SelectShape, Span, TableRef } from './shape.ts';
import { T, Tokens } from './tokens.ts';
import type { WrittenBack } from './written-back.ts';

/** `SELECT key FROM …` and whose key it is. */
export interface LookedAt {
  selectText: Buffer;
  select: SelectShape;
  target: TableRef;
  /** The key's name in the table. */
  keyColumn: string;
  /** An id that goes in front of the statement as a comment. */
  marker: string | undefined;
}

const tokens = new Tokens();

const equals = 'OPERATOR(pg_catalog.=)';

/**
 * PostgreSQL: `late,matching,existing`.
 * @param keys an expression of an array: `$3::pg_catalog.int8[]`
 */
export function beforeDelete(looked: LookedAt, keys: string): Buffer {
  const { target, keyColumn } = looked;
  const key = doubleQuoted(keyColumn);
  const existing = `SELECT pg_catalog.count(*) FROM ${table(looked.selectText, target)} AS t WHERE t.${key} ${equals} ANY (${keys})`;
  return around(
    looked,
    'SELECT pg_catalog.concat(pg_catalog.count(DISTINCT q.k) FILTER (WHERE NOT q.listed), ' +
      `',', pg_catalog.count(DISTINCT q.k) FILTER (WHERE q.listed), ',', (${existing})) ` +
      `FROM (SELECT s.k, s.k ${equals} ANY (${keys}) AS listed FROM (`,
    ') AS s(k)) AS q',
  );
}

/** PostgreSQL: rows that match and are not on the list. @param keys as in beforeDelete */
export function afterDelete(looked: LookedAt, keys: string): Buffer {
  return around(
    looked,
    'SELECT pg_catalog.count(DISTINCT s.k) FROM (',
    `) AS s(k) WHERE NOT (s.k ${equals} ANY (${keys}))`,
  );
}

/** MySQL, MariaDB: `late,matching,existing`. @param keys constants, one at least */
export function beforeDeleteMysql(looked: LookedAt, keys: readonly string[]): Buffer {
  const { selectText, select, target, keyColumn } = looked;
  const [item] = select.items;
  const k = `q.${quoted(item?.alias ?? item?.column?.column ?? '')}`;
  const list = `IN (${keys.join(', ')})`;
  const existing = `SELECT COUNT(*) FROM ${table(selectText, target)} AS t WHERE t.${quoted(keyColumn)} ${list}`;
  return around(
    looked,
    `SELECT CONCAT(COUNT(DISTINCT IF(${k} ${list}, NULL, ${k})), ',', COUNT(DISTINCT IF(${k} ${list}, ${k}, NULL)), ',', ` +
      `(${existing})) FROM (`,
    ') AS q',
  );
}

function around({ selectText, select, marker }: LookedAt, before: string, after: string): Buffer {
  const { start, end } = select.span.body;
  const comment = marker === undefined ? '' : `/* interlock:${marker} */ `;
  return Buffer.concat([
    Buffer.from(comment + before, 'latin1'),
    selectText.subarray(start, end),
    Buffer.from(after, 'latin1'),
  ]);
}

function table(text: Buffer, { nameSpan }: TableRef): string {
  return text.toString('latin1', nameSpan.start, nameSpan.end);
}

/** In backticks, which every sql_mode reads. */
function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A hash of each column. MySQL 9.7 has no MD5() any more. */
function rowHashes(alias: string, columns: readonly string[], dialect: Dialect): string {
  if (dialect !== 'postgres') {
    const hashes = columns.map((column) => `IFNULL(SHA2(${alias}.${quoted(column)}, 256), '')`);
    return `CONCAT_WS(',', ${hashes.join(', ')})`;
  }
  const hashes = columns.map((column) => `pg_catalog.md5(${alias}.${doubleQuoted(column)}::pg_catalog.text)`);
  return `pg_catalog.array_to_string(ARRAY[${hashes.join(', ')}], ',', '')`;
}

/** The app's SELECT with its list replaced: the row that it has just read. Undefined: a parameter would go with the list. */
export function readRow(
  { selectText, select, target, marker }: Omit<LookedAt, 'keyColumn'>,
  columns: readonly string[],
  settings: LexerSettings,
): Buffer | undefined {
  const { items, body } = select.span;
  lex(selectText, settings, tokens);
  for (let i = 0; i < tokens.count; i++) {
    const inside = (tokens.start[i] as number) >= items.start && (tokens.end[i] as number) <= items.end;
    if (tokens.kind[i] === T.Parameter && inside) return undefined;
  }
  const alias = selectText.toString('latin1', target.aliasSpan.start, target.aliasSpan.end);
  const hashes = rowHashes(alias, columns, settings.dialect);
  const text = applyEdits(selectText.subarray(0, body.end), [
    ...markerEdit(body.start, marker),
    { span: items, text: hashes },
  ]);
  return text.subarray(body.start);
}

/**
 * The row that an UPDATE is about to write.
 * @returns `parameters`: the numbers, from 1, of those that it uses, in order. MySQL, MariaDB: it uses all of them
 */
export function writtenRow(
  text: Buffer,
  { table: target, target: span, where, constants, parameters }: WrittenBack,
  columns: readonly string[],
  dialect: Dialect,
  marker: string | undefined,
): { text: Buffer; parameters: number[] } {
  const bytes = ({ start, end }: Span): string => text.toString('latin1', start, end);
  const hashes = rowHashes(bytes(target.aliasSpan), columns, dialect);
  const comment = marker === undefined ? '' : `/* interlock:${marker} */ `;
  const used = [...new Set(parameters.map(({ index }) => index))];
  if (dialect !== 'postgres') {
    // Its `?` have no numbers: those in front of the WHERE are read as well, and add nothing.
    const idle = constants.map(({ value }) => `, IF(${bytes(value)} IS NULL, '', '')`).join('');
    const sql = `${comment}SELECT CONCAT(${hashes}${idle}) FROM ${bytes(span)} WHERE ${bytes(where)}`;
    return { text: Buffer.from(sql, 'latin1'), parameters: [] };
  }
  const condition = applyEdits(
    text.subarray(0, where.end),
    parameters.map((one) => ({ span: one.span, text: `$${used.indexOf(one.index) + 1}` })),
  ).subarray(where.start);
  const select = Buffer.from(`${comment}SELECT ${hashes} FROM ${bytes(span)} WHERE `, 'latin1');
  return { text: Buffer.concat([select, condition]), parameters: used };
}

function doubleQuoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
