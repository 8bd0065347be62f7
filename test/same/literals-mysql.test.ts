/**
 * Constants as the classifier reads them against what real servers make of them, with backslashes as escapes and without;
 * and where comments end. Random texts from a fixed seed.
 */
import fc from 'fast-check';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classify } from '../../src/sql/classify.ts';
import type { LexerSettings } from '../../src/sql/shape.ts';
import { availableEngines, startMysql, type Mysql } from '../support/mysql.ts';

const pieces = `a ' " \\ % _ 0 n Z b t r é x '' "" \\'`.split(' ');
const literals = fc.sample(
  fc
    .tuple(
      fc.constantFrom('', '', '', '', '_binary', '_binary ', 'X', 'N'),
      fc.constantFrom("'", "'", "'", '"'),
      fc.array(fc.constantFrom(...pieces, ' ', '\n'), { maxLength: 6 }),
    )
    .map(([prefix, quote, inner]) => `${prefix}${quote}${inner.join('')}${quote}`),
  { numRuns: 1_500, seed: 7 },
);

describe.each(await availableEngines())('%s', (engine) => {
  let server: Mysql;
  let connection: Connection;
  beforeAll(async () => {
    server = await startMysql({ engine });
    connection = await createConnection(server.url());
  });
  afterAll(async () => {
    await connection?.end();
    await server?.stop();
  });

  const one = async (sql: string): Promise<unknown> => {
    const [rows] = await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
    return rows[0]?.[0];
  };

  it.each([false, true])('NO_BACKSLASH_ESCAPES %s', async (noBackslashEscapes) => {
    await connection.query(`SET sql_mode = '${noBackslashEscapes ? 'NO_BACKSLASH_ESCAPES' : ''}'`);
    const settings: LexerSettings = {
      dialect: engine.startsWith('mysql') ? 'mysql' : 'mariadb',
      standardConformingStrings: true,
      ansiQuotes: false,
      noBackslashEscapes,
    };
    let compared = 0;
    for (const literal of literals) {
      const { shape } = classify(Buffer.from(`SELECT 1 FROM t WHERE a = ${literal}`), settings);
      const value = shape.kind === 'select' ? shape.equalities[0]?.value : undefined;
      if (value?.kind !== 'string') continue;
      compared++;
      const hex = Buffer.from(value.text, 'latin1').toString('hex').toUpperCase();
      expect(await one(`SELECT HEX(${literal})`), literal).toBe(hex);
    }
    expect(compared).toBeGreaterThan(700);
  });

  it.each([
    ['SELECT 1 -- x\r+1', 1],
    ['SELECT 1 # x\r+1', 1],
    ['SELECT 1 # x\n+1', 2],
    ['SELECT 1--1', 2],
    ['SELECT 5 --\t1\n+1', 6],
    ['SELECT /* /* */ 1', 1],
  ])('%j', async (text, expected) => {
    expect(await one(text)).toBe(expected);
  });
});
