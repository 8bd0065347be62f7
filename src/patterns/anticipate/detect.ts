/**
 * Step 6: a SELECT that a rule declares to open a transaction that deletes and inserts again, or deletes row by row. The
 * guard is taken in front of it, so that what it reads is still so when the transaction writes: also where it finds nothing
 * and no DELETE follows, which nothing that looks at the DELETE can see (treatments.md, races.md T4).
 *
 * Only the first such SELECT of a transaction counts: the guard is held to the end of it.
 */
import type { SelectShape, Name } from '../../sql/shape.ts';
import type { Reason } from '../reasons.ts';
import { rowsOf } from '../rows-of.ts';
import type { AnticipateRule, Rule } from '../rule.ts';
import type { Detection, DetectionContext } from '../types.ts';
import { planAnticipated } from './plan.ts';
import { tableOf } from './settings.ts';

/** What stands for a table whose name is not known. */
const noTable: Name = { name: '' };

export function detectAnticipated(context: DetectionContext): Detection {
  const { memory, statement, dialect } = context;
  if (memory.status === 'E') return undefined; // the server will not run it
  const { shape } = statement;
  const read = shape.kind === 'select' ? rowsOf(shape) : undefined;
  const rule = context.ruleFor('anticipate', read ?? noTable);
  if (!isAnticipate(rule)) return undefined;
  const table = tableOf(rule.settings) ?? read;
  const key = `${rule.id}\0${table?.schema ?? ''}\0${table?.name ?? ''}`;
  if (memory.status === 'T' && !memory.opening.first(key)) return undefined;

  const refusal = (reason: Reason): Detection => ({
    kind: 'refusal',
    pattern: 'anticipate',
    rule,
    reason,
    table: table ?? noTable,
    rows: 0,
  });
  if (statement.head.optOut) return refusal('opted-out');
  if (memory.status !== 'T') return refusal('not-in-transaction');
  if (table === undefined) return refusal('guard-key');
  if (shape.kind !== 'select') return refusal('query-form');
  if (dialect !== 'postgres' && asksOfStatementBefore(shape)) return refusal('volatile-function');
  return {
    kind: 'finding',
    finding: {
      pattern: 'anticipate',
      rule,
      table,
      rows: 0,
      question: { target: table, tables: [table], functions: [] },
      plan: (facts, server) => planAnticipated(context, rule, facts, server),
    },
  };
}

function isAnticipate(rule: Rule | undefined): rule is AnticipateRule {
  return rule?.pattern === 'anticipate' && rule.mode !== 'off';
}

/** MySQL, MariaDB: what it asks for would be the guard's own. */
function asksOfStatementBefore({ functions }: SelectShape): boolean {
  return functions.includes('found_rows') || functions.includes('row_count');
}
