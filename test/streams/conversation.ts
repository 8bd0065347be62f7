/**
 * Turns the recorded events of one connection into a conversation: what the client sends, flight by flight (a flight is
 * everything it sends before it waits), and what the server answers to each statement.
 *
 * Not in the captures and therefore made up: the log-in of a connection that was open before, statements that were
 * prepared in an earlier scenario, table OIDs and attribute numbers, and the rows beyond the five recorded ones.
 */
import type { Capture, CaptureEvent, Parameter } from './captures.ts';
import type { Catalog } from './catalog.ts';
import { client, type Column } from './encode.ts';
import type { Answer, Row } from './fake-server.ts';
import type { Entry } from './script.ts';
import { columnOrigins } from './select-list.ts';

export interface Conversation {
  label: string;
  flights: Buffer[][];
  script: Entry[];
  /** Transaction status of every recorded ReadyForQuery, log-in and preparation excepted. */
  statuses: string[];
  /** Flights that were made up in front of the recording. */
  preamble: number;
}

interface Pending {
  kind: 'query' | 'execute' | 'sync' | 'parse';
  sql: string;
  answers: Answer[];
}

const serverEvents = new Set(['rows', 'done', 'error', 'Z', 'EmptyQuery']);

export function conversations(capture: Capture, catalog: Catalog): Conversation[] {
  const connections = [...new Set(capture.events.map((event) => event.c))].filter((c) => c > 0);
  const name = `${capture.orm} ${capture.version} ${capture.driver} ${capture.scenario}`;
  return connections.map((c) => {
    const events = capture.events.filter((event) => event.c === c);
    return new Converter(`${name} #${c}`, events, catalog).convert();
  });
}

class Converter {
  readonly #out: Conversation;
  readonly #events: CaptureEvent[];
  readonly #catalog: Catalog;
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  #pending: Pending[] = [];
  #flight: Buffer[] = [];
  #startup: Record<string, string> = { user: 'app', database: 'orms' };
  #loggedIn = true;

  constructor(label: string, events: CaptureEvent[], catalog: Catalog) {
    this.#out = { label, flights: [], script: [], statuses: [], preamble: 0 };
    this.#events = events;
    this.#catalog = catalog;
  }

  convert(): Conversation {
    for (const [index, event] of this.#events.entries()) {
      if (serverEvents.has(event.m)) {
        this.#endFlight();
        this.#server(event, index);
      } else this.#client(event);
    }
    this.#endFlight();
    const preamble = [[client.startup(this.#startup)], [client.password('secret')], ...this.#prepared()];
    this.#out.flights.unshift(...preamble);
    this.#out.preamble = preamble.length;
    return this.#out;
  }

  #client(event: CaptureEvent): void {
    switch (event.m) {
      case 'Startup':
        this.#startup = event.params;
        this.#loggedIn = false;
        return;
      case 'Query':
        this.#pending.push({ kind: 'query', sql: event.sql, answers: [] });
        return this.#send(client.query(event.sql));
      case 'Parse':
        this.#statements.set(event.name, event.sql);
        this.#pending.push({ kind: 'parse', sql: event.sql, answers: [] });
        return this.#send(client.parse(event.name, event.sql, event.oids));
      case 'Bind':
        this.#portals.set(event.portal, this.#statements.get(event.stmt) ?? event.sql ?? '');
        return this.#send(
          client.bind(event.portal, event.stmt, event.params.map(bytes), event.pfmt, event.rfmt),
        );
      case 'Describe':
        return this.#send(client.describe(event.what, event.name));
      case 'Close':
        return this.#send(client.close(event.what, event.name));
      case 'Execute':
        this.#pending.push({ kind: 'execute', sql: this.#portals.get(event.portal) ?? '', answers: [] });
        return this.#send(client.execute(event.portal, event.max));
      case 'Sync':
        this.#pending.push({ kind: 'sync', sql: '', answers: [] });
        return this.#send(client.sync());
      case 'Flush':
        return this.#send(client.flush());
      case 'Terminate':
        return this.#send(client.terminate());
      default:
        throw new Error(`unknown event ${event.m}`);
    }
  }

  #server(event: CaptureEvent, index: number): void {
    if (event.m === 'Z') return this.#ready(event.tx);
    const answer = this.#answer(event, index);
    const executing = this.#pending.find((one) => one.kind !== 'parse' && one.kind !== 'sync' && open(one));
    const target = executing ?? this.#pending.find((one) => one.kind === 'parse');
    if (target === undefined) throw new Error(`${this.#out.label}: answer without a statement`);
    target.answers.push(answer);
  }

