/** Loads the grammars that a process needs: which those are follows from its listeners. In front of step 7 of the flow. */
import type { Dialect } from '../shape.ts';
import { loadMysqlWitness } from './mysql.ts';
import { loadWitness } from './postgres.ts';
import type { Witness } from './types.ts';

/** PostgreSQL's, one for the process: the examples of rules have asked for it when the proxy does. */
let loaded: Promise<Witness> | undefined;

/**
 * Whether a server behind `mysql` is MySQL or MariaDB is known only after its greeting, so both are loaded: about 100 ms
 * each, which no session should have to wait for.
 * @returns the grammar of a dialect; one that no listener announced is loaded when it is asked for, except PostgreSQL's
 */
export async function loadWitnesses(
  protocols: readonly ('postgres' | 'mysql')[],
): Promise<(dialect: Dialect) => Witness> {
  if (protocols.includes('postgres')) loaded ??= loadWitness();
  const postgres = await loaded;
  if (protocols.includes('mysql'))
    for (const dialect of ['mysql', 'mariadb'] as const) loadMysqlWitness(dialect);
  return (dialect) => {
    if (dialect !== 'postgres') return loadMysqlWitness(dialect);
    if (postgres === undefined) throw new Error('no listener for PostgreSQL, no grammar for it');
    return postgres;
  };
}
