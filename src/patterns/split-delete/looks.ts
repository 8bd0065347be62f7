/** Step 7: the looks around an observed split delete, see ../evidence.ts. */
import type { Facts } from '../../facts/types.ts';
import { familyOf } from '../../memory/keys.ts';
import type { KeyFamily } from '../../memory/keys.ts';
import type { Parameters } from '../../memory/types.ts';
import { afterDelete, beforeDelete, beforeDeleteMysql } from '../../sql/looks.ts';
import type { LookedAt } from '../../sql/looks.ts';
import type { Looks } from '../evidence.ts';
import { literalOf } from '../literal-mysql.ts';
import type { Reason } from '../reasons.ts';
import type { SplitDelete } from './plan.ts';
import { keyTable, mayDependOnTarget } from './select.ts';

const arrayOf: Partial<Record<KeyFamily, string>> = {
  integer: 'pg_catalog.int8[]',
  numeric: 'pg_catalog.numeric[]',
  text: 'pg_catalog.text[]',
  uuid: 'pg_catalog.uuid[]',
};

export function looksPostgres(found: SplitDelete, facts: Facts): Looks | { reason: Reason } {
  const { read, shape } = found;
  const looked = lookedAt(found);
  const type = arrayOf[familyOf(read.keyType) ?? 'bytes'];
  const keys = read.keys()?.keys;
  if (looked === undefined || type === undefined || keys === undefined) return { reason: 'key-type' };
  const own = read.statement.parameters ?? { formats: [], values: [], types: [] };
  const parameters = withArray(own, [...keys]);
  const list = `$${own.values.length + 1}::${type}`;
  const before = { text: beforeDelete(looked, list), parameters };
  // What the DELETE itself writes, and a predicate that counts the target, make rows match that nobody missed.
  if (!facts.chunksSafe) return { before, after: { reason: 'chunk-effects' } };
  if (mayDependOnTarget(read.shape, shape.table.name, 'postgres'))
    return { before, after: { reason: 'self-reference' } };
  return { before, after: { text: afterDelete(looked, list), parameters } };
}

/** Only in front of the DELETE: behind it ROW_COUNT() would tell. */
export function looksMysql(found: SplitDelete): Looks | { reason: Reason } {
  const { read } = found;
  const looked = lookedAt(found);
  const keys = read.keys()?.keys;
  if (looked === undefined || keys === undefined) return { reason: 'key-type' };
  const literals: string[] = [];
  for (const key of keys) {
    const literal = literalOf(read.keyType, key);
    if (literal === undefined) return { reason: 'key-type' };
    literals.push(literal);
  }
  const parameters = read.statement.parameters ?? { formats: [], values: [], types: [] };
  return {
    before: { text: beforeDeleteMysql(looked, literals), parameters },
    after: { reason: 'look-visible' },
  };
}

function lookedAt({ read, shape, lexer, list, rule }: SplitDelete): LookedAt | undefined {
  const target = keyTable(read.shape, shape.table.name, lexer.dialect);
  if (target === undefined) return undefined;
  return {
    selectText: read.statement.text,
    select: read.shape,
    target,
    keyColumn: list.column.column,
    marker: rule.settings.marker ? rule.id : undefined,
  };
}

/** One more text parameter: an array in its text form (manual, Array Input and Output Syntax). */
function withArray({ formats, values, types }: Parameters, keys: string[]): Parameters {
  const elements = keys.map((key) => `"${key.replaceAll(/["\\]/g, String.raw`\$&`)}"`);
  const each = values.map((_, at) => (formats.length === 1 ? formats[0] : formats[at]) ?? 0);
  return {
    formats: [...each, 0],
    values: [...values, Buffer.from(`{${elements.join(',')}}`, 'latin1')],
    types,
  };
}
