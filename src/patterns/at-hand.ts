/** MySQL, MariaDB: can the values of an execution be sent again, with another statement? Step 7 of the flow. */
import type { Parameters } from '../memory/types.ts';

/**
 * False where a value may have come by COM_STMT_SEND_LONG_DATA, which passes by and is not kept: the session hands over
 * an empty value without a text form then (and for a zero date, which is refused with it).
 */
export function atHand(parameters: Parameters | undefined): boolean {
  if (parameters === undefined) return true;
  return parameters.values.every((value, at) => value?.length !== 0 || parameters.formats[at] !== 1);
}
