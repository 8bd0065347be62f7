/**
 * Where a number ends and whether it is one. Used by the lexer (step 4 of the flow).
 *
 * Sources: PostgreSQL 18, scan.l (numeric literals, trailing junk is an error since 15); MySQL 8.4 manual 11.1.2 and
 * 11.2 (names may begin with a digit).
 */
import { isDigit, isWordByte } from './bytes.ts';

/** Offset behind the digits, letters, one dot and signed exponent at `start`; -1 for `1..2`, which SQL does not have. */
export function endOfNumber(text: Uint8Array, start: number): number {
  let letters = false;
  let dot = false;
  let i = start;
  while (i < text.length) {
    const byte = text[i] as number;
    if (isDigit(byte) || byte === 0x5f) i++;
    else if (byte === 0x2e) {
      if (text[i + 1] === 0x2e) return -1;
      if (dot || letters) break;
      dot = true;
      i++;
    } else if (isWordByte[byte] === 1) {
      // 1e+5: a sign belongs to the number behind an exponent's e, unless this is 0xE+1
      const sign = text[i + 1] === 0x2b || text[i + 1] === 0x2d;
      const exponent = (byte | 0x20) === 0x65 && !letters && sign && isDigit(text[i + 2] ?? 0);
      letters = true;
      i += exponent ? 2 : 1;
    } else break;
  }
  return i;
}

/** Digits and a dot. */
export function isPlainNumber(text: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = text[i] as number;
    if (!isDigit(byte) && byte !== 0x2e) return false;
  }
  return true;
}

const lettered =
  /^(?:0x(?:_?[0-9a-f])+|0o(?:_?[0-7])+|0b(?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:e[+-]?\d(?:_?\d)*)?)$/i;

/** Exponent, radix prefix or digit groups. */
export function isLetteredNumber(text: Buffer, start: number, end: number): boolean {
  return lettered.test(text.toString('latin1', start, end));
}

const mysqlNumber = /^(?:0x[0-9a-fA-F]+|0b[01]+|\d+[eE]\d+|\d+[eE][+-]\d+)$/;

/** MySQL, MariaDB: `1a` is a name, and so is `0X1F`. */
export function isWordOfDigits(text: Buffer, start: number, end: number): boolean {
  const word = text.toString('latin1', start, end);
  return !word.includes('.') && !mysqlNumber.test(word);
}
