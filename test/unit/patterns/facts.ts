/** What the catalog says about the tables of the cases, unless a case says otherwise. */
import type { Facts, RelationFacts } from '../../../src/facts/types.ts';
import { mysqlKey } from '../../../src/memory/keys-mysql.ts';
import type { ServerState } from '../../../src/patterns/types.ts';

export const relation: RelationFacts = {
  schema: 'public',
  name: 'c',
  kind: 'r',
  rowSecurity: false,
  inheritance: false,
  rules: false,
  temporary: false,
};

export const facts: Facts = {
  targetResolves: true,
  identity: { schema: 'public', table: 'c' },
  shadowedFunctions: false,
  chunksSafe: true,
  target: relation,
  attributes: {
    1: { name: 'id', type: 23, hasDefault: true, inForeignKey: false },
    2: { name: 'a_id', type: 23, hasDefault: false, inForeignKey: true },
    3: { name: 'key', type: 1043, hasDefault: false, inForeignKey: false },
    4: { name: 'v', type: 23, hasDefault: false, inForeignKey: false },
    5: { name: 'day', type: 1082, hasDefault: false, inForeignKey: false },
  },
  primaryKey: ['id'],
  uniqueColumns: ['id'],
  mayLock: true,
  relations: [relation, { ...relation, name: 'a' }],
  unresolved: false,
  deferrable: [],
  violated: { columns: ['key'], primary: false, partial: false, expression: false, deferrable: false },
};

export function factsOf(changes: Partial<Facts> = {}): Facts {
  return { ...facts, ...changes };
}

export const mysqlRelation: RelationFacts = { ...relation, schema: 'shop' };

export const mysqlFacts: Facts = {
  ...facts,
  identity: { schema: 'shop', table: 'c' },
  target: mysqlRelation,
  attributes: {
    1: { name: 'id', type: mysqlKey.integer, hasDefault: true, inForeignKey: false },
    2: { name: 'a_id', type: mysqlKey.integer, hasDefault: false, inForeignKey: true },
    3: { name: 'key', type: mysqlKey.text, hasDefault: false, inForeignKey: false },
    4: { name: 'v', type: mysqlKey.integer, hasDefault: false, inForeignKey: false },
    5: { name: 'day', type: 0, hasDefault: false, inForeignKey: false },
    6: { name: 'uid', type: mysqlKey.bytes, hasDefault: false, inForeignKey: false },
  },
  relations: [mysqlRelation, { ...mysqlRelation, name: 'a' }],
};

export function mysqlFactsOf(changes: Partial<Facts> = {}): Facts {
  return { ...mysqlFacts, ...changes };
}

export function serverOf(changes: Partial<ServerState> = {}): ServerState {
  return {
    isolation: 'read committed',
    readOnly: false,
    snapshotIsolation: false,
    safeUpdates: false,
    selectLimited: false,
    foreignKeyChecks: true,
    database: 'shop',
    ...changes,
  };
}
