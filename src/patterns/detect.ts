/**
 * Step 6 of the flow: does this statement complete a racy sequence? Asked for every statement of a session that rules
 * apply to, so the memory is asked first: where it remembers nothing, the statement is not even lexed.
 */
import { detectSplitDelete } from './split-delete/detect.ts';
import type { Detection, DetectionContext } from './types.ts';
import { detectUnlockedRead } from './unlocked-read-after-unique-violation/detect.ts';

export function detect(context: DetectionContext): Detection {
  if (!context.memory.remembers) return undefined;
  const detection = byKind(context);
  if (detection?.kind !== 'finding' || context.status === 'T') return detection;
  // The transaction's begin was seen in this pipeline, but the server has not said what state it is in.
  const { pattern, rule, table, rows } = detection.finding;
  return { kind: 'refusal', pattern, rule, table, rows, reason: 'pipeline' };
}

function byKind(context: DetectionContext): Detection {
  const { shape } = context.statement;
  if (shape.kind === 'delete') return detectSplitDelete(context, shape);
  if (shape.kind === 'select') return detectUnlockedRead(context, shape);
  return undefined;
}
