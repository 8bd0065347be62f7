/**
 * Step 6: a DELETE by key list after a SELECT that returned exactly those keys. Only what memory and text can tell;
 * plan.ts asks the catalog, the witness and the proof.
 *
 * When several reasons apply, the first of `checks` is reported. The order is stable and goes from the plainest to the
 * subtlest: the app's wish, the transaction, the form of the DELETE, the form of the SELECT, its result, what happened
 * in between, the list itself, the app's likely intent, and last the operator's consent.
 */
import type { Keys } from '../../memory/values.ts';
import { keysOfList } from '../../memory/values.ts';
import { familyOf } from '../../memory/keys.ts';
import { onlyKnownFunctions } from '../../memory/functions.ts';
import type { RememberedRead } from '../../memory/read.ts';
import type { TransactionMemory } from '../../memory/memory.ts';
import type { Statement } from '../../memory/types.ts';
import type { ResultColumn } from '../../memory/types.ts';
import type { DeleteShape, Dialect, KeyList } from '../../sql/shape.ts';
import { offsetIsZero } from '../offset.ts';
import type { Reason } from '../reasons.ts';
import type { Rule, SplitDeleteRule } from '../rule.ts';
import type { Detection, DetectionContext } from '../types.ts';
import { picksRows } from './picks.ts';
import { planSplitDelete } from './plan.ts';
import { planSplitDeleteMysql } from './plan-mysql.ts';
import { detectRowLoop } from './row-loop.ts';
import { keyTable, mayDependOnTarget } from './select.ts';

interface Candidate {
  context: DetectionContext;
  memory: TransactionMemory;
  rule: SplitDeleteRule;
  shape: DeleteShape;
  read: RememberedRead;
  /** Another read, of another question, returned the same keys. */
  ambiguous: boolean;
}

export function detectSplitDelete(context: DetectionContext, shape: DeleteShape): Detection {
  if (shape.single !== undefined) return detectRowLoop(context, shape, shape.single);
  if (shape.list === undefined && !shape.listWithOthers && !shape.compositeList) return undefined;
  const { memory, statement } = context;
  if (memory.status === 'E') return undefined; // the server will not run it
  const table = shape.table.name;
  const { read, ambiguous } = theRead(memory.readsOf(table), shape, context);
  const earlier = read === undefined ? memory.earlierReadOf(table) : undefined;
  if (read === undefined && earlier === undefined) return undefined;
  const rule = context.ruleFor('split-delete', table);
  if (!isSplitDelete(rule)) return undefined;

  const refusal = (reason: Reason): Detection => ({
    kind: 'refusal',
    pattern: 'split-delete',
    rule,
    reason,
    table,
    rows: read?.result.rows ?? earlier?.rows ?? 0,
    began: (read ?? earlier)?.statement,
  });
  if (statement.head.optOut) return refusal('opted-out');
  if (memory.status !== 'T') return refusal('not-in-transaction');
  if (read === undefined)
    return refusal(earlier?.across === 'begin' ? 'across-begin' : 'across-transactions');
  if (read.result.rows === 0 && isEmpty(shape, context)) return undefined; // nothing was read, nothing is deleted

  const candidate: Candidate = { context, memory, rule, shape, read, ambiguous };
  for (const check of checks) {
    const reason = check(candidate);
    if (reason !== undefined) return refusal(reason);
  }
  const list = shape.list as KeyList; // checked by deleteForm
  const column = read.result.columns?.[0];
  if (column === undefined) return refusal('key-unknown');
  return {
    kind: 'finding',
    finding: {
      pattern: 'split-delete',
      rule,
      table,
      rows: read.result.rows,
      began: read.statement,
      question: {
        ...(context.dialect === 'postgres' && { targetId: column.tableId }),
        target: table,
        tables: read.shape.tablesRead,
        functions: read.shape.functions,
        ...(read.chunks && { chunks: true }),
      },
      plan: (facts, server) => {
        const { witness, database, lexer } = context;
        const found = { witness, database, lexer, memory, rule, statement, shape, list, read, column };
        return context.dialect === 'postgres'
          ? planSplitDelete(found, facts)
          : planSplitDeleteMysql(found, facts, server);
      },
    },
  };
}

function isSplitDelete(rule: Rule | undefined): rule is SplitDeleteRule {
  return rule?.pattern === 'split-delete' && rule.mode !== 'off';
}

/**
 * Of several reads of the table the one whose keys the list carries, else the newest: it gives the best reason. The same
 * keys may have come from two different questions; which of them the list answers, nothing tells.
 */
function theRead(
  reads: RememberedRead[],
  shape: DeleteShape,
  context: DetectionContext,
): { read: RememberedRead | undefined; ambiguous: boolean } {
  if (reads.length < 2) return { read: reads[0], ambiguous: false };
  const carriers = reads.filter((read) => listCheck({ read, shape, context }) === undefined);
  const [first] = carriers;
  const ambiguous = first !== undefined && carriers.some((read) => !sameQuestion(read, first));
  return { read: first ?? reads[0], ambiguous };
}

function sameQuestion({ statement: a }: RememberedRead, { statement: b }: RememberedRead): boolean {
  const values = ({ parameters }: Statement): string =>
    (parameters?.values ?? []).map((value) => value?.toString('hex') ?? 'null').join();
  return a.text.equals(b.text) && values(a) === values(b);
}

