/**
 * One connection of an application to MySQL or MariaDB, and the two ways drivers send a statement.
 *
 * Invariant: the application sends its statements and nothing else; whatever is rewritten is somebody else's doing.
 */
import {
  createConnection,
  format,
  type Connection,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise';
import type { Actor } from '../../demo/schedule.ts';

/** text: COM_QUERY with literals (mysqlclient, most ORMs); prepared: COM_STMT_PREPARE once per text, then COM_STMT_EXECUTE. */
export type Protocol = 'text' | 'prepared';
export const protocols: readonly Protocol[] = ['text', 'prepared'];

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ';

export type Value = string | number | Buffer;

/** A server's error by its number: `1062`. The driver's own `code` is a name, and the same for several numbers. */
export class ServerError extends Error {
  readonly code: string;
  constructor(errno: number, message: string) {
    super(message);
    this.code = String(errno);
  }
}

export interface Sent {
  rows: RowDataPacket[];
  /** Affected rows. */
  count: number;
}

const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ');
export const inList = (column: string, count: number): string => `${column} IN (${marks(count)})`;

export class MysqlSession {
  readonly name: string;
  readonly protocol: Protocol;
  /** CONNECTION_ID(), as the greeting gave it; the same through a 1:1 relay. */
  readonly pid: number;
  /** Texts in the order they were sent; question marks where values went separately. */
  readonly sent: string[] = [];
  private readonly connection: Connection;

  private constructor(name: string, protocol: Protocol, connection: Connection) {
    this.name = name;
    this.protocol = protocol;
    this.connection = connection;
    this.pid = connection.threadId;
  }

  static async connect(url: string, name: string, protocol: Protocol = 'text'): Promise<MysqlSession> {
    const connection = await createConnection(url);
    // A server that is stopped with sessions open is not this session's error to report.
    connection.on('error', () => undefined);
    return new MysqlSession(name, protocol, connection);
  }

  /** With `values` in the session's protocol. Without: as text, since BEGIN or SAVEPOINT cannot be prepared everywhere. */
  async query(text: string, values: readonly Value[] = []): Promise<Sent> {
    const prepared = this.protocol === 'prepared' && values.length > 0;
    const whole = prepared ? text : format(text, [...values]);
    this.sent.push(whole);
    try {
      const [result] = await (prepared
        ? this.connection.execute<RowDataPacket[] | ResultSetHeader>(text, [...values])
        : this.connection.query<RowDataPacket[] | ResultSetHeader>(whole));
      return Array.isArray(result) ? { rows: result, count: 0 } : { rows: [], count: result.affectedRows };
    } catch (error) {
      const { errno, message } = error as { errno?: number; message: string };
      throw errno === undefined ? error : new ServerError(errno, message);
    }
  }

  /** For statements that have nothing to tell. */
  async ok(text: string, values: readonly Value[] = []): Promise<string> {
    await this.query(text, values);
    return 'ok';
  }

  actor(steps: Actor['steps']): Actor {
    const { name, pid, sent } = this;
    return { name, pid, sent, steps, rollback: () => this.ok('ROLLBACK'), end: () => this.connection.end() };
  }
}

/** As Django and others set it, once per connection. */
export const isolate = (session: MysqlSession, isolation: Isolation): Promise<unknown> =>
  session.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
