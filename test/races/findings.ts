/** What the proxy's log says about the statements of a run. A log line may arrive after the reply it is about. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine, Proxy } from '../support/proxy.ts';

export class FindingReader {
  private readonly proxy: Proxy;
  private seen: number;

  constructor(proxy: Proxy) {
    this.proxy = proxy;
    this.seen = proxy.findings().length;
  }

  /** The next `count` findings; fails when they do not come. */
  async next(count: number): Promise<LogLine[]> {
    for (
      const deadline = Date.now() + 5_000;
      this.proxy.findings().length < this.seen + count;
      await delay(5)
    ) {
      if (Date.now() > deadline) break;
    }
    const lines = this.proxy.findings().slice(this.seen);
    this.seen += lines.length;
    return lines;
  }
}

/** `rewritten`, or `refused isolation`: sorted, one for each finding. */
export const decisions = (lines: readonly LogLine[]): string[] =>
  lines
    .map((line) => `${String(line.decision)} ${typeof line.reason === 'string' ? line.reason : ''}`.trim())
    .toSorted();

export const repeated = (text: string, count: number): string[] => Array.from({ length: count }, () => text);
