/**
 * The page's live data as server-sent events: everything at first, then what is new every two seconds. A reader that does
 * not keep up is let go; the page comes back by itself.
 */
import type { ServerResponse } from 'node:http';
import type { Findings } from './findings.ts';
import type { History } from './history.ts';
import { plotted, type Point, type Summary } from './summary.ts';

interface Reader {
  response: ServerResponse;
  /** Findings that it has been told. */
  findings: number;
}

const mostReaders = 16;
/** Of one message; the page shows no more, and /findings has them all. */
const mostFindings = 50;
/** What may wait for a reader when there is more to tell it. */
const mostWaiting = 1024 * 1024;

export class Events {
  readonly #readers = new Set<Reader>();
  readonly #findings: Findings;
  readonly #history: History;

  constructor(findings: Findings, history: History) {
    this.#findings = findings;
    this.#history = history;
  }

  start(): void {
    this.#history.start((summary, point) => {
      for (const reader of this.#readers) this.#tell(reader, 'more', summary, [point]);
    });
  }

  stop(): void {
    this.#history.stop();
    for (const { response } of this.#readers) response.end();
  }

  /** @returns false: there are as many readers as may be */
  async add(response: ServerResponse): Promise<boolean> {
    if (this.#readers.size >= mostReaders) return false;
    const reader: Reader = { response, findings: 0 };
    this.#readers.add(reader);
    response.on('close', () => this.#readers.delete(reader));
    const summary = await this.#history.now();
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.#tell(reader, 'all', summary, this.#history.points);
    return true;
  }

  #tell(reader: Reader, event: string, summary: Summary, points: readonly Point[]): void {
    const { response } = reader;
    if (!response.headersSent && event === 'more') return;
    if (response.writableLength > mostWaiting) {
      response.destroy();
      return;
    }
    const findings = this.#findings.list(reader.findings).slice(0, mostFindings);
    reader.findings = this.#findings.total;
    const data = JSON.stringify({ ...summary, findings, plotted, points });
    response.write(`event: ${event}\ndata: ${data}\n\n`);
  }
}
