/**
 * The application of Django ticket 23576: delete what a filter over joined tables finds, then insert anew. The ORM
 * sends the filter as a SELECT of ids and deletes by the list. Shared by the demo and the race tests.
 */
import { AppSession, placeholders, type Protocol } from './app-session.ts';
import type { Actor } from './schedule.ts';

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ';

/** Two parents and the table with the unique pair. Products 1 and 4 are active, so (1,1) matches the filter and (1,2) does not. */
export const splitDeleteTables = [
  'DROP TABLE IF EXISTS shop_cart, shop_customer, shop_product',
  'CREATE TABLE shop_customer (id serial PRIMARY KEY, name text NOT NULL)',
  'CREATE TABLE shop_product (id serial PRIMARY KEY, active boolean NOT NULL)',
  `CREATE TABLE shop_cart (id serial PRIMARY KEY, customer_id integer NOT NULL REFERENCES shop_customer DEFERRABLE INITIALLY DEFERRED,
     product_id integer NOT NULL REFERENCES shop_product DEFERRABLE INITIALLY DEFERRED, UNIQUE (customer_id, product_id))`,
  `INSERT INTO shop_customer (name) VALUES ('one'), ('two')`,
  'INSERT INTO shop_product (active) VALUES (true), (false), (false), (true)',
];

/** The rows a schedule starts from; ids from 100 on, so that there is room below. */
export const splitDeleteRows = {
  full: [
    'TRUNCATE shop_cart',
    'UPDATE shop_product SET active = id IN (1, 4)',
    'INSERT INTO shop_cart (id, customer_id, product_id) VALUES (100, 1, 1), (101, 1, 2), (102, 2, 1)',
  ],
  empty: [
    'TRUNCATE shop_cart',
    'UPDATE shop_product SET active = id IN (1, 4)',
    'INSERT INTO shop_cart (id, customer_id, product_id) VALUES (101, 1, 2), (102, 2, 1)',
  ],
};

export const filter =
  'SELECT "shop_cart"."id" FROM "shop_cart" ' +
  'INNER JOIN "shop_customer" ON ("shop_cart"."customer_id" = "shop_customer"."id") ' +
  'INNER JOIN "shop_product" ON ("shop_cart"."product_id" = "shop_product"."id") ' +
  'WHERE ("shop_customer"."name" = $1 AND "shop_product"."active")';

export interface SplitDeleter extends Actor {
  session: AppSession;
  /** Rows that the DELETE reported; undefined when none was sent. */
  deleted(): number | undefined;
}

/**
 * Steps: B begin · S select ids · D delete them, nothing is sent for an empty list · I insert (1,1) · L insert it with an
 * id below all others · C commit.
 */
export async function splitDeleter(
  url: string,
  name: string,
  protocol: Protocol,
  isolation: Isolation,
): Promise<SplitDeleter> {
  const session = await AppSession.connect(url, name, protocol);
  let ids: number[] = [];
  let deleted: number | undefined;
  const steps: Actor['steps'] = {
    B: async () =>
      void (await session.query(
        isolation === 'READ COMMITTED' ? 'BEGIN' : `BEGIN ISOLATION LEVEL ${isolation}`,
      )),
    S: async () => {
      const { rows } = await session.query(filter, ['one']);
      ids = rows.map((row) => Number(row.id));
    },
    D: async () => {
      if (ids.length === 0) return;
      const { count } = await session.query(
        `DELETE FROM "shop_cart" WHERE "shop_cart"."id" IN (${placeholders(ids.length)})`,
        ids,
      );
      deleted = count;
    },
    I: async () =>
      void (await session.query(
        'INSERT INTO "shop_cart" ("customer_id", "product_id") VALUES ($1, $2)',
        [1, 1],
      )),
    L: async () =>
      void (await session.query(
        'INSERT INTO "shop_cart" ("id", "customer_id", "product_id") VALUES ($1, $2, $3)',
        [50, 1, 1],
      )),
    C: async () => void (await session.query('COMMIT')),
  };
  const rollback = async (): Promise<void> => void (await session.query('ROLLBACK'));
  return {
    name,
    pid: session.pid,
    session,
    steps,
    rollback,
    end: () => session.end(),
    deleted: () => deleted,
  };
}

/** Somebody else, one statement (W) in a transaction of its own (B, C) or without one. */
export async function outsider(url: string, name: string, statement: string): Promise<Actor> {
  const session = await AppSession.connect(url, name);
  const steps: Actor['steps'] = {
    B: async () => void (await session.query('BEGIN')),
    W: async () => void (await session.query(statement)),
    C: async () => void (await session.query('COMMIT')),
  };
  return {
    name,
    pid: session.pid,
    steps,
    rollback: async () => void (await session.query('ROLLBACK')),
    end: () => session.end(),
  };
}
