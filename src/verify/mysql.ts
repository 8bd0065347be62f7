/** MySQL and MariaDB, and what speaks their protocol. */
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { guardKeyMysql } from '../patterns/guard.ts';
import { MysqlObserver } from './mysql/observer.ts';
import { carts, cartRows, outsider, splitDeleter, splitDeleteTables } from './mysql/split-delete.ts';
import { allPairs, pairs, type Stage } from './stage.ts';

const tables = [...Object.values(carts).map(({ table }) => table), 'shop_customer', 'shop_product'];

/** @param url with user, password and the scratch database */
export async function mysqlStage(url: string, database: string): Promise<Stage> {
  const connection = await createConnection(url);
  const ask = async (text: string): Promise<RowDataPacket[]> => {
    const [rows] = await connection.query<RowDataPacket[]>(text);
    return rows;
  };
  const all = async (statements: readonly string[]): Promise<void> => {
    for (const text of statements) await connection.query(text);
  };
  const guard = guardKeyMysql(database, 'shop_cart').name;
  const [version] = await ask("SELECT CONCAT(@@version, ' ', @@version_comment) AS version");
  return {
    product: String(version?.version),
    tables: async () =>
      (
        await ask('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()')
      ).map(({ name }) => String(name)),
    create: () => all(splitDeleteTables),
    reset: (start) => all(cartRows(start)),
    rows: async () => pairs((await ask(allPairs)) as unknown as Parameters<typeof pairs>[0]),
    drop: () => all([`DROP TABLE IF EXISTS ${tables.join(', ')}`]),
    session: (app, name, isolation) => splitDeleter(app, name, 'text', isolation),
    outsider: (name, statement) => outsider(url, name, statement),
    watcher: (guardWaiting) => MysqlObserver.connect(url, guardWaiting, guard),
    end: () => connection.end(),
  };
}
