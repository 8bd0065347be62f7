/** Seeded random numbers: an input is made again from its number. Mulberry32 (Tommy Ettinger), fast and good enough here. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // The first numbers of neighbouring seeds are alike.
    this.#state = Math.imul(this.next() ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  }

  /** 0 … 2^32 - 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 … limit - 1 */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.next() % limit;
  }

  /** Smaller values are likelier. 1 … limit */
  few(limit: number): number {
    return 1 + this.below(1 + this.below(limit));
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<Item>(list: readonly Item[]): Item {
    return list[this.below(list.length)] as Item;
  }

  /** Views of the bytes, in order. @param most longest pieces, of which one is drawn for all */
  pieces(bytes: Buffer, most: readonly number[]): Buffer[] {
    const limit = this.pick(most);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + this.below(limit);
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    return pieces;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.next();
    return bytes;
  }
}
