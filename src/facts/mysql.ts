/** Catalog facts of MySQL and MariaDB, from SHOW CREATE TABLE. */
import type { Facts, FactsQuestion } from './types.ts';

export function mysqlLookUps(_question: FactsQuestion): string[] {
  return [];
}

export function readMysqlFacts(
  _question: FactsQuestion,
  _answers: readonly ((string | null)[] | undefined)[],
  _database: string,
): Facts | undefined {
  return undefined;
}
