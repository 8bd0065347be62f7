/**
 * Step 6: an INSERT failed with a unique violation, and after nothing but noise and savepoint statements the app reads
 * the row that was in its way, without a lock. Only what memory and text can tell; plan.ts asks the catalog which key
 * was violated, and the witness and the proof.
 *
 * When several reasons apply, the first of `checks` is reported: the app's wish, the transaction, a lock of its own,
 * what ran in between, the INSERT, the form of the SELECT, the table, the key, the rule's condition.
 */
import type { FactsQuestion } from '../../facts/types.ts';
import { onlyKnownFunctions } from '../../memory/functions.ts';
import type { TransactionMemory } from '../../memory/memory.ts';
import type { FailedInsert, LockingLookup } from '../../memory/notes.ts';
import { includesTable, possiblySameName, possiblySameTable, sameTable } from '../../memory/names.ts';
import type { Parameters, Statement, StatementError } from '../../memory/types.ts';
import { sameValue } from '../../memory/values.ts';
import type { Dialect, SelectShape, TableRef } from '../../sql/shape.ts';
import type { Reason } from '../reasons.ts';
import type { Rule, UnlockedReadRule } from '../rule.ts';
import type { Detection, DetectionContext } from '../types.ts';
import { mayPin, readTable } from './pins.ts';
import { planUnlockedRead } from './plan.ts';
import { planUnlockedReadMysql } from './plan-mysql.ts';

interface Candidate {
  dialect: Dialect;
  memory: TransactionMemory;
  rule: UnlockedReadRule;
  statement: Statement;
  shape: SelectShape;
  insert: FailedInsert;
  /** The table of the INSERT as the SELECT's FROM list has it; undefined: not there, or more than once. */
  target: TableRef | undefined;
}

export function detectUnlockedRead(context: DetectionContext, shape: SelectShape): Detection {
  const { memory, statement, dialect } = context;
  const insert = memory.failedInsert;
  if (insert === undefined || memory.status === 'E') return undefined; // in E the server will not run it
  if (!includesTable(shape.tablesRead, insert.shape.table, dialect)) return undefined;
  const table = insert.shape.table;
  const rule = context.ruleFor('unlocked-read-after-unique-violation', table);
  if (!isUnlockedRead(rule)) return undefined;

  const target = readTable(shape, table, dialect);
  const candidate: Candidate = { dialect, memory, rule, statement, shape, insert, target };
  const refusal = (reason: Reason): Detection => ({
    kind: 'refusal',
    pattern: rule.pattern,
    rule,
    reason,
    table,
    rows: 0,
    began: insert.statement,
  });
  // An idempotent consumer sends the same and writes nothing back, so this is counted where the read is of that row.
  if (insert.quiet)
    return !shape.locking && mayPin(insert, statement, shape, target) ? refusal('quiet-conflict') : undefined;
  for (const check of checks) {
    const reason = check(candidate);
    if (reason !== undefined) return refusal(reason);
  }
  const constraint = violated(insert.error, dialect);
  if (target === undefined || constraint === undefined) {
    return refusal('catalog');
  }
  return {
    kind: 'finding',
    finding: {
      pattern: rule.pattern,
      rule,
      table,
      rows: 0,
      began: insert.statement,
      question: {
        target: target.name,
        tables: shape.tablesRead,
        functions: shape.functions,
        constraint,
      },
      plan: (facts, server) => {
        const { witness, lexer } = context;
        const found = { witness, lexer, memory, rule, statement, shape, insert, target };
        return dialect === 'postgres'
          ? planUnlockedRead(found, facts)
          : planUnlockedReadMysql(found, facts, server);
      },
    },
  };
}

/**
 * The violated key as the error names it. MySQL: the key's name, and no schema; MariaDB: no table either. The facts look
 * for it in the INSERT's own table.
 */
function violated(error: StatementError, dialect: Dialect): FactsQuestion['constraint'] {
  const { schema, table, constraint } = error;
  if (constraint === undefined) return undefined;
  if (dialect !== 'postgres') return { schema: '', table: '', name: constraint };
  return schema === undefined || table === undefined ? undefined : { schema, table, name: constraint };
}

