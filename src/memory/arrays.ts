/**
 * PostgreSQL arrays as a list of elements: the text literal `{1,"a b",NULL}` and the binary form of array_send.
 * Serves step 6: `key = ANY($1)`. One dimension only; anything else is not understood (undefined).
 */

/** Text of the elements; null is the unquoted NULL. (Manual: Arrays, "Array Input and Output Syntax".) */
export function textArray(text: string): (string | null)[] | undefined {
  const inner = /^\s*\{([\s\S]*)\}\s*$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  if (inner.trim() === '') return [];
  const elements: (string | null)[] = [];
  const element = /\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s",{}\\](?:[^",{}\\]*[^\s",{}\\])?))\s*(,|$)/y;
  while (element.lastIndex < inner.length || elements.length === 0) {
    const match = element.exec(inner);
    if (match === null) return undefined;
    const [, quoted, plain, separator] = match;
    if (quoted !== undefined) elements.push(quoted.replace(/\\([\s\S])/g, '$1'));
    else elements.push(plain === undefined || /^null$/i.test(plain) ? null : plain);
    if (separator === '') return elements;
    if (element.lastIndex >= inner.length) return undefined; // `{1,}`
  }
  return elements;
}

/** int32 dimensions, has-null flag, element OID, then per dimension length and lower bound, then length-prefixed values. */
export function binaryArray(bytes: Buffer): { type: number; elements: (Buffer | null)[] } | undefined {
  if (bytes.length < 12) return undefined;
  const dimensions = bytes.readInt32BE(0);
  const type = bytes.readUInt32BE(8);
  if (dimensions === 0) return bytes.length === 12 ? { type, elements: [] } : undefined;
  if (dimensions !== 1 || bytes.length < 20) return undefined;
  const count = bytes.readInt32BE(12);
  const elements: (Buffer | null)[] = [];
  let at = 20;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) return undefined;
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length === -1) {
      elements.push(null);
      continue;
    }
    if (length < 0 || at + length > bytes.length) return undefined;
    elements.push(bytes.subarray(at, at + length));
    at += length;
  }
  return at === bytes.length ? { type, elements } : undefined;
}
