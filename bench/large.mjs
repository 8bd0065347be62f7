/** Large results and large statements: MB/s of a million rows, and the time that a long text takes longer than directly. */
import { readFileSync } from 'node:fs';
import { RawClient } from './raw.mjs';
import { median } from './summary.mjs';

const million = "SELECT i, repeat('x', 80) FROM generate_series(1, 1000000) AS i";

const residentBytes = (pid) =>
  pid === undefined
    ? 0
    : Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;

/** @returns leg name -> { mbPerSecond: number[], grownMb: number } in rounds */
export async function millionRows(legs, rounds) {
  const results = Object.fromEntries(legs.map(({ name }) => [name, { mbPerSecond: [], grownMb: 0 }]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, port, pid } of legs) {
      const client = await RawClient.open(port);
      const before = residentBytes(pid);
      const { ms, bytes } = await client.query(million);
      results[name].mbPerSecond.push(bytes / 1e3 / ms);
      if (round > 0)
        results[name].grownMb = Math.max(results[name].grownMb, (residentBytes(pid) - before) / 1e6);
      client.close();
    }
  }
  return results;
}

const list = (count) => Array.from({ length: count }, (_, i) => i + 1).join(', ');
export const longTexts = {
  'IN list of 10': `SELECT count(*) FROM pgbench_tellers WHERE tid IN (${list(10)})`,
  'IN list of 1,000': `SELECT count(*) FROM pgbench_tellers WHERE tid IN (${list(1_000)})`,
  'IN list of 10,000': `SELECT count(*) FROM pgbench_tellers WHERE tid IN (${list(10_000)})`,
  'insert of 1 MB': `INSERT INTO blob (content) VALUES ('${'x'.repeat(1_000_000)}')`,
};

/**
 * @param legs the first is direct
 * @returns name of the text -> leg name -> median milliseconds, in a transaction, where every text is looked at
 */
export async function longStatements(legs, rounds) {
  const clients = [];
  for (const { name, port } of legs) clients.push({ name, client: await RawClient.open(port), times: [] });
  await clients[0].client.query('CREATE TABLE IF NOT EXISTS blob (content text)');
  for (const { client } of clients) await client.query('BEGIN');
  const results = {};
  for (const [name, sql] of Object.entries(longTexts)) {
    for (const one of clients) one.times = [];
    for (let round = 0; round < rounds + 3; round++)
      for (const one of clients) {
        const { ms } = await one.client.query(sql);
        if (round >= 3) one.times.push(ms);
      }
    results[name] = Object.fromEntries(clients.map((one) => [one.name, median(one.times)]));
  }
  for (const { client } of clients) {
    await client.query('ROLLBACK');
    client.close();
  }
  return results;
}
