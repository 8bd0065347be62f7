/**
 * One connection of an application, and the ways drivers send a statement. Shared by the demo and the race tests.
 *
 * Invariant: the application sends its statements and nothing else; whatever is rewritten is somebody else's doing.
 */
import type pg from 'pg';
import type { Actor } from './schedule.ts';

/**
 * simple: literals in the text (psycopg2, most ORMs' default); extended: Parse/Bind/Execute of an unnamed statement
 * with parameters; named: the same with a statement that stays prepared.
 */
export type Protocol = 'simple' | 'extended' | 'named';

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ';
export const begin = (isolation: Isolation): string =>
  isolation === 'READ COMMITTED' ? 'BEGIN' : `BEGIN ISOLATION LEVEL ${isolation}`;

export type Value = string | number | boolean | readonly number[];

export interface Sent {
  text: string;
  rows: Record<string, unknown>[];
  count: number;
}

function literal(value: Value): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  return Array.isArray(value) ? `'{${value.join(',')}}'` : String(value);
}

/** `$1, $2, $3` from the first number on, for an IN list. */
export const placeholders = (count: number, first = 1): string =>
  Array.from({ length: count }, (_, index) => `$${first + index}`).join(', ');

export class AppSession {
  readonly name: string;
  readonly protocol: Protocol;
  /** Server process id, as BackendKeyData gave it; the same through a 1:1 relay. */
  readonly pid: number;
  /** Texts in the order they were sent. */
  readonly sent: string[] = [];
  private readonly client: pg.Client;

  private constructor(name: string, protocol: Protocol, client: pg.Client) {
    this.name = name;
    this.protocol = protocol;
    this.client = client;
    this.pid = (client as unknown as { processID: number }).processID;
  }

  static async connect(url: string, name: string, protocol: Protocol = 'simple'): Promise<AppSession> {
    const { default: driver } = await import('pg');
    const client = new driver.Client({ connectionString: url, application_name: name });
    // A server that is stopped with sessions open is not this session's error to report.
    client.on('error', () => undefined);
    await client.connect();
    return new AppSession(name, protocol, client);
  }

  /** `text` has $1, $2 … for `values`; in simple protocol they are written into the text as literals. */
  async query(text: string, values: readonly Value[] = []): Promise<Sent> {
    const whole = text.replaceAll(/\$(\d+)/g, (_, index: string) => literal(values[Number(index) - 1] ?? ''));
    this.sent.push(this.protocol === 'simple' ? whole : text);
    const result = await (this.protocol === 'simple'
      ? this.client.query(whole)
      : this.client.query({
          text,
          values: [...values],
          queryMode: 'extended',
          ...(this.protocol === 'named' ? { name: statementName(text) } : {}),
        } as pg.QueryConfig));
    return { text: whole, rows: result.rows as Record<string, unknown>[], count: result.rowCount ?? 0 };
  }

  /** For statements that have nothing to tell. */
  async ok(text: string, values: readonly Value[] = []): Promise<string> {
    await this.query(text, values);
    return 'ok';
  }

  end(): Promise<void> {
    return this.client.end();
  }

  actor(steps: Actor['steps']): Actor {
    const { name, pid, sent } = this;
    return { name, pid, sent, steps, rollback: () => this.ok('ROLLBACK'), end: () => this.end() };
  }
}

/** Drivers reuse a prepared statement by its text. */
const names = new Map<string, string>();
function statementName(text: string): string {
  const known = names.get(text) ?? `s${names.size + 1}`;
  names.set(text, known);
  return known;
}

/** SQLSTATE of a driver error, or its message. */
export function codeOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? String(error);
}
