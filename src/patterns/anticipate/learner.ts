/**
 * Which SELECTs open a transaction that deletes what they found, by list or row by row, or that found nothing and inserts?
 * Learnt from what sessions see, so that an operator need not know: a shape that was seen often enough is proposed as a
 * rule, which a person reviews. Nothing that is learnt here decides about a statement.
 *
 * Invariants: bounded by `shapes`; counts fade by half within `halfLife`; no literal. No clock: `now` is given.
 */
export interface LearnSettings {
  /** Transactions of a shape until it is proposed. */
  after: number;
  /** Milliseconds until what was seen counts half. */
  halfLife: number;
  /** Shapes that are remembered; over it the one that was seen least goes. */
  shapes: number;
}

/** How a transaction went on behind the SELECT. alone: otherwise, so that the guard would have been in vain. */
export type Ending = 'by-list' | 'row-loop' | 'empty' | 'alone';

export interface Seen {
  listener: string;
  database: string;
  /** `table` or `schema.table`, as the statement has it. */
  table: string;
  fingerprint: string;
  ending: Ending;
  /** It was the first statement of its transaction that read or wrote. */
  opening: boolean;
  /** With constants masked; undefined where they cannot be. */
  text?: string | undefined;
}

export interface Shape extends Omit<Seen, 'ending' | 'opening'> {
  counts: Record<Ending, number>;
  opening: number;
  /** Monotonic milliseconds. */
  last: number;
  proposed: boolean;
}

export class Learner {
  readonly settings: LearnSettings;
  private readonly shapes = new Map<string, Shape>();
  private readonly elsewhere: ((seen: Seen) => void) | undefined;

  /** @param elsewhere who proposes in place of this process */
  constructor(settings: LearnSettings, elsewhere?: (seen: Seen) => void) {
    this.settings = settings;
    this.elsewhere = elsewhere;
  }

  /** Transactions that went on otherwise count for shapes that are known only. */
  knows(seen: Omit<Seen, 'ending' | 'opening' | 'text'>): boolean {
    return this.shapes.has(keyOf(seen));
  }

  /** @returns the shape, when it is to be proposed from now on */
  add(seen: Seen, now: number): Shape | undefined {
    const key = keyOf(seen);
    const known = this.shapes.get(key);
    if (known === undefined && seen.ending === 'alone') return undefined;
    this.elsewhere?.(seen);
    const { ending, opening, ...rest } = seen;
    const shape: Shape = known ?? { ...rest, counts: noneYet(), opening: 0, last: now, proposed: false };
    this.fade(shape, now);
    shape.counts[ending] += 1;
    if (opening) shape.opening += 1;
    if (known === undefined) this.insert(key, shape, now);
    if (shape.proposed || !this.isDue(shape)) return undefined;
    shape.proposed = true;
    return shape;
  }

  /** What is proposed now, what was seen most first. */
  proposals(now: number): Shape[] {
    const due: Shape[] = [];
    for (const shape of this.shapes.values()) {
      this.fade(shape, now);
      if (this.isDue(shape)) due.push(shape);
      else shape.proposed = false;
    }
    return due.toSorted((a, b) => weight(b) - weight(a));
  }

  /** An INSERT behind an empty result alone may be anybody's look-up: a DELETE has to have been seen as well. */
  private isDue({ counts }: Shape): boolean {
    const deletes = Math.round(counts['by-list'] + counts['row-loop']);
    return (
      deletes > 0 && Math.round(counts['by-list'] + counts['row-loop'] + counts.empty) >= this.settings.after
    );
  }

  private insert(key: string, shape: Shape, now: number): void {
    this.shapes.set(key, shape);
    if (this.shapes.size <= this.settings.shapes) return;
    let least: [string, number] | undefined;
    for (const [other, one] of this.shapes) {
      if (one === shape) continue;
      this.fade(one, now);
      if (least === undefined || weight(one) < least[1]) least = [other, weight(one)];
    }
    this.shapes.delete(least?.[0] ?? key);
  }

  private fade(shape: Shape, now: number): void {
    const factor = 0.5 ** (Math.max(0, now - shape.last) / this.settings.halfLife);
    for (const ending of endings) shape.counts[ending] *= factor;
    shape.opening *= factor;
    shape.last = now;
  }
}

const endings: readonly Ending[] = ['by-list', 'row-loop', 'empty', 'alone'];
const noneYet = (): Shape['counts'] => ({ 'by-list': 0, 'row-loop': 0, empty: 0, alone: 0 });

function weight({ counts }: Shape): number {
  return counts['by-list'] + counts['row-loop'] + counts.empty;
}

function keyOf({
  listener,
  database,
  table,
  fingerprint,
}: Omit<Seen, 'ending' | 'opening' | 'text'>): string {
  return [listener, database, table, fingerprint].join('\0');
}
