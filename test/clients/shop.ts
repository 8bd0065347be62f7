/** A small shop for the drivers, and what every test of this folder asks of the proxy at its end. */
import { expect } from 'vitest';
import type { Postgres } from '../support/postgres.ts';
import { pointed, run } from '../support/postgres.ts';
import type { Proxy } from '../support/proxy.ts';

export const shop = `
CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE book (id bigserial PRIMARY KEY, author_id int NOT NULL REFERENCES author, title text NOT NULL);
CREATE TABLE setting (id serial PRIMARY KEY, name text NOT NULL UNIQUE, value int NOT NULL);
CREATE TABLE every_type (
  b bool, i2 int2, i4 int4, i8 int8, n numeric, f float8, t text, v varchar(9), y bytea, d date, ts timestamptz,
  u uuid, j jsonb, a int[], r int4range
);
INSERT INTO author (name) SELECT 'author ' || n FROM generate_series(1, 20) n;
INSERT INTO book (author_id, title) SELECT 1 + n % 20, 'book ' || n || ' “ü”' FROM generate_series(1, 200) n;
INSERT INTO setting (name, value) SELECT 'setting ' || n, 0 FROM generate_series(1, 20) n;
INSERT INTO every_type VALUES
  (true, 1, 2, 3, 4.50, 0.1, 'text', 'varchar', '\\x00ff', '2026-01-02', '2026-01-02 03:04:05+00',
   'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null]}', '{1,NULL,3}', '[1,5)'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
`;

/** A new database with the shop in it. */
export async function openShop(server: Postgres): Promise<string> {
  const database = await server.newDatabase();
  await run(pointed(server.url, { database }), shop);
  return database;
}

export async function rewritten(proxy: Proxy): Promise<number> {
  return (await proxy.metrics())['interlock_statements_total{outcome="rewritten"}'] ?? 0;
}

/** It did look at the statements, and lost sight of no session. */
export async function expectWatchful(proxy: Proxy): Promise<void> {
  const metrics = await proxy.metrics();
  expect(metrics.interlock_statements_inspected_total).toBeGreaterThan(0);
  expect(metrics.interlock_raw_relay_sessions_total ?? 0).toBe(0);
  expect(metrics.interlock_problems_total ?? 0).toBe(0);
  expect(metrics.interlock_protocol_errors_total ?? 0).toBe(0);
}
