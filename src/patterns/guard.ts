/**
 * The guard's key: which advisory lock all that is guarded on one table has to share, be it a rewritten delete or a
 * transaction that is anticipated. Step 7 of the flow.
 *
 * Public API between processes: all sidecars of one database have to compute the same key, whatever their version.
 * Changing a constant here means that old and new sidecars do not exclude each other; a test pins the values.
 */
import type { GuardKey, Plan } from './types.ts';
import type { SplitDeleteSettings } from './split-delete/settings.ts';

/** First integer of pg_try_advisory_xact_lock(int, int): "ILCK" in ASCII. */
export const guardClassId = 0x494c_434b;

/** Names, never OIDs: a restored or replicated database keeps them. Bytes as latin1; NUL cannot occur in a name. */
export function guardKey(database: string, schema: string, table: string): GuardKey {
  return {
    classId: guardClassId,
    key: hash32(`${database}\0${schema}\0${table}`),
    name: `${database}.${schema}.${table}`,
  };
}

/** What the plan takes, as the rule's settings want it. Sessions that rewrite under `all` do so as under `try`. */
export function planGuard(
  { guard, guard_wait: waitMs }: SplitDeleteSettings,
  key: GuardKey,
): Pick<Plan, 'guard'> {
  if (guard === 'none') return {};
  return { guard: { key, mode: guard === 'all' ? 'try' : guard, waitMs } };
}

/** Lock names of MySQL are server-wide, without regard to case, and at most 64 characters long (manual, GET_LOCK). */
const mysqlPrefix = 'interlock:';

/**
 * MySQL, MariaDB: `interlock:` and 16 hex digits. Names as the result's metadata gives them: the server's own spelling,
 * whatever the statement wrote. Bytes as latin1.
 */
export function guardKeyMysql(schema: string, table: string): GuardKey {
  const text = `${schema}\0${table}`;
  // Two hashes of 32 bits: 'mysql' in front of the second makes it another one.
  const high = hash32(text);
  const low = hash32(`mysql\0${text}`);
  return { classId: guardClassId, key: high, name: `${mysqlPrefix}${hex(high)}${hex(low)}` };
}

function hex(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** FNV-1a (32 bit, offset basis 2166136261, prime 16777619) with the finaliser of MurmurHash3, as a signed int4. */
export function hash32(bytes: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < bytes.length; i++) {
    hash ^= bytes.charCodeAt(i) & 0xff;
    hash = Math.imul(hash, 0x0100_0193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85eb_ca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2_ae35);
  hash ^= hash >>> 16;
  return hash | 0;
}
