/**
 * The application of Django ticket 23576 where it was reported, on MySQL: delete what a filter over joined tables finds,
 * then insert anew. @see src/demo/split-delete.ts for the same on PostgreSQL and for the letters of the
 * steps; A and V begin otherwise than B.
 */
import { randomBytes } from 'node:crypto';
import type { Actor } from '../../demo/schedule.ts';
import { inList, isolate, MysqlSession, type Isolation, type Protocol, type Value } from './session.ts';

/** Where the keys come from. Random ones sort anywhere, so a new row may lie behind a scan that waits. */
export type Keys = 'auto-increment' | 'char' | 'binary';

interface Cart {
  table: string;
  type: string;
  /** Undefined: the server makes it. */
  newKey: () => Value | undefined;
}

export const carts: Record<Keys, Cart> = {
  'auto-increment': { table: 'shop_cart', type: 'int NOT NULL AUTO_INCREMENT', newKey: () => undefined },
  char: { table: 'shop_cart_char', type: 'char(32) NOT NULL', newKey: () => randomBytes(16).toString('hex') },
  binary: { table: 'shop_cart_binary', type: 'binary(16) NOT NULL', newKey: () => randomBytes(16) },
};

/** Two parents and a table with the unique pair for each kind of key. Products 1 and 4 are active. */
export const splitDeleteTables = [
  `DROP TABLE IF EXISTS ${Object.values(carts)
    .map((cart) => cart.table)
    .join(', ')}, shop_customer, shop_product`,
  'CREATE TABLE shop_customer (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT NULL) ENGINE=InnoDB',
  'CREATE TABLE shop_product (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, active bool NOT NULL) ENGINE=InnoDB',
  ...Object.values(carts).map(
    ({ table, type }) => `CREATE TABLE ${table} (id ${type} PRIMARY KEY, customer_id int NOT NULL,
      product_id int NOT NULL, UNIQUE KEY pair (customer_id, product_id),
      FOREIGN KEY (customer_id) REFERENCES shop_customer (id),
      FOREIGN KEY (product_id) REFERENCES shop_product (id)) ENGINE=InnoDB`,
  ),
  `INSERT INTO shop_customer (name) VALUES ('one'), ('two')`,
  'INSERT INTO shop_product (active) VALUES (true), (false), (false), (true)',
];

/** The rows a run starts from. The schedules rely on 100 to 102, so that there is room below. */
export function cartRows(start: 'full' | 'empty', keys: Keys = 'auto-increment'): string[] {
  const { table } = carts[keys];
  const key = (n: number): string => {
    if (keys === 'auto-increment') return String(n);
    const hex = randomBytes(16).toString('hex');
    return keys === 'char' ? `'${hex}'` : `x'${hex}'`;
  };
  const pairs = ['1, 1', '1, 2', '2, 1'].map((pair, index) => `(${key(100 + index)}, ${pair})`);
  return [
    `TRUNCATE ${table}`,
    'UPDATE shop_product SET active = id IN (1, 4)',
    `INSERT INTO ${table} (id, customer_id, product_id) VALUES ${pairs.slice(start === 'full' ? 0 : 1).join(', ')}`,
  ];
}

export const filterOf = (table: string): string =>
  `SELECT \`${table}\`.\`id\` FROM \`${table}\` ` +
  `INNER JOIN \`shop_customer\` ON (\`${table}\`.\`customer_id\` = \`shop_customer\`.\`id\`) ` +
  `INNER JOIN \`shop_product\` ON (\`${table}\`.\`product_id\` = \`shop_product\`.\`id\`) ` +
  `WHERE (\`shop_customer\`.\`name\` = ? AND \`shop_product\`.\`active\`)`;

export async function splitDeleter(
  url: string,
  name: string,
  protocol: Protocol,
  isolation: Isolation,
  keys: Keys = 'auto-increment',
): Promise<Actor> {
  const session = await MysqlSession.connect(url, name, protocol);
  await isolate(session, isolation);
  const { table, newKey } = carts[keys];
  const filter = filterOf(table);
  let ids: Value[] = [];
  const insert = (key: Value | undefined): Promise<string> =>
    key === undefined
      ? session.ok(`INSERT INTO \`${table}\` (\`customer_id\`, \`product_id\`) VALUES (?, ?)`, [1, 1])
      : session.ok(`INSERT INTO \`${table}\` (\`id\`, \`customer_id\`, \`product_id\`) VALUES (?, ?, ?)`, [
          key,
          1,
          1,
        ]);
  return session.actor({
    B: () => session.ok('BEGIN'),
    // Once, in place of every BEGIN; and a transaction whose snapshot is taken before its first read.
    A: () => session.ok('SET autocommit = 0'),
    V: () => session.ok('START TRANSACTION WITH CONSISTENT SNAPSHOT'),
    S: async () => {
      const { rows } = await session.query(filter, ['one']);
      ids = rows.map((row) => row.id as Value);
      return `${ids.length} ids`;
    },
    D: async () => {
      if (ids.length === 0) return 'not sent';
      const where = inList(`\`${table}\`.\`id\``, ids.length);
      const { count } = await session.query(`DELETE FROM \`${table}\` WHERE ${where}`, ids);
      return count === 1 ? '1 row' : `${count} rows`;
    },
    I: () => insert(newKey()),
    L: () => insert(50),
    C: () => session.ok('COMMIT'),
  });
}

/** Somebody else, one statement (W) in a transaction of its own (B, C) or without one. */
export async function outsider(url: string, name: string, statement: string): Promise<Actor> {
  const session = await MysqlSession.connect(url, name);
  return session.actor({
    B: () => session.ok('BEGIN'),
    W: () => session.ok(statement),
    C: () => session.ok('COMMIT'),
  });
}
