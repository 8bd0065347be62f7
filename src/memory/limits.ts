/**
 * How much one session may remember. Over a limit the oldest is forgotten, or the read counts as not captured; nothing
 * is guessed. The session fills this from the configuration (limits.*); the defaults are here.
 */
export interface MemoryLimits {
  /** Ids of one read; a longer result is not captured (reason over-limit). */
  rememberedIds: number;
  /** Bytes of all ids of one read. */
  rememberedBytes: number;
  /** Reads of one transaction. An older read is separated from the DELETE by this many others, so nothing is lost. */
  reads: number;
  /** Savepoints set after a read; over it a ROLLBACK TO counts as a write. */
  savepoints: number;
  /** Locking look-ups without a row, for `when: after-locking-lookup`. */
  lockingLookups: number;
  /** Statements that wait to be looked at, and bytes of them; over it they are looked at. ORMs' transactions are shorter. */
  unread: number;
  unreadBytes: number;
  /** Of a row that is watched until it is written back. */
  watchedColumns: number;
}

export const defaultMemoryLimits: MemoryLimits = {
  rememberedIds: 10_000,
  rememberedBytes: 1_048_576,
  reads: 4,
  savepoints: 32,
  lockingLookups: 16,
  unread: 64,
  unreadBytes: 65_536,
  watchedColumns: 200,
};
