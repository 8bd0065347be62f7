/**
 * Loads the cases for MySQL and MariaDB. Fields and notation are those of ../cases.ts and ../transcript.ts, with what is
 * different there:
 *
 *     INSERT INTO account (email) VALUES ({'a@x'}) -> !1062 email      error number, and the key for a duplicate
 *     DELETE FROM book WHERE id IN ({3}, {4}) -> DELETE 2              affected rows
 *     [cursor] SELECT …                                                 the execution asks for a cursor
 *     [after 1s] …                                                      that long before the prepare, and before the execution
 *
 * servers     which of the two a case is for (default: both, MariaDB 10.11 and MySQL 9.7)
 * only        text: COM_QUERY; prepared: COM_STMT_PREPARE, EXECUTE, CLOSE; pipelined: MariaDB's execution of the statement
 *             prepared last, without waiting for its id, and results without column definitions
 * passed_on   the SQLSTATE
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Mode } from '../../../src/patterns/rule.ts';
import type { PatternId } from '../../../src/patterns/types.ts';
import type { Reason } from '../../../src/patterns/reasons.ts';
import type { SessionLimits } from '../../../src/session/types.ts';
import { Catalog, type TableText } from '../../streams/catalog.ts';
import { database } from '../../streams/mysql/catalog.ts';
import type { PlanAnswers } from '../../streams/mysql/plan-rules.ts';
import type { Flavour } from '../../streams/mysql/server-state.ts';

export type Protocol = 'text' | 'prepared' | 'pipelined';
export const protocols: readonly Protocol[] = ['text', 'prepared', 'pipelined'];

export interface Conditions {
  mode?: Mode;
  tables_named?: boolean;
  split_delete?: Record<string, unknown>;
  unlocked_read?: Record<string, unknown>;
  limits?: Partial<SessionLimits>;
  /** Variables of the session and answers to the plan. */
  server?: Partial<PlanAnswers>;
  /** Status flags of every reply beyond the transaction's: 0x200 NO_BACKSLASH_ESCAPES, 0x8000 ANSI_QUOTES (MariaDB). */
  status_bits?: number;
  /** The rules are for this database alone. */
  rule_database?: string;
  /** As the greeting says it. */
  version?: string;
  witness?: 'real' | 'disagrees' | 'proves-nothing';
  /** Error number with which the rewritten statement fails. */
  edited?: number;
  /** Rows that the lock by primary key finds; default: those of the plain read. */
  locked_rows?: number;
}

export interface Case extends Conditions {
  name: string;
  transcript: string;
  rewritten?: string | string[];
  unchanged?: Reason;
  passed_on?: string;
  refusals?: Reason[];
  /** Statements of the plan that must be among those that the server ran. */
  plan?: string[];
  only?: Protocol[];
  servers?: Flavour[];
  twin?: Conditions & { transcript?: string; replace?: string; by?: string; refusals?: Reason[] };
}

const folder = new URL('./', import.meta.url);

export function loadMysqlCases(pattern: PatternId): Case[] {
  const files = new URL(`${pattern}/`, folder);
  return readdirSync(files)
    .toSorted()
    .flatMap((file) => parse(readFileSync(new URL(file, files), 'utf8')) as Case[]);
}

export function caseCatalog(): Catalog {
  const texts = parse(readFileSync(new URL('schema.yaml', folder), 'utf8')) as Record<string, TableText>;
  for (const text of Object.values(texts)) text.schema = database;
  return new Catalog(texts);
}

/** The case that differs from a refused one in what its twin says. */
export function twinOf(refused: Case): Case {
  const { twin, unchanged: _reason, ...rest } = refused;
  if (twin === undefined) throw new Error(`${refused.name}: no twin`);
  const { replace, by, ...others } = twin;
  const merged = { ...rest, ...others };
  if (replace === undefined) return merged;
  const transcript = refused.transcript.replaceAll(replace, () => by ?? '');
  if (transcript === refused.transcript) throw new Error(`${refused.name}: the twin's text does not occur`);
  return { ...merged, transcript };
}
