/**
 * Step 7, MySQL and MariaDB: the finding and the catalog's facts -> the app's own SELECT with FOR UPDATE.
 *
 * Under READ COMMITTED the row is locked by its primary key, which is read first: the failed INSERT has left a shared lock
 * on the violated key's index record, and two losers that both want an exclusive one there deadlock. Under REPEATABLE READ
 * it is not visible to a plain read, so that only a locking read can give its key. (treatments.md)
 */
import type { Facts } from '../../facts/types.ts';
import { familyOf } from '../../memory/keys.ts';
import { lockingRead } from '../../sql/rewrites.ts';
import { keyProbe, lockByKey } from '../../sql/rewrites-mysql.ts';
import type { MysqlOptions } from '../../sql/rewrites-mysql.ts';
import { atHand } from '../at-hand.ts';
import type { ReadLook } from '../evidence.ts';
import { isolationOf } from '../isolation.ts';
import { literalOf } from '../literal-mysql.ts';
import type { Reason } from '../reasons.ts';
import { refusedRelations } from '../relations.ts';
import type { Plan, Probe, ServerState } from '../types.ts';
import { readLook } from './looks.ts';
import { refusedKey } from './plan.ts';
import type { UnlockedRead } from './plan.ts';

export function planUnlockedReadMysql(
  found: UnlockedRead,
  facts: Facts,
  server: ServerState | undefined,
): Plan | { reason: Reason } {
  const { rule, witness, statement, shape, lexer } = found;
  const way = wayOf(found, server);
  if ('reason' in way) return way;
  const reason =
    refusedRelations(facts) ??
    otherTable(found, facts, way.database) ??
    refusedKey(found, facts) ??
    primary(facts);
  if (reason !== undefined) return { reason };
  if (!atHand(statement.parameters)) return { reason: 'key-type' };
  if (!witness.agrees(statement.text, shape, lexer)) return { reason: 'witness' };
  const text = lockingRead(statement.text, shape, options(found));
  if (!witness.provesLockingRead(statement.text, text, undefined, lexer)) return { reason: 'proof' };
  const parameters = statement.parameters ?? { formats: [], values: [], types: [] };
  const plan: Plan = {
    pattern: rule.pattern,
    rule,
    ...(rule.evidence === true && { readLook: look(found, facts, way.by) }),
    before: [],
    edited: { text, parameters },
    after: [],
    reply: 'rows',
  };
  if (way.by === 'violated-key') return plan;
  const probe = probeOf(found, facts);
  return 'reason' in probe ? probe : { ...plan, probe };
}

/** Found by the violated key: under REPEATABLE READ, where a plain read has the transaction's snapshot. */
function look(
  found: UnlockedRead,
  facts: Facts,
  by: 'primary-key' | 'violated-key',
): ReadLook | { reason: Reason } {
  return by === 'violated-key' ? { reason: 'snapshot' } : readLook(found, facts);
}

function options({ rule, lexer }: UnlockedRead): MysqlOptions {
  return { settings: lexer, ...(rule.settings.marker && { marker: rule.id }) };
}

/** How the row can be locked in this transaction. */
function wayOf(
  { memory, rule }: UnlockedRead,
  server: ServerState | undefined,
): { by: 'primary-key' | 'violated-key'; database: string } | { reason: Reason } {
  if (server === undefined) return { reason: 'catalog' };
  const level = isolationOf(memory, server);
  const finds = level === 'repeatable read' && rule.settings.repeatable_read === 'rewrite';
  if (level !== 'read committed' && !finds) return { reason: 'isolation' };
  if (server.readOnly) return { reason: 'read-only' };
  return { by: finds ? 'violated-key' : 'primary-key', database: server.database };
}

/** The error names no schema: the INSERT's name has to mean the table of the SELECT. */
function otherTable({ insert }: UnlockedRead, facts: Facts, database: string): Reason | undefined {
  const schema = insert.shape.table.schema ?? database;
  return schema === facts.identity.schema ? undefined : 'target-mismatch';
}

/** The lock that the failed INSERT has left on the primary key is on the row itself. */
function primary(facts: Facts): Reason | undefined {
  return facts.violated?.primary === true ? 'primary-duplicate' : undefined;
}

function probeOf(found: UnlockedRead, facts: Facts): Probe | { reason: Reason } {
  const { witness, lexer, statement, shape, target } = found;
  const [column, more] = facts.primaryKey;
  if (column === undefined) return { reason: 'key-unknown' };
  if (more !== undefined) return { reason: 'composite-key' };
  const type = Object.values(facts.attributes).find((attribute) => attribute.name === column)?.type ?? 0;
  if (familyOf(type) === undefined) return { reason: 'key-type' };
  const made = options(found);
  const parameters = statement.parameters ?? { formats: [], values: [], types: [] };
  const asked = keyProbe(statement.text, shape, target, column, made);
  if (asked === undefined) return { reason: 'query-form' };
  return {
    text: asked.text,
    parameters,
    locking: ([key, another]) => {
      // A unique key names one row; of several none is the one that was in the way for certain.
      if (key === undefined || key === null || another !== undefined) return { reason: 'no-row' };
      const literal = literalOf(type, key);
      if (literal === undefined) return { reason: 'key-type' };
      const locked = lockByKey(statement.text, shape, target, column, literal, made);
      if (locked === undefined) return { reason: 'query-form' };
      const proved = witness.provesLockingRead(statement.text, locked.text, undefined, lexer);
      return proved ? { text: locked.text, parameters } : { reason: 'proof' };
    },
  };
}
