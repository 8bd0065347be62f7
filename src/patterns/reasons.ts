/**
 * Every reason for which Interlock leaves a recognised pattern alone. Public API: codes are stable, docs/reasons.md is
 * generated from this file (`npm run docs`), and a test demands a test case for each of them.
 */
import type { PatternId } from './types.ts';

interface ReasonText {
  patterns: PatternId[];
  /** One sentence: what was seen and why rewriting it would not be safe. */
  text: string;
}

const split: PatternId[] = ['split-delete'];
const reread: PatternId[] = ['unlocked-read-after-unique-violation'];
const both: PatternId[] = [...split, ...reread];
const first: PatternId[] = ['anticipate'];
const all: PatternId[] = [...both, ...first];

export const reasons = {
  // -- transaction ------------------------------------------------------------------------------------------------
  'not-in-transaction': {
    patterns: all,
    text: 'The statement does not provably run inside an explicit transaction (it ran in autocommit or in front of BEGIN); a lock or guard would end with the statement.',
  },
  'snapshot-taken': {
    patterns: first,
    text: 'MySQL, MariaDB, above READ COMMITTED: the transaction has read or written before, or began WITH CONSISTENT SNAPSHOT; behind the guard it would still see what was there then.',
  },
  'guard-key': {
    patterns: first,
    text: 'The table whose guard should be taken does not follow from the SELECT (its first column names none of several tables): name it with settings.table.',
  },
  'guard-not-had': {
    patterns: first,
    text: 'Another transaction held the guard for longer than guard_wait; the statement was sent without it.',
  },
  'across-begin': {
    patterns: split,
    text: 'The SELECT ran before BEGIN, so ids and DELETE belong to different transactions.',
  },
  'across-transactions': {
    patterns: split,
    text: 'The SELECT ran in an earlier transaction of this session.',
  },
  isolation: {
    patterns: all,
    text: 'The isolation level is not known, or a rewrite changes nothing under it or makes it worse. PostgreSQL: all but READ COMMITTED. MySQL, MariaDB: READ UNCOMMITTED, SERIALIZABLE, innodb_snapshot_isolation, and for unlocked reads REPEATABLE READ (setting repeatable_read).',
  },
  'read-only': { patterns: all, text: 'The transaction is read-only or the server a standby.' },
  pipeline: {
    patterns: all,
    text: 'An earlier statement of the same pipeline has not been answered, so its effect is unknown.',
  },
  // -- what the app did with the ids --------------------------------------------------------------------------------
  'list-differs': {
    patterns: split,
    text: 'The list is not exactly the set of keys that the SELECT returned: the app filtered or added.',
  },
  'cascade-by-list': {
    patterns: split,
    text: 'The captured ids were already used to write another table; rewriting only this statement would orphan or destroy rows.',
  },
  'statement-between': {
    patterns: split,
    text: 'Another statement stands between SELECT and DELETE: the app may have worked with the rows.',
  },
  'own-write': {
    patterns: split,
    text: 'This transaction wrote after the SELECT, so a fresh evaluation of the predicate may see its own changes.',
  },
  'row-loop': {
    patterns: split,
    text: "The rows of one SELECT are deleted one by one; each DELETE is the app's own decision. Reported once, at the second row; the pattern anticipate helps (docs/anticipate.md).",
  },
  'set-constraints': {
    patterns: split,
    text: 'The app sent SET CONSTRAINTS in this transaction and decides itself when deferred checks run.',
  },
  'unknown-effect': {
    patterns: both,
    text: 'A statement of unknown effect (DDL, CALL, SET search_path or ROLE, several statements in one) ran in between.',
  },
  window: { patterns: split, text: 'The app held the ids for longer than the window of the rule.' },
  // -- shape of the SELECT --------------------------------------------------------------------------------------------
  'select-list': {
    patterns: split,
    text: 'The SELECT returned more than the key, so the app had rows to work with.',
  },
  'no-join': {
    patterns: split,
    text: 'A SELECT over one table without sub-query or HAVING gave an ORM no reason to split; allowed only on tables that the rule names.',
  },
  'payload-key': {
    patterns: split,
    text: 'The key is not generated or is itself a foreign key, so it may be the payload; allowed only on tables that the rule names.',
  },
  limit: { patterns: split, text: 'LIMIT, OFFSET or FETCH: a fresh evaluation would pick the next rows.' },
  'volatile-function': {
    patterns: all,
    text: 'A function is volatile or not known to be stable. Anticipated, on MySQL and MariaDB: FOUND_ROWS() or ROW_COUNT(), which would tell of the guard.',
  },
  'query-form': {
    patterns: all,
    text: 'UNION, window function, WITH, INTO, DISTINCT or aggregate where it cannot be carried over, user variables or the hint SET_VAR, FROM that is not plain tables, or no column of the row is read.',
  },
  'locked-already': { patterns: both, text: 'The read has a locking clause of its own.' },
  'self-reference': {
    patterns: split,
    text: 'The predicate reads the target twice or aggregates over it while the list is sent in chunks.',
  },
  'chunk-effects': {
    patterns: split,
    text: 'Foreign-key actions or triggers may have changed what the predicate reads: those of earlier chunks of the list or, on MySQL and MariaDB, of the DELETE itself while it runs.',
  },
  'outer-join': {
    patterns: reread,
    text: 'The row is on the nullable side of an outer join and cannot be locked.',
  },
  'result-cut': {
    patterns: split,
    text: 'The result was read through a cursor or suspended portal, so the set of keys is not known.',
  },
  // -- shape of the DELETE --------------------------------------------------------------------------------------------
  'delete-form': {
    patterns: split,
    text: 'The DELETE has other conditions, RETURNING, USING, ONLY or a LIMIT.',
  },
  'composite-key': {
    patterns: both,
    text: 'The key has more than one column (MySQL, unlocked read: the primary key, by which the row is locked).',
  },
  'key-type': {
    patterns: both,
    text: 'The key has a type or encoding whose values Interlock does not compare, or a parameter came as long data and is not at hand.',
  },
  'key-unknown': {
    patterns: both,
    text: "The result's metadata does not name the key column, or it is not the table's unique, non-null key (MySQL, unlocked read: the table has no primary key).",
  },
  'target-mismatch': {
    patterns: both,
    text: 'The table that is written is not provably the table that was read.',
  },
  // -- pattern 2 --------------------------------------------------------------------------------------------------------
  'key-not-pinned': {
    patterns: reread,
    text: "The SELECT's equality conditions do not carry the INSERT's values for all columns of the violated key.",
  },
  'quiet-conflict': {
    patterns: reread,
    text: 'The INSERT met a row without an error (ON CONFLICT DO NOTHING, INSERT IGNORE): no key is named, and an idempotent consumer sends the same.',
  },
  'insert-form': {
    patterns: reread,
    text: 'The failed INSERT has no plain VALUES list whose columns are named.',
  },
  'no-locking-lookup': {
    patterns: reread,
    text: 'The rule wants the same lookup with FOR UPDATE earlier in the transaction (update_or_create), and there was none.',
  },
  'primary-duplicate': {
    patterns: reread,
    text: 'InnoDB: the violated key is the primary key, and the failed INSERT has left a lock on the very row.',
  },
  // -- catalog, session, limits -----------------------------------------------------------------------------------------
  'relation-kind': {
    patterns: all,
    text: 'A relation is a view, partition, foreign or inherited table, or has rules.',
  },
  'row-security': {
    patterns: both,
    text: 'Row-level security is on: a lock or another statement form may see other rows.',
  },
  'safe-updates': {
    patterns: split,
    text: 'MySQL: sql_safe_updates is on and refuses a DELETE whose WHERE names no key.',
  },
  'no-privilege': { patterns: reread, text: 'The role may not lock rows of the table.' },
  'deferred-closure': {
    patterns: split,
    text: 'The deferrable constraints that the delete may touch cannot be named one by one, or a constraint trigger of the app is among them.',
  },
  catalog: { patterns: all, text: 'A catalog look-up failed or its answer was not understood.' },
  encoding: {
    patterns: all,
    text: 'client_encoding or standard_conforming_strings make the bytes ambiguous to a lexer.',
  },
  witness: {
    patterns: both,
    text: "The real grammar rejected the statement or disagreed with Interlock's reading of it.",
  },
  proof: { patterns: both, text: 'The edited text did not parse to the intended tree.' },
  'over-limit': {
    patterns: both,
    text: 'A limit of the configuration was reached; what was remembered was forgotten.',
  },
  'table-not-named': {
    patterns: split,
    text: 'The rule rewrites, but no operator named this table (match.tables, --tables): observed only.',
  },
  'database-changed': {
    patterns: all,
    text: 'USE led to another database than the one that the rule was matched with.',
  },
  'plan-failed': {
    patterns: both,
    text: 'The rewritten statement failed where the original might not: rolled back to the savepoint, the original was sent.',
  },
  breaker: {
    patterns: all,
    text: 'Rewrites of this rule failed several times in a short while: it observes until the pause of its circuit breaker is over.',
  },
  defect: {
    patterns: all,
    text: 'A defect of Interlock was contained before the rewritten statement was sent; the session is relayed raw from here on.',
  },
  'guard-unsafe': {
    patterns: [...split, ...first],
    text: 'The server frees the lock of the app when a second one is taken (MySQL before 5.7.5).',
  },
  'no-row': {
    patterns: reread,
    text: 'The row was gone when its primary key was asked for: there is nothing to lock.',
  },
  // -- evidence (looks, not rewrites) -----------------------------------------------------------------------------------
  snapshot: {
    patterns: both,
    text: "Evidence: the isolation level shows a plain read the transaction's own snapshot, so that a look cannot tell what others have committed since.",
  },
  'look-visible': {
    patterns: both,
    text: 'Evidence, MySQL and MariaDB: the app could tell that there was a look, by ROW_COUNT() behind a DELETE, by SHOW WARNINGS behind a read that left some. A rewritten DELETE leaves nothing to ask in front of it.',
  },
  'look-failed': {
    patterns: both,
    text: 'Evidence: a look failed or ran out of its time (limits.evidence_timeout); it was undone, and the statement went on as it came.',
  },
  'opted-out': { patterns: all, text: 'The statement carries the comment interlock:off.' },
} as const satisfies Record<string, ReasonText>;

export type Reason = keyof typeof reasons;
