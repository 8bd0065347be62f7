/** Where an operator ends. Used by the lexer (step 4 of the flow). Sources: PostgreSQL 18 manual 4.1.3; MySQL 8.4 14.4. */
import { bytes, classOf, isPlusMinusMagic } from './bytes.ts';

/** NAMEDATALEN: PG rejects a longer operator. */
const longestOperator = 64;

/**
 * PG: longest run of operator characters, cut at a comment and, without ~!@#%^&|`?, in front of a trailing + or -. A run
 * of signs is as many operators, each of which looks ahead: without a limit that is quadratic.
 */
export function endOfOperator(text: Uint8Array, start: number): number {
  const limit = Math.min(text.length, start + longestOperator);
  let i = start;
  let magic = false;
  while (i < limit && classOf[text[i] as number] === bytes.operator) {
    const byte = text[i] as number;
    // `:` and `$` share the class but begin tokens of their own
    if (byte === 0x3a || byte === 0x24) break;
    const next = text[i + 1];
    if (i > start && ((byte === 0x2d && next === 0x2d) || (byte === 0x2f && next === 0x2a))) break;
    if (isPlusMinusMagic(byte)) magic = true;
    i++;
  }
  if (!magic) while (i > start + 1 && (text[i - 1] === 0x2b || text[i - 1] === 0x2d)) i--;
  return i;
}

const twoBytes = new Set(['<=', '>=', '<>', '!=', '&&', '||', '<<', '>>', '->']);

export function endOfMysqlOperator(text: Buffer, start: number): number {
  const three = text.toString('latin1', start, start + 3);
  if (three === '<=>' || three === '->>') return start + 3;
  return twoBytes.has(three.slice(0, 2)) ? start + 2 : start + 1;
}
