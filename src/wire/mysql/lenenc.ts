/** Length-encoded integers outside a Cursor: written into new packets, and skipped on the hot path without objects. */

/** The integer as bytes. @param value a safe integer, not negative */
export function lenenc(value: number | bigint): Buffer {
  if (value < 0xfb) return Buffer.from([Number(value)]);
  if (value <= 0xffff) {
    const bytes = Buffer.from([0xfc, 0, 0]);
    bytes.writeUInt16LE(Number(value), 1);
    return bytes;
  }
  if (value <= 0xffffff) {
    const bytes = Buffer.from([0xfd, 0, 0, 0]);
    bytes.writeUIntLE(Number(value), 1, 3);
    return bytes;
  }
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xfe;
  bytes.writeBigUInt64LE(BigInt(value), 1);
  return bytes;
}

/** Offset behind the integer at `at`; the caller checks it against the end of the packet. */
export function skipLenenc(buf: Buffer, at: number): number {
  const first = buf[at] ?? 0;
  if (first < 0xfc) return at + 1;
  if (first === 0xfc) return at + 3;
  return first === 0xfd ? at + 4 : at + 9;
}
