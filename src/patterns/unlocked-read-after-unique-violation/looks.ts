/**
 * What an unlocked read costs shows at the UPDATE that follows: was the row still what the app had read? Two looks, one
 * behind the read and one in front of the UPDATE; see ../evidence.ts. Step 7.
 *
 * The first comes behind the read, so that a change between the two is not counted, never counted wrongly.
 */
import type { Facts } from '../../facts/types.ts';
import { sameTable } from '../../memory/names.ts';
import type { Parameters } from '../../memory/types.ts';
import { readRow, writtenRow } from '../../sql/looks.ts';
import type { UpdateShape } from '../../sql/shape.ts';
import { writtenBack } from '../../sql/written-back.ts';
import { atHand } from '../at-hand.ts';
import type { ReadLook } from '../evidence.ts';
import type { Reason } from '../reasons.ts';
import type { DetectionContext, Finding } from '../types.ts';
import type { UnlockedRead } from './plan.ts';

export function readLook(found: UnlockedRead, facts: Facts): ReadLook | { reason: Reason } {
  const { statement, shape, target, rule, lexer } = found;
  if (facts.primaryKey.length === 0) return { reason: 'key-unknown' };
  const columns = Object.values(facts.attributes).map(({ name }) => name);
  const marker = rule.settings.marker ? rule.id : undefined;
  const text = readRow({ selectText: statement.text, select: shape, target, marker }, columns, lexer);
  if (text === undefined) return { reason: 'query-form' };
  const parameters = statement.parameters ?? { formats: [], values: [], types: [] };
  return { look: { text, parameters }, columns, key: facts.primaryKey };
}

/** Undefined: nothing is watched that this UPDATE could write. */
export function detectWriteBack(context: DetectionContext, shape: UpdateShape): Finding | undefined {
  const { memory, statement, lexer, dialect } = context;
  const row = memory.watched;
  if (row === undefined || !sameTable(shape.table, row.table)) return undefined;
  const rule = context.ruleFor('unlocked-read-after-unique-violation', shape.table);
  if (rule?.pattern !== 'unlocked-read-after-unique-violation' || rule.evidence !== true) return undefined;
  if (rule.mode === 'off' || !atHand(statement.parameters)) return undefined;
  const parts = writtenBack(statement.text, lexer);
  if (parts === undefined || parts.constants.length === 0) return undefined;
  const marker = rule.settings.marker ? rule.id : undefined;
  const { text, parameters: used } = writtenRow(statement.text, parts, row.columns, dialect, marker);
  const all = statement.parameters ?? { formats: [], values: [], types: [] };
  const parameters = dialect === 'postgres' ? only(all, used) : all;
  return {
    pattern: rule.pattern,
    rule,
    table: shape.table,
    question: { target: shape.table, tables: [], functions: [] },
    rows: 1,
    writeLook: { look: { text, parameters }, row, written: parts.constants.map(({ column }) => column) },
    plan: () => ({ reason: 'look-failed' }),
  };
}

function only({ formats, values, types }: Parameters, numbers: readonly number[]): Parameters {
  const at = <T>(list: readonly T[], absent: T): T[] => numbers.map((number) => list[number - 1] ?? absent);
  return {
    // One code is for all (Bind).
    formats: formats.length === 1 ? formats : at(formats, 0),
    values: at(values, null),
    types: at(types, 0),
  };
}
