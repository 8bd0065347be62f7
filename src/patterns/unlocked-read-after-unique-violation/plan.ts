/**
 * Step 7, PostgreSQL: the finding and the catalog's facts -> the app's own SELECT with FOR UPDATE. Plain data; the session runs it
 * inside a savepoint, holds its rows until they are complete, and sends the plain SELECT on any error.
 */
import type { Facts } from '../../facts/types.ts';
import type { TransactionMemory } from '../../memory/memory.ts';
import type { FailedInsert } from '../../memory/notes.ts';
import type { Statement } from '../../memory/types.ts';
import { lockable, lockingRead } from '../../sql/rewrites.ts';
import type { LexerSettings, SelectShape, TableRef } from '../../sql/shape.ts';
import type { Witness } from '../../sql/witness/types.ts';
import type { Reason } from '../reasons.ts';
import { refusedRelations } from '../relations.ts';
import type { UnlockedReadRule } from '../rule.ts';
import type { Plan } from '../types.ts';
import { readLook } from './looks.ts';
import { pins } from './pins.ts';

export interface UnlockedRead {
  witness: Witness;
  lexer: LexerSettings;
  memory: TransactionMemory;
  rule: UnlockedReadRule;
  statement: Statement;
  shape: SelectShape;
  insert: FailedInsert;
  target: TableRef;
}

export function planUnlockedRead(found: UnlockedRead, facts: Facts): Plan | { reason: Reason } {
  const { rule, statement } = found;
  const reason = refusedRelations(facts) ?? refusedKey(found, facts);
  if (reason !== undefined) return { reason };
  const text = edited(found);
  if (!Buffer.isBuffer(text)) return text;
  return {
    pattern: rule.pattern,
    rule,
    ...(rule.evidence === true && { readLook: readLook(found, facts) }),
    before: [],
    edited: {
      text,
      parameters: statement.parameters ?? { formats: [], values: [], types: [] },
    },
    after: [],
    reply: 'rows',
  };
}

/** The violated key identifies a row, and the SELECT asks for the one that was in the INSERT's way. */
export function refusedKey(
  { insert, statement, shape, target }: UnlockedRead,
  facts: Facts,
): Reason | undefined {
  if (!facts.mayLock) return 'no-privilege';
  const key = facts.violated;
  if (key === undefined) return 'catalog';
  if (key.partial || key.expression || key.columns.length === 0) return 'key-not-pinned';
  const attributes = Object.values(facts.attributes);
  const typed = key.columns.map((name) => attributes.find((attribute) => attribute.name === name));
  const columns = typed.filter((attribute) => attribute !== undefined);
  if (columns.length !== key.columns.length) return 'catalog';
  return pins(insert, statement, shape, target, columns) ? undefined : 'key-not-pinned';
}

/** The SELECT with a locking clause, on the one table where there are joins. */
function edited({ witness, rule, statement, shape, target }: UnlockedRead): Buffer | { reason: Reason } {
  if (!lockable(shape, target)) return { reason: 'query-form' };
  if (!witness.agrees(statement.text, shape)) return { reason: 'witness' };
  const of = shape.tables.length > 1 ? target : undefined;
  const text = lockingRead(statement.text, shape, {
    ...(of !== undefined && { lockOf: of }),
    ...(rule.settings.marker && { marker: rule.id }),
  });
  return witness.provesLockingRead(statement.text, text, of?.alias) ? text : { reason: 'proof' };
}
