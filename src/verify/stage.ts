/** What `interlock verify` needs of a server: a scratch database, sessions of an application, and who waits for whom. */
import type { Isolation } from '../demo/app-session.ts';
import type { Actor, Waiting } from '../demo/schedule.ts';

export interface Watcher extends Waiting {
  end(): Promise<void>;
}

export interface Stage {
  product: string;
  /** Names of what is in the scratch database already: it has to be empty. */
  tables(): Promise<string[]>;
  create(): Promise<void>;
  /** The rows that a schedule starts from. */
  reset(start: 'full' | 'empty'): Promise<void>;
  /** Pairs of shop_cart, `1,1 1,2`. */
  rows(): Promise<string>;
  drop(): Promise<void>;
  session(url: string, name: string, isolation: Isolation): Promise<Actor>;
  /** Straight to the server. */
  outsider(name: string, statement: string): Promise<Actor>;
  /** @param guardWaiting sessions that wait in the proxy */
  watcher(guardWaiting?: () => Promise<number>): Promise<Watcher>;
  end(): Promise<void>;
}

export const pairs = (rows: readonly { customer_id: unknown; product_id: unknown }[]): string =>
  rows.map((row) => `${String(row.customer_id)},${String(row.product_id)}`).join(' ');

export const allPairs = 'SELECT customer_id, product_id FROM shop_cart ORDER BY 1, 2';
