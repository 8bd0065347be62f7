/** Values as PostgreSQL's send functions write them: independent of the code under test. */

export function int(width: 2 | 4 | 8, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes.subarray(8 - width);
}

/** `-12.50` -> numeric_send's bytes. */
export function numericBytes(text: string): Buffer {
  const negative = text.startsWith('-');
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const left = whole.padStart(Math.ceil(whole.length / 4) * 4, '0');
  const right = fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0');
  const digits = (left + right).match(/.{4}/g)?.map(Number) ?? [];
  let weight = left.length / 4 - 1;
  while (digits[0] === 0) {
    digits.shift();
    weight--;
  }
  while (digits.at(-1) === 0) digits.pop();
  const bytes = Buffer.alloc(8 + 2 * digits.length);
  bytes.writeInt16BE(digits.length, 0);
  bytes.writeInt16BE(digits.length === 0 ? 0 : weight, 2);
  bytes.writeUInt16BE(negative && digits.length > 0 ? 0x4000 : 0, 4);
  bytes.writeInt16BE(fraction.length, 6);
  digits.forEach((digit, at) => bytes.writeInt16BE(digit, 8 + 2 * at));
  return bytes;
}

export function textArrayOf(elements: (string | null)[]): string {
  const quoted = elements.map((one) => (one === null ? 'NULL' : `"${one.replace(/["\\]/g, '\\$&')}"`));
  return `{${quoted.join(',')}}`;
}

export function binaryArrayOf(type: number, elements: Buffer[]): Buffer {
  const head = Buffer.alloc(elements.length === 0 ? 12 : 20);
  head.writeUInt32BE(type, 8);
  if (elements.length > 0) {
    head.writeInt32BE(1, 0);
    head.writeInt32BE(elements.length, 12);
    head.writeInt32BE(1, 16);
  }
  const parts = elements.map((element) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(element.length);
    return Buffer.concat([length, element]);
  });
  return Buffer.concat([head, ...parts]);
}