function isEmpty(shape: DeleteShape, context: DetectionContext): boolean {
  const int8 = 20; // an empty array is empty in every type
  return (
    shape.list !== undefined && keysOfList(shape.list, context.statement.parameters, int8)?.keys.size === 0
  );
}

const checks: ((candidate: Candidate) => Reason | undefined)[] = [
  ({ read }) => (read.statement.head.optOut ? 'opted-out' : undefined),
  deleteForm,
  selectForm,
  resultForm,
  keyColumn,
  between,
  listCheck,
  chunkedSelfReference,
  likelyIntent,
  ({ rule }) => (rule.mode === 'rewrite' && !rule.tablesNamed ? 'table-not-named' : undefined),
];

function deleteForm({ shape }: Candidate): Reason | undefined {
  if (shape.compositeList) return 'composite-key';
  return shape.list === undefined || shape.returning || shape.other || shape.table.only
    ? 'delete-form'
    : undefined;
}

function selectForm({ read, context }: Candidate): Reason | undefined {
  const { shape, statement } = read;
  if (shape.locking) return 'locked-already';
  if (shape.limit !== undefined || shape.fetch || !offsetIsZero(shape, statement.parameters)) return 'limit';
  if (
    shape.setOperation ||
    shape.window ||
    shape.with ||
    shape.into ||
    !shape.plainFrom ||
    shape.userVariable
  ) {
    return 'query-form';
  }
  const picks = shape.distinct || shape.subquery ? picksRows(statement.text, context.lexer) : undefined;
  if (picks !== undefined) return picks === 'limit' ? 'limit' : 'query-form';
  const [item, more] = shape.items;
  if (more !== undefined || item === undefined || item.star) return 'select-list';
  if (item.column === undefined) return shape.aggregate ? 'query-form' : 'select-list';
  return onlyKnownFunctions(shape.functions, context.dialect) ? undefined : 'volatile-function';
}

function resultForm({ read }: Candidate): Reason | undefined {
  if (read.overLimit) return 'over-limit';
  return read.captured && read.result.cut === undefined ? undefined : 'result-cut';
}

/** The result's metadata names the key, its type has keys, and the SELECT's own text names one table for it. */
function keyColumn({ read, shape, context }: Candidate): Reason | undefined {
  const column = read.result.columns?.[0];
  if (column === undefined || !isNamed(column, context.dialect)) return 'key-unknown';
  if (familyOf(read.keyType) === undefined) return 'key-type';
  const keys = read.keys();
  if (keys === undefined) return 'key-type';
  if (keys.nulls) return 'key-unknown';
  return keyTable(read.shape, shape.table.name, context.dialect) === undefined
    ? 'target-mismatch'
    : undefined;
}

/** The metadata says of which column of which table the value is. */
function isNamed({ tableId, attribute, origin }: ResultColumn, dialect: Dialect): boolean {
  if (dialect === 'postgres') return tableId !== 0 && attribute > 0;
  return origin !== undefined && origin.schema !== '' && origin.table !== '' && origin.column !== '';
}

function between({ read, shape, memory, rule, ambiguous }: Candidate): Reason | undefined {
  const consumed = read.consumedBy(shape.table.name, shape.list?.column.column ?? '');
  if (consumed === 'elsewhere') return 'cascade-by-list';
  if (read.wrote || consumed.size === read.keys()?.keys.size) return 'own-write';
  if (read.unknownEffect) return 'unknown-effect';
  if (memory.setConstraints) return 'set-constraints';
  if (read.between > 0 || ambiguous) return 'statement-between';
  return memory.heldFor(read) > rule.settings.window ? 'window' : undefined;
}

/** The list and the earlier chunks of it are together exactly what the read returned. */
function listCheck({
  read,
  shape,
  context,
}: Pick<Candidate, 'read' | 'shape' | 'context'>): Reason | undefined {
  if (shape.list === undefined) return 'delete-form';
  const returned = read.keys()?.keys;
  if (returned === undefined) return 'key-type';
  const sent: Keys | undefined = keysOfList(shape.list, context.statement.parameters, read.keyType);
  if (sent === undefined) return 'key-type';
  const consumed = read.consumedBy(shape.table.name, shape.list.column.column);
  if (sent.nulls || consumed === 'elsewhere') return 'list-differs';
  for (const key of sent.keys) if (!returned.has(key)) return 'list-differs';
  let all = sent.keys.size;
  for (const key of consumed) if (!sent.keys.has(key)) all++;
  return all === returned.size ? undefined : 'list-differs';
}

/** After the first chunks a predicate that counts or joins the target against itself means something else. */
function chunkedSelfReference({ read, shape, context }: Candidate): Reason | undefined {
  const depends = mayDependOnTarget(read.shape, shape.table.name, context.dialect);
  return read.chunks && depends ? 'self-reference' : undefined;
}

/** One table, no sub-query, no HAVING: no ORM has to split that, so the app probably wanted the ids. */
function likelyIntent({ read, rule }: Candidate): Reason | undefined {
  const { shape } = read;
  const simple = shape.tables.length === 1 && !shape.subquery && !shape.having;
  return simple && !rule.tablesNamed ? 'no-join' : undefined;
}
