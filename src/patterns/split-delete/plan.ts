/**
 * Step 7, PostgreSQL: the finding and the catalog's facts -> one DELETE that evaluates the app's own predicate, with what has to run
 * around it. Plain data; the session runs it inside a savepoint and falls back to the original on error.
 */
import type { Facts } from '../../facts/types.ts';
import type { RememberedRead } from '../../memory/read.ts';
import type { ResultColumn, Statement } from '../../memory/types.ts';
import type { TransactionMemory } from '../../memory/memory.ts';
import type { DeleteShape, KeyList, LexerSettings } from '../../sql/shape.ts';
import { deleteBySubselect, lockable } from '../../sql/rewrites.ts';
import type { Witness } from '../../sql/witness/types.ts';
import type { Reason } from '../reasons.ts';
import { refusedRelations } from '../relations.ts';
import type { SplitDeleteRule } from '../rule.ts';
import type { Plan } from '../types.ts';
import { guardKey, planGuard } from '../guard.ts';
import { looksPostgres } from './looks.ts';
import { keyTable } from './select.ts';

/** Names in one SET CONSTRAINTS. A table that more constraints look at is left alone. */
export const mostConstraints = 256;

export interface SplitDelete {
  witness: Witness;
  database: string;
  lexer: LexerSettings;
  memory: TransactionMemory;
  rule: SplitDeleteRule;
  statement: Statement;
  shape: DeleteShape;
  list: KeyList;
  read: RememberedRead;
  /** The key, as the result's metadata names it. */
  column: ResultColumn;
}

export function planSplitDelete(found: SplitDelete, facts: Facts): Plan | { reason: Reason } {
  const reason =
    refusedRelations(facts) ??
    refusedKey(found, facts) ??
    refusedChunks(found, facts) ??
    refusedConstraints(found, facts);
  if (reason !== undefined) return { reason };
  const text = edited(found, facts);
  if (!Buffer.isBuffer(text)) return text;

  const { rule, read } = found;
  const { schema, table } = facts.identity;
  const deferrable = facts.deferrable.map((constraint) => constraint.name);
  const deferred = facts.deferrable.filter((constraint) => constraint.initiallyDeferred);
  return {
    pattern: 'split-delete',
    rule,
    ...planGuard(rule.settings, guardKey(found.database, schema, table)),
    ...(rule.evidence === true && { looks: looksPostgres(found, facts) }),
    before: setConstraints(deferrable, 'IMMEDIATE'),
    edited: {
      text,
      // The list is gone, so only the SELECT's parameters are left, under their own numbers.
      parameters: read.statement.parameters ?? { formats: [], values: [], types: [] },
    },
    after: setConstraints(
      deferred.map((constraint) => constraint.name),
      'DEFERRED',
    ),
    reply: 'tag',
  };
}

/** The DELETE's column is the attribute that the SELECT returned, and it alone identifies a row. */
function refusedKey({ rule, list, column }: SplitDelete, facts: Facts): Reason | undefined {
  const attribute = facts.attributes[column.attribute];
  const name = list.column.column;
  if (attribute?.name !== name || !facts.uniqueColumns.includes(name)) return 'key-unknown';
  const payload = !attribute.hasDefault || attribute.inForeignKey;
  return payload && !rule.tablesNamed ? 'payload-key' : undefined;
}

/** After the first chunks the predicate has to mean what it meant, but for the rows that are gone. */
export function refusedChunks({ read }: Pick<SplitDelete, 'read'>, facts: Facts): Reason | undefined {
  return read.chunks && !facts.chunksSafe ? 'chunk-effects' : undefined;
}

/**
 * SET CONSTRAINTS reaches every constraint of the name, so a shared name would change the modes of other tables. And
 * modes that the app may have set itself cannot be put back.
 */
function refusedConstraints({ memory }: SplitDelete, facts: Facts): Reason | undefined {
  if (facts.deferrable.length === 0) return undefined;
  // Something of unknown effect ran in this transaction: it may have set constraint modes.
  if (memory.unknownEffects) return 'unknown-effect';
  if (facts.deferrable.length > mostConstraints) return 'deferred-closure';
  const nameable = facts.deferrable.every(({ unique, trigger }) => unique && !trigger);
  return nameable ? undefined : 'deferred-closure';
}

function setConstraints(names: string[], mode: 'IMMEDIATE' | 'DEFERRED'): string[] {
  return names.length === 0 ? [] : [`SET CONSTRAINTS ${names.join(', ')} ${mode}`];
}

/** The app's DELETE with its list replaced by the app's SELECT, checked and proved by the real grammar. */
function edited(found: SplitDelete, facts: Facts): Buffer | { reason: Reason } {
  const { witness, rule, statement, shape, read } = found;
  const select = read.statement.text;
  if (!witness.agrees(select, read.shape) || !witness.agrees(statement.text, shape))
    return { reason: 'witness' };
  const target = keyTable(read.shape, shape.table.name, 'postgres');
  if (target === undefined) return { reason: 'target-mismatch' };
  const lock = facts.mayLock && lockable(read.shape, target);
  const built = deleteBySubselect(statement.text, shape, select, read.shape, {
    ...(lock && { lockOf: target }),
    ...(rule.settings.marker && { marker: rule.id }),
  });
  if (built === undefined) return { reason: 'query-form' };
  return witness.provesDelete(select, statement.text, built.text, lock ? target.alias : undefined)
    ? built.text
    : { reason: 'proof' };
}
