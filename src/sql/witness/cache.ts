/** A map that never outgrows its limit: oldest out first. Keys are whole texts, so a hit is never a collision. */

export class BoundedCache<V> {
  private readonly map = new Map<string, V>();
  private characters = 0;
  private readonly maxCharacters: number;

  /** `maxCharacters`: total length of the keys. */
  constructor(maxCharacters: number) {
    this.maxCharacters = maxCharacters;
  }

  get(key: string): V | undefined {
    return this.map.get(key);
  }

  /** `key` must not be in the map. */
  add(key: string, value: V): void {
    this.map.set(key, value);
    this.characters += key.length;
    for (const oldest of this.map.keys()) {
      if (this.characters <= this.maxCharacters) break;
      this.map.delete(oldest);
      this.characters -= oldest.length;
    }
  }

  clear(): void {
    this.map.clear();
    this.characters = 0;
  }

  get size(): number {
    return this.map.size;
  }
}
