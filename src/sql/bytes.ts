/** Byte classes for the lexer (step 4 of the flow): one table look-up decides what a token is. */

export const bytes = {
  other: 0,
  blank: 1,
  word: 2,
  digit: 3,
  punctuation: 4,
  quote: 5,
  operator: 6,
} as const;

export const classOf = new Uint8Array(256);
/** 1 for letters, digits, `_`, `$` and everything above ASCII: what continues a word. */
export const isWordByte = new Uint8Array(256);

function mark(characters: string, kind: number): void {
  for (const character of characters) classOf[character.charCodeAt(0)] = kind;
}

mark(' \t\n\r\f\v', bytes.blank);
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', bytes.word);
mark('0123456789', bytes.digit);
mark('()[],;.', bytes.punctuation);
mark('\'"', bytes.quote);
mark('+-*/<>=~!@#%^&|?:$', bytes.operator);
// a backtick is an operator character in PG's scan.l, but no operator of that name can be made there
mark('`', bytes.quote);
for (let byte = 0x80; byte < 0x100; byte++) classOf[byte] = bytes.word;
for (let byte = 0; byte < 0x100; byte++) {
  if (classOf[byte] === bytes.word || classOf[byte] === bytes.digit || byte === 0x24) isWordByte[byte] = 1;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

const magic = new Uint8Array(256);
for (const character of '~!@#%^&|`?') magic[character.charCodeAt(0)] = 1;

/** PG: an operator that holds one of these may end in + or -. */
export function isPlusMinusMagic(byte: number): boolean {
  return magic[byte] === 1;
}
