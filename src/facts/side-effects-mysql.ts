/**
 * MySQL, MariaDB: what a DELETE on a table sets off by itself. Asked for lists in chunks only, because the first chunks may
 * have changed what the predicate reads. Step 7 of the flow.
 *
 * A whole list at once needs no such look: a trigger that writes a table of the statement that fired it is error 1442, and
 * the original is sent. But that error comes only when a row is deleted, so a last chunk whose predicate matches nothing any
 * more would pass. Foreign-key actions fire no triggers (measured on MySQL 9.7, MariaDB 10.11 and 11.8).
 */
import type { Name } from '../sql/shape.ts';

/**
 * One row: number of triggers that a DELETE fires, of foreign keys that act on it, and whether this user would be shown the
 * triggers. MySQL shows them to users with the TRIGGER privilege, MariaDB to everybody; a privilege that comes by a role
 * does not count here. A read view, which this opens on MySQL 9.7, exists already: chunks come behind the SELECT of the same
 * transaction.
 */
export function sideEffects({ schema, name }: Name): string {
  // Names in another script would have to be converted from the connection's charset: assume the worst.
  if (/[^ -~]/.test(`${schema ?? ''}${name}`)) return 'SELECT 1, 1, 0';
  const inSchema = schema === undefined ? 'DATABASE()' : literal(schema);
  const table = literal(name);
  const may = (privileges: string, where = ''): string =>
    `EXISTS (SELECT 1 FROM information_schema.${privileges} WHERE PRIVILEGE_TYPE = 'TRIGGER' AND GRANTEE = ${me}${where})`;
  return `SELECT (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ${inSchema}
    AND EVENT_OBJECT_TABLE = ${table} AND EVENT_MANIPULATION = 'DELETE'),
  (SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_SCHEMA = ${inSchema}
    AND REFERENCED_TABLE_NAME = ${table} AND DELETE_RULE NOT IN ('NO ACTION', 'RESTRICT')),
  VERSION() LIKE '%mariadb%' OR ${may('USER_PRIVILEGES')}
    OR ${may('SCHEMA_PRIVILEGES', ` AND ${inSchema} LIKE TABLE_SCHEMA`)}
    OR ${may('TABLE_PRIVILEGES', ` AND TABLE_SCHEMA = ${inSchema} AND TABLE_NAME = ${table}`)}`;
}

const host = `SUBSTRING_INDEX(CURRENT_USER(), '@', -1)`;
const user = `LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(${host}) - 1)`;
/** `'user'@'host'`. The host is behind the last @: a user's name may have one as well. */
const me = `CONCAT('''', ${user}, '''@''', ${host}, '''')`;

/** Reads the same with and without NO_BACKSLASH_ESCAPES, and compares without regard to case. */
function literal(text: string): string {
  return `CONVERT(x'${Buffer.from(text, 'latin1').toString('hex')}' USING utf8mb4)`;
}

export function setsNothingOff(answer: (string | null)[] | undefined): boolean {
  const [triggers, actions, visible] = answer ?? [];
  return triggers === '0' && actions === '0' && visible === '1';
}