function isUnlockedRead(rule: Rule | undefined): rule is UnlockedReadRule {
  return rule?.pattern === 'unlocked-read-after-unique-violation' && rule.mode !== 'off';
}

const checks: ((candidate: Candidate) => Reason | undefined)[] = [
  ({ statement, insert }) =>
    statement.head.optOut || insert.statement.head.optOut ? 'opted-out' : undefined,
  ({ memory, insert }) =>
    memory.status === 'T' && insert.sameTransaction ? undefined : 'not-in-transaction',
  ({ shape }) => (shape.locking ? 'locked-already' : undefined),
  ({ insert }) => (insert.unknownEffect ? 'unknown-effect' : undefined),
  ({ insert }) =>
    insert.shape.rows === undefined || insert.shape.columns.length === 0 ? 'insert-form' : undefined,
  queryForm,
  targetOfError,
  ({ shape, target }) => (readsNothing(shape, target) ? 'query-form' : undefined),
  ({ shape, target }) => (target?.nullable === true && shape.tables.length > 1 ? 'outer-join' : undefined),
  ({ shape, dialect }) => (onlyKnownFunctions(shape.functions, dialect) ? undefined : 'volatile-function'),
  ({ insert, statement, shape, target }) =>
    mayPin(insert, statement, shape, target) ? undefined : 'key-not-pinned',
  lockingLookup,
];

/**
 * Forms that PostgreSQL does not lock (SELECT, "The Locking Clause"), or locks without effect (WITH). MySQL and MariaDB:
 * joined tables as well, because MariaDB has no OF and would lock their rows too, and sub-queries.
 */
function queryForm({ shape, dialect }: Candidate): Reason | undefined {
  if (dialect !== 'postgres' && (shape.tables.length > 1 || shape.subquery)) return 'query-form';
  const grouped = shape.distinct || shape.groupBy || shape.having || shape.aggregate || shape.window;
  const other = shape.setOperation || shape.with || shape.into || !shape.plainFrom || shape.userVariable;
  return grouped || other ? 'query-form' : undefined;
}

/** `SELECT 1 … LIMIT 1` asks whether the row is there; what is not read cannot be written back. */
function readsNothing({ items }: SelectShape, target: TableRef | undefined): boolean {
  return !items.some(
    ({ star, column }) =>
      star ||
      (column !== undefined && (column.qualifier === undefined || column.qualifier === target?.alias)),
  );
}

/** A trigger's INSERT or a partition reports a table of its own; a self-join leaves open which row is meant. */
function targetOfError({ insert, target, dialect }: Candidate): Reason | undefined {
  const { schema, table } = insert.error;
  const { table: written } = insert.shape;
  if (dialect !== 'postgres') {
    // MariaDB names the key alone; whether the table has one of that name is in the facts.
    if (table !== undefined && !possiblySameName(written.name, table, dialect)) return 'target-mismatch';
  } else if (schema === undefined || table === undefined) return 'catalog';
  else if (!sameTable(written, { schema, name: table })) return 'target-mismatch';
  return target === undefined || target.only ? 'target-mismatch' : undefined;
}

/** `when: after-locking-lookup`: the same look-up ran with FOR UPDATE in this transaction and found nothing. */
function lockingLookup({ dialect, memory, rule, statement, shape, target }: Candidate): Reason | undefined {
  if (rule.settings.when === 'always' || target === undefined) return undefined;
  const same = memory.lockingLookups.some((lookup) =>
    sameLookup(lookup, target, shape, statement.parameters, dialect),
  );
  return same ? undefined : 'no-locking-lookup';
}

function sameLookup(
  lookup: LockingLookup,
  target: TableRef,
  shape: SelectShape,
  parameters: Parameters | undefined,
  dialect: Dialect,
): boolean {
  const earlier = lookup.shape.equalities;
  if (!lookup.shape.tables.some((table) => possiblySameTable(table.name, target.name, dialect))) return false;
  if (earlier.length !== shape.equalities.length) return false;
  return shape.equalities.every(({ column, value }) =>
    earlier.some(
      (one) =>
        one.column.column === column.column &&
        sameValue(one.value, lookup.statement.parameters, value, parameters, 0),
    ),
  );
}
