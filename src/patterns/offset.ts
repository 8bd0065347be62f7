/** OFFSET 0 is neutral (Prisma always sends it), but the zero may be known from Bind only. Step 6 of the flow. */
import { keyOfValue } from '../memory/values.ts';
import type { Parameters } from '../memory/types.ts';
import type { SelectShape } from '../sql/shape.ts';

const int8 = 20;

/** True when the statement skips no rows for certain. */
export function offsetIsZero(shape: SelectShape, parameters: Parameters | undefined): boolean {
  return shape.offset === undefined || keyOfValue(shape.offset, parameters, int8) === '0';
}
