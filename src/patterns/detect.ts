/**
 * Step 6 of the flow: does this statement complete a racy sequence? Asked for every statement of a session that rules
 * apply to, so the memory is asked first: where it remembers nothing, the statement is not even lexed.
 */
import { detectAnticipated } from './anticipate/detect.ts';
import { detectSplitDelete } from './split-delete/detect.ts';
import type { Detection, DetectionContext } from './types.ts';
import { detectUnlockedRead } from './unlocked-read-after-unique-violation/detect.ts';

export function detect(context: DetectionContext): Detection {
  const detection = byKind(context);
  if (detection?.kind !== 'finding' || context.status === 'T') return detection;
  // The transaction's begin was seen in this pipeline, but the server has not said what state it is in.
  const { pattern, rule, table, rows, began } = detection.finding;
  return { kind: 'refusal', pattern, rule, table, rows, began, reason: 'pipeline' };
}

function byKind(context: DetectionContext): Detection {
  const { memory, statement } = context;
  if (memory.remembers) {
    const { shape } = statement;
    if (shape.kind === 'delete') return detectSplitDelete(context, shape);
    const unlocked = shape.kind === 'select' ? detectUnlockedRead(context, shape) : undefined;
    if (unlocked !== undefined) return unlocked;
  }
  return context.anticipates === true && statement.word === 'select' ? detectAnticipated(context) : undefined;
}