  /** Everything up to the Query or Sync is answered now; what has no answer was skipped after an error. */
  #ready(status: string): void {
    if (!this.#loggedIn) {
      this.#loggedIn = true;
      return;
    }
    const end = this.#pending.findIndex((one) => one.kind === 'query' || one.kind === 'sync');
    for (const one of this.#pending.splice(0, end + 1)) {
      // The fake server answers the empty query by itself.
      const answers = one.answers.filter((answer) => answer.kind !== 'empty');
      if (answers.length > 0) this.#out.script.push({ sql: one.sql, answers });
    }
    this.#out.statuses.push(status);
  }

  #answer(event: CaptureEvent, index: number): Answer {
    switch (event.m) {
      case 'rows':
        return this.#rows(event, index);
      case 'done':
        return { kind: 'done', tag: event.tag };
      case 'EmptyQuery':
        return { kind: 'empty' };
      case 'error':
        return { kind: 'error', error: { ...event, message: event.msg } };
      default:
        throw new Error(`unknown answer ${event.m}`);
    }
  }

  #rows(event: Extract<CaptureEvent, { m: 'rows' }>, index: number): Answer {
    const sql =
      this.#pending.find((one) => one.kind !== 'parse' && one.kind !== 'sync' && open(one))?.sql ?? '';
    const origins = columnOrigins(sql, event.cols, this.#catalog);
    const columns = event.cols.map((name, at): Column => {
      const origin = origins[at] ?? { table: 0, attribute: 0 };
      return { name, ...origin, type: event.oids[at] ?? 25, format: Number(event.fmt[at] ?? 0) };
    });
    const rows: Row[] = [...event.sample, ...syntheticRows(event, laterLists(this.#events.slice(index)))];
    return { kind: 'rows', columns, rows, tag: event.tag };
  }

  /** Parse and Sync for statements that are bound and were parsed before the recording began. */
  #prepared(): Buffer[][] {
    const parsed = new Set<string>();
    const missing = new Map<string, string>();
    for (const event of this.#events) {
      if (event.m === 'Parse') parsed.add(event.name);
      if (event.m === 'Bind' && !parsed.has(event.stmt)) missing.set(event.stmt, event.sql ?? '');
    }
    return [...missing].map(([name, sql]) => [client.parse(name, sql), client.sync()]);
  }

  #send(bytesOut: Buffer): void {
    this.#flight.push(bytesOut);
  }

  #endFlight(): void {
    if (this.#flight.length > 0) this.#out.flights.push(this.#flight);
    this.#flight = [];
  }
}

/** A Query may have several answers, an Execute has one. */
function open(one: Pending): boolean {
  return one.kind === 'query' || one.answers.length === 0;
}

function bytes(parameter: Parameter): Buffer | string | null {
  return parameter !== null && typeof parameter === 'object' ? Buffer.from(parameter.bin, 'hex') : parameter;
}

/** Integers in the id lists of the DELETEs up to the end of the transaction. */
function laterLists(events: CaptureEvent[]): string[] {
  const end = events.findIndex((event) => event.m === 'Z' && event.tx === 'I');
  const texts = events
    .slice(0, end < 0 ? undefined : end)
    .map((event) => ('sql' in event ? (event.sql ?? '') : ''));
  return texts
    .filter((sql) => /^delete\b/i.test(sql))
    .flatMap((sql) => /\bin \(([\d, ]+)\)/i.exec(sql)?.[1]?.split(', ') ?? []);
}

/**
 * The rows that were not recorded: the last recorded one again with another value in its first column, taken from the
 * list that is deleted later when that list has as many values as there are rows.
 */
function syntheticRows(event: Extract<CaptureEvent, { m: 'rows' }>, listed: string[]): Row[] {
  const last = event.sample.at(-1) ?? [];
  const known = new Set(event.sample.map((row) => row[0]));
  const others = listed.filter((one) => !known.has(one));
  const missing = event.n - event.sample.length;
  const first = Number(last[0] ?? 0);
  const values =
    others.length === missing ? others : Array.from({ length: missing }, (_, at) => String(first + at + 1));
  return values.map((one) => [one, ...last.slice(1)]);
}
