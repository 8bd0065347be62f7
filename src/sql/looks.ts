/**
 * The texts of looks: the app's own SELECT, asked again as a sub-query and compared with a list of keys. Pure; step 7 of
 * the flow. The SELECT's bytes stay as they are and its parameters keep their numbers; the list stands behind them.
 */
import type { SelectShape, TableRef } from './shape.ts';

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

const equals = 'OPERATOR(pg_catalog.=)';

/**
 * PostgreSQL: `late,matching,existing`.
 * @param keys an expression of an array: `$3::pg_catalog.int8[]`
 */
export function beforeDelete(looked: LookedAt, keys: string): Buffer {
  const { target, keyColumn } = looked;
  const key = `"${keyColumn.replaceAll('"', '""')}"`;
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
