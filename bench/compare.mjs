/** Rounds of one workload over all legs, in an order that rotates. */
import pg from 'pg';
import { measure } from './pgbench.mjs';

/** Leg 0 first in round 0, leg 1 first in round 1 …: nobody always comes after the same neighbour's heat. */
const rotated = (list, by) => list.map((_, i) => list[(i + by) % list.length]);

/** @returns one object a round: leg name -> result of measure() */
export async function compare(program, legs, workload, { rounds, seconds }) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const result = {};
    for (const leg of rotated(legs, round)) {
      result[leg.name] = await measure(program, leg, workload, seconds);
      process.stderr.write(
        `${workload.name}, round ${round + 1}, ${leg.name}: ${result[leg.name].tps.toFixed(0)} tps\n`,
      );
    }
    results.push(Object.fromEntries(legs.map(({ name }) => [name, result[name]])));
  }
  return results;
}

/** The database that pgbench uses. */
export async function createDatabase(port) {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await client.connect();
  await client.query('CREATE DATABASE bench');
  await client.end();
}
