/**
 * The application of Django ticket 23576: delete what a filter over joined tables finds, then insert anew. The ORM
 * sends the filter as a SELECT of ids and deletes by the list. Shared by the demo and the race tests.
 */
import { AppSession, begin, placeholders, type Isolation, type Protocol } from './app-session.ts';
import type { Actor } from './schedule.ts';

/** Two parents and the table with the unique pair. Products 1 and 4 are active, so (1,1) matches the filter and (1,2) does not. */
export const splitDeleteTables = [
  'DROP TABLE IF EXISTS shop_cart, shop_customer, shop_product',
  'CREATE TABLE shop_customer (id serial PRIMARY KEY, name text NOT NULL)',
  'CREATE TABLE shop_product (id serial PRIMARY KEY, active boolean NOT NULL)',
  `CREATE TABLE shop_cart (id serial PRIMARY KEY, customer_id integer NOT NULL REFERENCES shop_customer DEFERRABLE INITIALLY DEFERRED,
     product_id integer NOT NULL REFERENCES shop_product DEFERRABLE INITIALLY DEFERRED, UNIQUE (customer_id, product_id))`,
  'ALTER SEQUENCE shop_cart_id_seq START 1000 RESTART',
  `INSERT INTO shop_customer (name) VALUES ('one'), ('two')`,
  'INSERT INTO shop_product (active) VALUES (true), (false), (false), (true)',
];

/** The rows a schedule starts from; their ids are above 50 and below what the sequence gives. */
export const splitDeleteRows = {
  full: [
    'TRUNCATE shop_cart RESTART IDENTITY',
    'UPDATE shop_product SET active = id IN (1, 4)',
    'INSERT INTO shop_cart (id, customer_id, product_id) VALUES (100, 1, 1), (101, 1, 2), (102, 2, 1)',
  ],
  empty: [
    'TRUNCATE shop_cart RESTART IDENTITY',
    'UPDATE shop_product SET active = id IN (1, 4)',
    'INSERT INTO shop_cart (id, customer_id, product_id) VALUES (101, 1, 2), (102, 2, 1)',
  ],
};

export const filter =
  'SELECT "shop_cart"."id" FROM "shop_cart" ' +
  'INNER JOIN "shop_customer" ON ("shop_cart"."customer_id" = "shop_customer"."id") ' +
  'INNER JOIN "shop_product" ON ("shop_cart"."product_id" = "shop_product"."id") ' +
  'WHERE ("shop_customer"."name" = $1 AND "shop_product"."active")';

/**
 * Steps: B begin · S select ids · D delete them, nothing is sent for an empty list · I insert (1,1) · L insert it with an
 * id below all others · C commit.
 */
export async function splitDeleter(
  url: string,
  name: string,
  protocol: Protocol,
  isolation: Isolation,
): Promise<Actor> {
  const session = await AppSession.connect(url, name, protocol);
  let ids: number[] = [];
  return session.actor({
    B: () => session.ok(begin(isolation)),
    S: async () => {
      const { rows } = await session.query(filter, ['one']);
      ids = rows.map((row) => Number(row.id));
      return `id ${ids.join(', ')}`;
    },
    D: async () => {
      if (ids.length === 0) return 'not sent';
      const list = placeholders(ids.length);
      const { count } = await session.query(
        `DELETE FROM "shop_cart" WHERE "shop_cart"."id" IN (${list})`,
        ids,
      );
      return count === 1 ? '1 row' : `${count} rows`;
    },
    I: () => session.ok('INSERT INTO "shop_cart" ("customer_id", "product_id") VALUES ($1, $2)', [1, 1]),
    L: () =>
      session.ok(
        'INSERT INTO "shop_cart" ("id", "customer_id", "product_id") VALUES ($1, $2, $3)',
        [50, 1, 1],
      ),
    C: () => session.ok('COMMIT'),
  });
}

/** Somebody else, one statement (W) in a transaction of its own (B, C) or without one. */
export async function outsider(url: string, name: string, statement: string): Promise<Actor> {
  const session = await AppSession.connect(url, name);
  return session.actor({
    B: () => session.ok('BEGIN'),
    W: () => session.ok(statement),
    C: () => session.ok('COMMIT'),
  });
}
