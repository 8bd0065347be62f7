/** PostgreSQL, and what speaks its protocol. */
import { outsider, splitDeleter, splitDeleteRows, splitDeleteTables } from '../demo/split-delete.ts';
import { Observer } from '../demo/schedule.ts';
import { allPairs, pairs, type Stage } from './stage.ts';

const inUse = `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\\_%'`;

/** @param url with user, password and the scratch database */
export async function postgresStage(url: string): Promise<Stage> {
  const { default: driver } = await import('pg');
  const client = new driver.Client({ connectionString: url, application_name: 'interlock verify' });
  await client.connect();
  const all = async (statements: readonly string[]): Promise<void> => {
    for (const text of statements) await client.query(text);
  };
  const { rows } = await client.query<{ version: string }>('SELECT version() AS version');
  return {
    product: rows[0]?.version ?? '',
    tables: async () => (await client.query<{ name: string }>(inUse)).rows.map(({ name }) => name),
    create: () => all(splitDeleteTables),
    reset: (start) => all(splitDeleteRows[start]),
    rows: async () => pairs((await client.query(allPairs)).rows as Parameters<typeof pairs>[0]),
    drop: () => all(['DROP TABLE IF EXISTS shop_cart, shop_customer, shop_product']),
    session: (app, name, isolation) => splitDeleter(app, name, 'simple', isolation),
    outsider: (name, statement) => outsider(url, name, statement),
    watcher: (guardWaiting) => Observer.connect(url, guardWaiting),
    end: () => client.end(),
  };
}
