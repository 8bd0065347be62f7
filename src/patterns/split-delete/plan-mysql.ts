/**
 * Step 7, MySQL and MariaDB: the finding and the catalog's facts -> one multiple-table DELETE that evaluates the app's own
 * predicate, never IN (SELECT …): MariaDB 10.11 locks the whole table for it (treatments.md). It needs no savepoint: a
 * statement of InnoDB that fails has done nothing.
 */
import type { Facts } from '../../facts/types.ts';
import { derivedDelete, multiTableDelete } from '../../sql/rewrites-mysql.ts';
import { atHand } from '../at-hand.ts';
import type { Looks } from '../evidence.ts';
import { isolationOf } from '../isolation.ts';
import type { Reason } from '../reasons.ts';
import { refusedRelations } from '../relations.ts';
import type { Plan, ServerState } from '../types.ts';
import { guardKeyMysql, planGuard } from '../guard.ts';
import { looksMysql } from './looks.ts';
import { refusedChunks } from './plan.ts';
import type { SplitDelete } from './plan.ts';
import { keyTable } from './select.ts';

export function planSplitDeleteMysql(
  found: SplitDelete,
  facts: Facts,
  server: ServerState | undefined,
): Plan | { reason: Reason } {
  const reason =
    refusedSession(found, server) ??
    refusedRelations(facts) ??
    refusedKey(found, facts) ??
    refusedChunks(found, facts) ??
    (facts.actionsReachReads === true ? 'chunk-effects' : undefined);
  if (reason !== undefined) return { reason };
  if (!atHand(found.read.statement.parameters)) return { reason: 'key-type' };
  const text = edited(found);
  if (!Buffer.isBuffer(text)) return text;
  const { rule, read } = found;
  const { schema, table } = facts.identity;
  return {
    pattern: 'split-delete',
    rule,
    ...planGuard(rule.settings, guardKeyMysql(schema, table)),
    ...(rule.evidence === true && { looks: looks(found, server) }),
    before: [],
    // The list is gone, so only the SELECT's parameters are left, in their order.
    edited: { text, parameters: read.statement.parameters ?? { formats: [], values: [], types: [] } },
    after: [],
    reply: 'tag',
  };
}

/** Under REPEATABLE READ a plain read has the snapshot of the app's own SELECT. */
function looks(found: SplitDelete, server: ServerState | undefined): Looks | { reason: Reason } {
  if (found.rule.mode === 'rewrite') return { reason: 'look-visible' };
  const level = server === undefined ? undefined : isolationOf(found.memory, server);
  return level === 'read committed' ? looksMysql(found) : { reason: 'snapshot' };
}

/** READ UNCOMMITTED has not been measured: its joined tables may be read dirty. */
function refusedSession({ memory }: SplitDelete, server: ServerState | undefined): Reason | undefined {
  if (server === undefined) return 'catalog';
  const level = isolationOf(memory, server);
  if (level !== 'read committed' && level !== 'repeatable read') return 'isolation';
  if (server.readOnly) return 'read-only';
  // The SELECT was cut short; a DELETE is not.
  if (server.selectLimited) return 'limit';
  return server.safeUpdates ? 'safe-updates' : undefined;
}

/** The DELETE's table and column are those that the SELECT returned, and the column alone identifies a row. */
function refusedKey({ rule, list, column }: SplitDelete, facts: Facts): Reason | undefined {
  const { origin } = column;
  const { schema, table } = facts.identity;
  if (origin?.schema !== schema || origin.table !== table) return 'target-mismatch';
  const name = list.column.column;
  const attribute = Object.values(facts.attributes).find((one) => one.name === name);
  if (attribute === undefined || origin.column.toLowerCase() !== name || !facts.uniqueColumns.includes(name))
    return 'key-unknown';
  const payload = !attribute.hasDefault || attribute.inForeignKey;
  return payload && !rule.tablesNamed ? 'payload-key' : undefined;
}

/** The app's SELECT turned into a DELETE of its key's table, checked by the real grammar. */
function edited(found: SplitDelete): Buffer | { reason: Reason } {
  const { witness, rule, statement, shape, read, lexer, list } = found;
  const select = read.statement.text;
  if (!witness.agrees(select, read.shape, lexer) || !witness.agrees(statement.text, shape, lexer))
    return { reason: 'witness' };
  const target = keyTable(read.shape, shape.table.name, lexer.dialect);
  if (target === undefined) return { reason: 'target-mismatch' };
  const options = { settings: lexer, ...(rule.settings.marker && { marker: rule.id }) };
  const { groupBy, having, distinct, aggregate } = read.shape;
  const key = list.column.column;
  const built =
    groupBy || having || distinct || aggregate
      ? derivedDelete(statement.text, shape, select, read.shape, target, key, options)
      : multiTableDelete(statement.text, shape, select, read.shape, target, options);
  if (built === undefined) return { reason: 'query-form' };
  const proved = witness.provesDelete(select, statement.text, built.text, undefined, lexer);
  return proved ? built.text : { reason: 'proof' };
}
