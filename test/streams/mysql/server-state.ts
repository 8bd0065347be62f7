/**
 * What the fake server says of a session: variables by name, as the plan's question asks for them
 * (src/session/mysql/server-state.ts). A name that the product or its version does not have is error 1193, as in reality.
 */
import { type as typeByte } from '../../../src/wire/mysql/types.ts';
import type { ColumnDefinition } from '../../../src/wire/mysql/columns.ts';
import { database } from './catalog.ts';
import type { Answer } from './fake-server.ts';

/** MariaDB 10.11 or MySQL 9.7. */
export type Flavour = 'mariadb' | 'mysql';

export interface SessionVariables {
  isolation: 'READ-UNCOMMITTED' | 'READ-COMMITTED' | 'REPEATABLE-READ' | 'SERIALIZABLE';
  readOnly: boolean;
  snapshotIsolation: boolean;
  sqlMode: string;
  charset: string;
  safeUpdates: boolean;
  selectLimit: string;
  /** The default database by now. */
  database: string;
  /** MySQL before 5.7.20: names of MariaDB 10. */
  old: boolean;
}

/** As Debian installs both. */
export const plainVariables: SessionVariables = {
  isolation: 'REPEATABLE-READ',
  readOnly: false,
  snapshotIsolation: false,
  sqlMode: 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
  charset: 'utf8mb4',
  safeUpdates: false,
  selectLimit: '18446744073709551615',
  database,
  old: false,
};

function values(flavour: Flavour, variables: SessionVariables): Record<string, string> {
  const prefix = flavour === 'mariadb' || variables.old ? 'tx' : 'transaction';
  const bit = (on: boolean): string => (on ? '1' : '0');
  return {
    [`@@session.${prefix}_isolation`]: variables.isolation,
    [`@@session.${prefix}_read_only`]: bit(variables.readOnly),
    '@@session.sql_mode': variables.sqlMode,
    '@@session.character_set_client': variables.charset,
    '@@session.sql_safe_updates': bit(variables.safeUpdates),
    '@@session.foreign_key_checks': '1',
    '@@session.sql_select_limit': variables.selectLimit,
    'DATABASE()': variables.database,
    'CURRENT_USER()': 'app@%',
    ...(flavour === 'mariadb' && { '@@session.innodb_snapshot_isolation': bit(variables.snapshotIsolation) }),
  };
}

export function answerState(sql: string, flavour: Flavour, variables: SessionVariables): Answer | undefined {
  if (!sql.startsWith('SELECT @@session.')) return undefined;
  const known = values(flavour, variables);
  const asked = sql.slice('SELECT '.length).split(', ');
  const missing = asked.find((name) => known[name] === undefined);
  if (missing !== undefined) {
    const message = `Unknown system variable '${missing.replace('@@session.', '')}'`;
    return { kind: 'error', errno: 1193, sqlstate: 'HY000', message };
  }
  return {
    kind: 'rows',
    columns: asked.map((name) => expression(name)),
    rows: [asked.map((name) => known[name] ?? null)],
  };
}

/** A column that is none of a table. */
export function expression(name: string, type: number = typeByte.varString): ColumnDefinition {
  const none = { schema: '', table: '', orgTable: '', orgName: '' };
  return { ...none, name, collation: 45, type, flags: 0, decimals: 0 };
}
