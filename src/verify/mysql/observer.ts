/**
 * Who waits for a lock? Asked of the server itself, on a connection of its own.
 *
 * Invariant: exact the moment a lock is granted. On MySQL the lock tables of performance_schema are read live. MariaDB's
 * information_schema.INNODB_TRX is a copy that a steady stream of questions never renews, so the monitor is read instead.
 */
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';

/**
 * Row locks, and GET_LOCK while somebody else has the lock: a lock is listed as pending for a moment even when it is free,
 * and until its new owner runs again.
 */
const mysqlWaiting = `
  SELECT t.PROCESSLIST_ID AS id FROM performance_schema.data_lock_waits AS w
    JOIN performance_schema.threads AS t ON t.THREAD_ID = w.REQUESTING_THREAD_ID
  UNION
  SELECT t.PROCESSLIST_ID FROM performance_schema.metadata_locks AS m
    JOIN performance_schema.metadata_locks AS held
      ON held.OBJECT_TYPE = m.OBJECT_TYPE AND held.OBJECT_NAME = m.OBJECT_NAME AND held.LOCK_STATUS = 'GRANTED'
    JOIN performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID
    WHERE m.OBJECT_TYPE = 'USER LEVEL LOCK' AND m.LOCK_STATUS = 'PENDING' AND held.OWNER_THREAD_ID <> m.OWNER_THREAD_ID`;

/** Transactions of the monitor's output that wait for a row lock. */
export function lockWaits(status: string): number[] {
  return status.split(/^---TRANSACTION /m).flatMap((transaction) => {
    const [, id] = /^LOCK WAIT [^]*^MariaDB thread id (\d+),/m.exec(transaction) ?? [];
    return id === undefined ? [] : [Number(id)];
  });
}

/** Who holds a lock by name. MariaDB shows it through a plugin that test/support/mysql-engine.ts loads. */
const mysqlHolders = `SELECT t.PROCESSLIST_ID AS id FROM performance_schema.metadata_locks AS m
  JOIN performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID
  WHERE m.OBJECT_TYPE = 'USER LEVEL LOCK' AND m.LOCK_STATUS = 'GRANTED'`;
const mariadbHolders = `SELECT THREAD_ID AS id FROM information_schema.METADATA_LOCK_INFO WHERE LOCK_TYPE = 'User lock'`;

/**
 * The state alone lags behind: it stands until the waiter runs again. A lock that is granted has its new owner at once.
 * The name is what stands between the first quotes; where the session is a step further, it is nobody's lock.
 */
const mariadbNamed = `SELECT ID AS id FROM (
    SELECT ID, IS_USED_LOCK(LEFT(SUBSTRING_INDEX(SUBSTRING_INDEX(INFO, '''', 2), '''', -1), 64)) AS owner
    FROM information_schema.PROCESSLIST WHERE STATE = 'User lock') AS waiters
  WHERE owner <> ID`;

export class MysqlObserver {
  private readonly connection: Connection;
  private readonly mariadb: boolean;
  private readonly guardWaiting: (() => Promise<number>) | undefined;
  private readonly holders: string;

  private constructor(
    connection: Connection,
    mariadb: boolean,
    guardWaiting: (() => Promise<number>) | undefined,
    guard: string | undefined,
  ) {
    this.connection = connection;
    this.mariadb = mariadb;
    this.guardWaiting = guardWaiting;
    const named = `SELECT id FROM (SELECT IS_USED_LOCK('${guard}') AS id) AS holder WHERE id IS NOT NULL`;
    this.holders = guard !== undefined ? named : mariadb ? mariadbHolders : mysqlHolders;
  }

  /**
   * The account needs the PROCESS privilege, on MySQL also SELECT on performance_schema.
   * guard: the name of its lock; without one all user-level locks are listed, on MariaDB by a plugin.
   * guardWaiting: how many sessions wait in the proxy for the guard, which on the server look idle in transaction.
   */
  static async connect(
    url: string,
    guardWaiting?: () => Promise<number>,
    guard?: string,
  ): Promise<MysqlObserver> {
    const connection = await createConnection(url);
    connection.on('error', () => undefined);
    const [rows] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version');
    return new MysqlObserver(connection, String(rows[0]?.version).includes('MariaDB'), guardWaiting, guard);
  }

  /** Which of the busy sessions wait? @see Observer in src/demo/schedule.ts for the sessions that poll the guard. */
  async waiting(busy: readonly number[]): Promise<Set<number>> {
    const polling = this.guardWaiting === undefined ? 0 : await this.guardWaiting();
    const waiting = new Set(this.mariadb ? await this.mariadbWaiting() : await this.ids(mysqlWaiting));
    const unexplained = busy.filter((id) => !waiting.has(id));
    if (polling > 0 && polling >= unexplained.length) {
      const holders = await this.ids(this.holders);
      const held = holders.length > 0 && holders.every((id) => !unexplained.includes(id));
      if (held) for (const id of unexplained) waiting.add(id);
    }
    return new Set(busy.filter((id) => waiting.has(id)));
  }

  private async ids(text: string): Promise<number[]> {
    const [rows] = await this.connection.query<RowDataPacket[]>(text);
    return rows.map((row) => Number(row.id));
  }

  private async mariadbWaiting(): Promise<number[]> {
    const [rows] = await this.connection.query<RowDataPacket[]>('SHOW ENGINE INNODB STATUS');
    return [...lockWaits(String(rows[0]?.Status)), ...(await this.ids(mariadbNamed))];
  }

  end(): Promise<void> {
    return this.connection.end();
  }
}
